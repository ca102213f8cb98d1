"""One function for each capture of ../scenarios/site/; its name is the folder's."""

import os
import pathlib
import subprocess
import sys
import time
import traceback

import hosts
from site_lab import CLINICAL, INTERNET, OFFICE, RECORDER, SERVERS, Site

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "scenarios" / "site"
DROP = f"ip daddr {INTERNET}.0/24 drop; ip6 daddr 2001:db8::/32 drop"
ALL = "select-all=true"


def day(site, rounds=1, talk=lambda: [], pause=58, video=2.5):
    """The cameras boot, the recorder pulls, and then minutes pass in which `talk` is said."""
    site.boot()
    site.together(*site.record(video), *talk())
    for _ in range(rounds - 1):
        site.skip(pause)
        site.together(*site.record(0.6), *talk())


def ntp_calls(site, cameras=("cam1", "cam2", "cam3"), server=f"{INTERNET}.123"):
    return lambda: [(name, hosts.ntp, site.ip(name), server) for name in cameras]


def ntp_blocked_camera_vlan():
    """The core drops NTP to the internet; the mirror shows the camera VLAN alone."""
    site = Site(rules=DROP)
    site.mirror("select-all=true select-vlan=110")
    day(site, 6, ntp_calls(site))
    return site


def ntp_blocked_l3_core():
    """A firewall behind a transit zone drops it; the mirror shows camera, recorder and transit VLAN."""
    site = Site("fw", DROP)
    site.mirror("select-all=true select-vlan=110,200,900")
    day(site, 6, ntp_calls(site))
    return site


def svi_mac_equal():
    """The core has one MAC in all VLANs; the office works, the cameras do what they may."""
    site = Site("fw", same_mac=True)
    site.do("ward", hosts.echo, CLINICAL, 443)
    site.do("inet", hosts.echo, f"{INTERNET}.50", 443)
    site.mirror(ALL)
    day(site, 2, lambda: [("pc", hosts.chat, OFFICE, CLINICAL, 443, 1), ("pc", hosts.chat, OFFICE, f"{INTERNET}.50", 443, 1),
                          ("cam1", hosts.ntp, "10.110.0.11", f"{SERVERS}.40"), ("ward", hosts.program, "ping", "-c2", RECORDER)])
    return site


def svi_mac_equal_egress():
    """The same, and a camera gets to a clinical server and to the internet."""
    site = Site("fw", same_mac=True)
    site.do("ward", hosts.echo, CLINICAL, 443)
    site.do("inet", hosts.udp_echo, f"{INTERNET}.50", 8800)
    site.mirror(ALL)
    day(site, 1, lambda: [("cam1", hosts.chat, "10.110.0.11", CLINICAL, 443, 1),
                          ("cam2", hosts.send_udp, "10.110.0.12", f"{INTERNET}.50", 8800, 100, 5)])
    return site


def rtsp_udp_through_router():
    """The recorder pulls by RTSP through the core, RTP and RTCP come back over UDP."""
    site = Site()
    site.mirror(ALL)
    day(site, 2)
    return site


def rtsp_udp_ipv6():
    """The same over IPv6 as well."""
    site = Site(v6=True)
    site.mirror(ALL)
    site.boot()
    site.together(*site.record(1.5), *site.record6(2))
    return site


def mid_flow():
    """The capture begins when the recorder's connections have been up for long: interleaved video, no handshake."""
    site = Site()
    site.boot()
    for call in site.record(6, "tcp", True):
        site.do(*call)
    time.sleep(1.5)
    site.mirror(ALL)
    time.sleep(3)
    return site


def mid_flow_egress():
    """A camera's connection to a cloud has been up for long."""
    site = Site()
    site.do("inet", hosts.echo, f"{INTERNET}.50", 8443)
    site.boot()
    site.do("cam2", hosts.chat, "10.110.0.12", f"{INTERNET}.50", 8443, 6)
    for call in site.record(6, "tcp", True):
        site.do(*call)
    time.sleep(1.5)
    site.mirror(ALL)
    time.sleep(3)
    return site


def one_way(packets, size):
    site = Site("fw", DROP)
    site.mirror("select-all=true select-vlan=110,900")
    day(site, 1, lambda: [("cam1", hosts.send_udp, "10.110.0.11", f"{INTERNET}.50", 9999, size, packets)])
    return site


def one_way_udp_small():
    """60,000 bytes to an address of the internet, dropped by the firewall."""
    return one_way(60, 1000)


def one_way_udp_large():
    """120,000 bytes of the same."""
    return one_way(120, 1000)


def office_scan():
    """A scan from the office that reaches the cameras: some ports are open, some answer with RST, one camera drops."""
    site = Site()
    site.mirror(ALL)
    site.boot()
    site.filter("cam3", "ip saddr 10.44.0.0/16 drop", "input")
    site.together(*site.record(2.5), ("pc", hosts.program, *"nmap -sS -Pn -n --max-retries 0 --host-timeout 6s -p 22,23,80,443,554,8000 10.110.0.11-14".split()))
    return site


def attempts(site):
    """What cameras try: the cloud by TCP, and P2P by UDP."""
    return lambda: [("cam1", hosts.connect, site.ip("cam1"), f"{INTERNET}.50", 443),
                    ("cam2", hosts.connect, site.ip("cam2"), CLINICAL, 445),
                    ("cam3", hosts.send_udp, site.ip("cam3"), f"{INTERNET}.50", 8800, 64, 4)]


def stopped(how_tcp, how_udp):
    site = Site(rules="\n".join(f"ip saddr 10.110.0.0/24 ip daddr {{ {INTERNET}.0/24, {CLINICAL} }} meta l4proto {what} {how}"
                                for what, how in [("tcp", how_tcp), ("udp", how_udp)]))
    site.do("ward", hosts.echo, CLINICAL, 445)
    site.mirror(ALL)
    day(site, 2, attempts(site))
    return site


def firewall_drops():
    """The core drops what cameras send to the internet and to a clinical server."""
    return stopped("drop", "drop")


def firewall_resets():
    """The core answers in the peer's name with RST; UDP is dropped."""
    return stopped("reject with tcp reset", "drop")


def firewall_icmp():
    """The core says that it is prohibited."""
    return stopped("reject with icmp type admin-prohibited", "reject with icmp type admin-prohibited")


def transit_site(rules, select):
    site = Site("fw", rules)
    site.mirror(select)
    day(site, 2, firewall_tries(site))
    return site


def firewall_tries(site):
    return lambda: [call for call in attempts(site)() if call[0] != "cam2"]


def firewall_resets_in_transit():
    """A firewall behind the core resets in the peer's name, seen in the transit and in the camera VLAN."""
    return transit_site("meta l4proto tcp reject with tcp reset\nmeta l4proto udp drop", "select-all=true select-vlan=110,900")


def firewall_resets_two_taps():
    """The same at two taps, whose clocks differ: the RST seems to be behind the core before the firewall made it."""
    site = Site("fw", "meta l4proto tcp reject with tcp reset\nmeta l4proto udp drop")
    site.clocks["transit"] = 0.02
    site.mirror("select-all=true select-vlan=110", "cameras")
    site.mirror("select-all=true select-vlan=900", "transit")
    day(site, 2, firewall_tries(site))
    return site


def firewall_resets_one_hop():
    """The same, seen in the camera VLAN alone: the RST has crossed the core."""
    return transit_site("meta l4proto tcp reject with tcp reset\nmeta l4proto udp drop", "select-all=true select-vlan=110")


def firewall_icmp_in_transit():
    """A firewall behind the core says that it is prohibited."""
    return transit_site("reject with icmp type admin-prohibited", "select-all=true select-vlan=110,900")


def server_rst():
    """Nothing listens at the peers, which say so themselves: one in the internet, one in the clinical zone."""
    site = Site()
    site.mirror("select-all=true select-vlan=110")
    day(site, 2, lambda: [("cam1", hosts.connect, site.ip("cam1"), f"{INTERNET}.50", 443),
                          ("cam2", hosts.connect, site.ip("cam2"), CLINICAL, 445)])
    return site


def untagged_span():
    """A local SPAN of one camera's access port, without tags."""
    site = Site(rules=DROP)
    site.tap("cam1.110")
    day(site, 3, ntp_calls(site, ("cam1", "cam2")))
    return site


def untagged_trunk():
    """A local SPAN of all ports without tags: the policy knows zones by their prefixes alone."""
    site = Site(rules=DROP)
    site.stripped_sensor()
    day(site, 2, ntp_calls(site))
    return site


def untagged_trunk_multicast():
    """The same, and the core routes a camera's multicast video."""
    site = Site()
    site.stripped_sensor()
    return routed(site)


def rspan():
    """RSPAN as Open vSwitch makes it: VLAN 999 takes the place of the camera VLAN's tag."""
    site = Site(rules=DROP)
    site.plug_sensor()
    site.mirror("select-all=true select-vlan=110", output="output-vlan=999")
    day(site, 3, ntp_calls(site))
    return site


def rspan_pushed():
    """RSPAN over a trunk: a second switch pushes the tag 999 onto frames that keep theirs."""
    site = Site(rules=DROP)
    site.pushed_sensor(999)
    day(site, 3, ntp_calls(site))
    return site


def erspan2_trunk():
    """ERSPAN type II of the trunk to a collector in the office; the frames inside keep their tags."""
    site = Site(rules=DROP)
    site.erspan_sensor()
    day(site, 3, ntp_calls(site))
    return site


def internal_services():
    """DNS, SNMP both ways, syslog and NTP with internal servers."""
    site = Site()
    site.mirror(ALL)
    site.boot()
    with open(f"{site.dir}/snmpd.conf", "w", encoding="utf8") as file:
        file.write("rocommunity public\n")
    for name in site.cameras:
        site.daemon(f"snmpd -f -Lf /dev/null -C -c {site.dir}/snmpd.conf -p {site.dir}/{name}.pid udp:{site.ip(name)}:161", name)
    time.sleep(1)
    for minute in range(3):
        calls = []
        for name in site.cameras:
            calls += [(name, hosts.program, *f"dig +tries=1 @{SERVERS}.5 nms.region.example".split()),
                      (name, hosts.program, *f"dig +tcp +tries=1 @{SERVERS}.5 log.region.example".split()),
                      (name, hosts.program, *f"logger -n {SERVERS}.30 -P 514 -d --rfc3164 motion".split()),
                      (name, hosts.program, *f"snmptrap -v2c -c public {SERVERS}.20 0 1.3.6.1.6.3.1.1.5.3".split()),
                      (name, hosts.ntp, site.ip(name), f"{SERVERS}.40"),
                      ("srv", hosts.program, *f"snmpget -v2c -c public --clientaddr={SERVERS}.20 {site.ip(name)} 1.3.6.1.2.1.1.3.0".split())]
        site.together(*site.record(1.5 if minute == 0 else 0.4), *calls)
        site.skip(58)
    return site


def discovery():
    """A service laptop in the camera VLAN and the recorder look for cameras, which answer by unicast."""
    site = Site()
    site.plug("laptop", "3c:52:82:11:00:fa", 110, "10.110.0.250/24")
    site.mirror(ALL)
    site.boot()
    site.together(*site.record(2.5), ("laptop", hosts.discover, "10.110.0.250", 0.7), ("rec", hosts.discover, RECORDER, 0.3))
    return site


def video(site):
    """Each camera sends to a group; a host of the camera VLAN receives."""
    site.plug("wall", "00:50:56:11:00:30", 110, "10.110.0.30/24")
    site.route("wall", "10.110.0.1")
    site.boot()
    sends = [(name, hosts.multicast, site.ip(name), f"239.1.1.{last}", 50004, 2) for name, (_, last) in site.cameras.items()]
    joins = [("wall", hosts.join, "10.110.0.30", f"239.1.1.{last}", 50004, 2.2) for _, last in site.cameras.values()]
    return sends + joins + [("wall", hosts.program, *"ping -c2 10.110.0.1".split())]


def multicast_video():
    """Multicast video that stays in the camera VLAN."""
    site = Site()
    site.mirror(ALL)
    site.together(*site.record(2), *video(site))
    return site


def multicast_routed():
    """The same, and the core routes one camera's group to the recorder's VLAN, as PIM makes it."""
    site = Site()
    site.mirror(ALL)
    return routed(site)


def routed(site):
    calls = video(site)
    site.daemon(f"smcrouted -n -l none -P {site.dir}/smc.pid -u {site.dir}/smc.sock -f /dev/null", "core")
    time.sleep(0.7)
    site.at("core", f"smcroutectl -u {site.dir}/smc.sock add v110 10.110.0.12 239.1.1.12 v200")
    site.together(*site.record(2), *calls, ("rec", hosts.join, RECORDER, "239.1.1.12", 50004, 2.2))
    return site


def rx_tx_duplicates():
    """One session copies frames as they enter, another as they leave: each frame twice. The IP ID of datagrams is 0."""
    hosts.never_fragment = True
    site = Site(rules=DROP)
    site.both_sensor((".110", ".200"))
    day(site, 3, ntp_calls(site))
    return site


def two_taps():
    """The same traffic at the cameras' switch and at the recorder's, in two files."""
    site = Site(rules=DROP)
    site.mirror("select-all=true select-vlan=110", "cameras")
    site.mirror("select-all=true select-vlan=110,200", "core")
    day(site, 3, ntp_calls(site))
    return site


def folder(function):
    return function.__name__.replace("_", "-")


ALL_SCENARIOS = [ntp_blocked_camera_vlan, ntp_blocked_l3_core, svi_mac_equal, svi_mac_equal_egress, rtsp_udp_through_router,
                 rtsp_udp_ipv6, mid_flow, mid_flow_egress, one_way_udp_small, one_way_udp_large, office_scan, firewall_drops,
                 firewall_resets, firewall_icmp, firewall_resets_in_transit, firewall_resets_two_taps, firewall_resets_one_hop, firewall_icmp_in_transit,
                 server_rst, untagged_span, untagged_trunk, untagged_trunk_multicast, rspan, rspan_pushed, erspan2_trunk, internal_services, discovery, multicast_video,
                 multicast_routed, rx_tx_duplicates, two_taps]


def make(scenario):
    """One scenario, in namespaces that `main` made for it alone."""
    site = scenario()
    try:
        site.write(OUT / folder(scenario))
    finally:
        site.close()


def main():
    wanted = sys.argv[1:]
    if wanted[:1] == ["--alone"]:
        make(next(s for s in ALL_SCENARIOS if folder(s) == wanted[1]))
        return
    failed = []
    for scenario in ALL_SCENARIOS:
        if wanted and folder(scenario) not in wanted:
            continue
        print(folder(scenario), flush=True)
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__, "--alone", folder(scenario)]
        if subprocess.run(command, timeout=120, check=False).returncode:
            failed.append(folder(scenario))
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        sys.exit(1)
