"""The site that the scenarios share: cameras, a recorder, servers, an office, a core, a firewall, and the internet."""

import os
import time

import hosts
from lab import Lab

CAMERAS = {"cam1": ("44:19:b6:11:00:01", 11), "cam2": ("44:19:b6:11:00:02", 12), "cam3": ("c0:56:e3:11:00:03", 13)}
RECORDER, SERVERS, OFFICE, CLINICAL = "10.200.0.10", "10.40.0", "10.44.0.50", "10.30.0.7"
INTERNET = "203.0.113"
CORE = {110: ("10.110.0.1", "fd00:110::1"), 200: ("10.200.0.1", "fd00:200::1"), 40: ("10.40.0.1", "fd00:40::1"),
        300: ("10.30.0.1", "fd00:300::1"), 400: ("10.44.0.1", "fd00:400::1"), 900: ("10.255.0.1", "fd00:900::1")}
LEASE = """#!/bin/sh
case "$1" in
bound) ip addr flush dev $interface scope global; ip addr add $ip/24 dev $interface; ip route replace default via $router;;
esac
"""


class Site(Lab):
    """`rules` are nftables rules of the device that leads to the internet: `edge` names it."""

    def __init__(self, edge="core", rules="", same_mac=False, v6=False, cameras=3, core_rules="", services=True):
        super().__init__()
        self.v6, self.same_mac = v6, same_mac
        self.cameras = dict(list(CAMERAS.items())[:cameras])
        for name, (mac, _) in self.cameras.items():
            self.plug(name, mac, 110, v6=True)
        self.six("rec", "00:50:56:20:00:10", 200, RECORDER, "fd00:200::10")
        self.six("srv", "00:50:56:40:00:05", 40, f"{SERVERS}.5", "fd00:40::5")
        for last in (20, 30, 40):
            self.at("srv", f"ip addr add {SERVERS}.{last}/24 dev e0")
        self.six("pc", "3c:52:82:44:00:50", 400, OFFICE, "fd00:400::50")
        self.six("ward", "00:50:56:30:00:07", 300, CLINICAL, "fd00:300::7")
        for vlan, (four, six) in CORE.items():
            last = 0 if same_mac else vlan % 256
            nets = [f"{four}/{30 if vlan == 900 else 24}"] + ([f"{six}/64"] if v6 else [])
            self.plug("core", f"00:1b:54:c0:00:{last:02x}", vlan, *nets, nic=f"v{vlan}", v6=v6)
        for host, vlan in [("rec", 200), ("srv", 40), ("pc", 400), ("ward", 300)]:
            self.default(host, vlan)
        self.forward("core")
        self.internet(edge)
        for host, text in [("core", core_rules), (edge, rules)]:
            if text:
                self.filter(host, text)
        if services:
            self.serve()

    def six(self, host, mac, vlan, four, six):
        self.plug(host, mac, vlan, f"{four}/24", *([f"{six}/64"] if self.v6 else []), v6=self.v6)

    def default(self, host, vlan):
        self.route(host, CORE[vlan][0])
        if self.v6:
            self.route(host, CORE[vlan][1])

    def internet(self, edge):
        """Two routers of a provider, and a server behind them."""
        if edge == "fw":
            self.plug("fw", "00:1b:17:90:00:02", 900, "10.255.0.2/30", *(["fd00:900::2/64"] if self.v6 else []), v6=self.v6)
            self.route("core", "10.255.0.2")
            self.route("fw", "10.255.0.1", "10.0.0.0/8")
            if self.v6:
                self.route("core", "fd00:900::2")
                self.route("fw", "fd00:900::1", "fd00::/16")
        for host in ("isp", "inet"):
            self.namespace(host)
        self.join(edge, "isp", "192.0.2", "2001:db8:1" if self.v6 else None)
        self.join("isp", "inet", "198.51.100", "2001:db8:2" if self.v6 else None)
        self.route(edge, "192.0.2.2") if edge == "fw" else self.route("core", "192.0.2.2")
        self.route("isp", "192.0.2.1", "10.0.0.0/8")
        self.route("isp", "198.51.100.2", f"{INTERNET}.0/24")
        self.route("inet", "198.51.100.1")
        for last in (9, 50, 123):
            self.at("inet", f"ip addr add {INTERNET}.{last}/32 dev lo")
        if self.v6:
            self.route(edge, "2001:db8:1::2")
            self.route("isp", "2001:db8:1::1", "fd00::/16")
            self.route("isp", "2001:db8:2::2", "2001:db8:9::/64")
            self.route("inet", "2001:db8:2::1")
            self.at("inet", "ip addr add 2001:db8:9::50/128 dev lo; ip addr add 2001:db8:9::123/128 dev lo")
        for host in (edge, "isp"):
            self.forward(host)

    def filter(self, host, rules, hook="forward"):
        path = f"{self.dir}/{host}.nft"
        with open(path, "w", encoding="utf8") as file:
            file.write(f"table inet f {{\nchain c {{ type filter hook {hook} priority 0;\n{rules}\n}}\n}}\n")
        self.at(host, f"nft -f {path}")

    def serve(self):
        """DHCP with the core as relay, DNS, NTP; a script for leases."""
        leases = " ".join(f"--dhcp-host={mac},10.110.0.{last}" for mac, last in self.cameras.values())
        names = " ".join(f"--host-record={n}.region.example,{SERVERS}.{last}" for n, last in [("nms", 20), ("log", 30), ("ntp", 40)])
        common = "dnsmasq -k --conf-file=/dev/null --user=root --log-facility=/dev/null --pid-file= "
        self.daemon(f"{common} --no-ping --no-resolv --no-hosts --listen-address={SERVERS}.5 --bind-interfaces {names} {leases} "
                    f"--dhcp-range=10.110.0.100,10.110.0.120,255.255.255.0,1h --dhcp-option=3,10.110.0.1 "
                    f"--dhcp-leasefile={self.dir}/leases", "srv")
        self.daemon(f"{common} --port=0 --dhcp-relay=10.110.0.1,{SERVERS}.5", "core")
        self.do("srv", hosts.ntp_server, f"{SERVERS}.40")
        self.do("srv", hosts.sink, f"{SERVERS}.20", 162)
        self.do("srv", hosts.sink, f"{SERVERS}.30", 514)
        self.script = f"{self.dir}/lease"
        with open(self.script, "w", encoding="utf8") as file:
            file.write(LEASE)
        os.chmod(self.script, 0o755)

    def boot(self, dhcp=True):
        """The cameras get their addresses and start."""
        if dhcp:
            self.together(*[(name, hosts.program, *f"busybox udhcpc -i e0 -n -q -f -t 5 -T 1 -s {self.script}".split())
                            for name in self.cameras])
        for name, (_, last) in self.cameras.items():
            if not dhcp:
                self.at(name, f"ip addr add 10.110.0.{last}/24 dev e0")
                self.route(name, "10.110.0.1")
            if self.v6:
                self.at(name, f"ip addr add fd00:110::{last}/64 dev e0 nodad")
                self.route(name, "fd00:110::1")
                self.do(name, hosts.camera, f"fd00:110::{last}")
            self.do(name, hosts.camera, f"10.110.0.{last}")
        time.sleep(0.4)

    def record(self, seconds=3, transport="udp", stay=False):
        """Calls for `together`: the recorder pulls each camera."""
        return [("rec", hosts.record, RECORDER, f"10.110.0.{last}", seconds, transport, 20000 + 10 * last, stay)
                for _, last in self.cameras.values()]

    def record6(self, seconds=3, transport="udp"):
        return [("rec", hosts.record, "fd00:200::10", f"fd00:110::{last}", seconds, transport, 22000 + 10 * last)
                for _, last in self.cameras.values()]

    def ip(self, name):
        return f"10.110.0.{self.cameras[name][1]}"
