"""A site made of real hosts: network namespaces on an Open vSwitch with VLANs, mirrors, and tcpdump at their end.

Runs inside namespaces of its own (see `run`), which take everything with them when they end.
"""

import ctypes
import gzip
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
# Beside the program, wherever it was unpacked.
SCHEMA = os.path.join(os.path.dirname(shutil.which("ovs-vsctl") or "/usr/bin/"), "../share/openvswitch/vswitch.ovsschema")
# The first packet of each capture: 2026-06-01 08:00:00 UTC.
EPOCH = 1780300800


def sh(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


class Lab:
    """One site. Hosts first, then `mirror`, then what they do, then `write`.

    `clocks` says how many seconds the clock of a capture is ahead.
    """

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="lab.")
        self.processes, self.captures, self.jumps, self.hosts = [], [], [], []
        self.clocks = {}
        os.environ["OVS_RUNDIR"] = os.environ["OVS_DBDIR"] = self.dir
        sh("mount -t tmpfs netns /run && mkdir -p /run/netns; ip link set lo up")
        sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
        sh(f"ovsdb-tool create {self.dir}/conf.db {SCHEMA}")
        self.daemon(f"ovsdb-server {self.dir}/conf.db --remote=punix:{self.dir}/db.sock --unixctl={self.dir}/db.ctl -vwarn")
        self.wait_for(f"{self.dir}/db.sock")
        self.vsctl("--no-wait init")
        self.daemon(f"ovs-vswitchd unix:{self.dir}/db.sock --unixctl={self.dir}/vs.ctl -vwarn")
        self.wait_for(f"{self.dir}/vs.ctl")
        self.bridge("br0")

    def bridge(self, name):
        self.vsctl(f"add-br {name} -- set bridge {name} datapath_type=netdev")

    def vsctl(self, command):
        return sh(f"ovs-vsctl --db=unix:{self.dir}/db.sock {command}")

    def daemon(self, command, host=None):
        prefix = ["ip", "netns", "exec", host] if host else []
        log = open(f"{self.dir}/log", "a", encoding="utf8")
        self.processes.append(subprocess.Popen(prefix + command.split(), stdout=log, stderr=log))
        return self.processes[-1]

    @staticmethod
    def wait_for(path):
        for _ in range(200):
            if os.path.exists(path):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{path} does not appear")

    def namespace(self, name):
        sh(f"ip netns add {name}")
        self.hosts.append(name)
        self.at(name, "ip link set lo up; sysctl -qw net.ipv6.conf.all.accept_dad=1")

    def at(self, host, command):
        """Runs a command on a host and waits for it."""
        return sh(f"ip netns exec {host} sh -c '{command}'")

    def cable(self, host, nic, port, mac, v6=True):
        """A cable from a host to a port of its own in the switch's namespace."""
        sh(f"ip link add {port} type veth peer name {nic} netns {host} address {mac}")
        sh(f"ip link set {port} up; ethtool -K {port} tx off gro off gso off tso off")
        off = 0 if v6 else 1
        self.at(host, f"sysctl -qw net.ipv6.conf.{nic}.disable_ipv6={off}; ip link set {nic} up")
        self.at(host, f"ethtool -K {nic} tx off gro off gso off tso off")

    def plug(self, host, mac, vlan, *addresses, nic="e0", v6=False):
        """Puts a host on an access port; it has these addresses."""
        if host not in self.hosts:
            self.namespace(host)
        port = f"{host}.{vlan}"
        self.cable(host, nic, port, mac, v6)
        self.vsctl(f"add-port br0 {port} tag={vlan}")
        for address in addresses:
            self.at(host, f"ip addr add {address} dev {nic} nodad" if ":" in address else f"ip addr add {address} dev {nic}")
        return port

    def route(self, host, gateway, to="default"):
        self.at(host, f"ip -{6 if ':' in gateway else 4} route add {to} via {gateway}")

    def forward(self, host):
        """Makes a host a router."""
        self.at(host, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 "
                      "net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.all.send_redirects=0")

    def join(self, one, other, network, v6=None):
        """A cable between two hosts that no mirror sees; `one` gets the lower address."""
        nics = f"to-{other}"[:15], f"to-{one}"[:15]
        sh(f"ip link add {nics[0]} netns {one} type veth peer name {nics[1]} netns {other}")
        for host, nic, last in [(one, nics[0], 1), (other, nics[1], 2)]:
            self.at(host, f"ip link set {nic} up; ip addr add {network}.{last}/30 dev {nic}")
            if v6:
                self.at(host, f"ip addr add {v6}::{last}/64 dev {nic} nodad")

    def do(self, host, what, *args):
        """Starts a function on a host; returns its process."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            self.processes.append(child)
            return child
        try:
            with open(f"/run/netns/{host}", encoding="utf8") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"setns {host}")
            what(*args)
            os._exit(0)
        except BaseException as error:  # pylint: disable=broad-except
            print(f"{host}: {what.__name__}{args}: {error!r}", flush=True)
            os._exit(1)

    def together(self, *calls):
        """Runs functions on hosts at the same time, and waits until all are done."""
        children = [self.do(*call) for call in calls]
        for child, call in zip(children, calls):
            if os.waitpid(child, 0)[1]:
                raise RuntimeError(f"{call[1].__name__} on {call[0]} failed")
            self.processes.remove(child)

    def tap(self, nic, name="capture"):
        """Captures all that passes here, from now on."""
        path = f"{self.dir}/{name}.pcap"
        process = self.daemon(f"tcpdump -i {nic} -U --immediate-mode -B 16384 -w {path}")
        self.wait_for(path)
        time.sleep(0.3)
        self.captures.append((name, path, process))

    def mirror(self, select, name="capture", output=None):
        """A mirror of the switch: `select` in the words of Open vSwitch, where `@port` names ports."""
        end = None
        if output is None:
            sensor, end = self.sensor()
            output = f"output-port=@{sensor}"
        ports = {word.strip("@,") for word in f"{select} {output}".replace("=", " ").replace(",", " ").split() if word[0] == "@"}
        gets = " ".join(f"-- --id=@{port} get port {port}" for port in ports)
        self.vsctl(f"{gets} -- --id=@m create mirror name={name}{len(ports)} {select} {output} "
                   "-- add bridge br0 mirrors @m")
        if end:
            self.tap(end, name)

    def forget_paths(self):
        """Frames of known flows go as a new mirror says too; Open vSwitch would copy them as before."""
        sh(f"ovs-appctl -t {self.dir}/vs.ctl revalidator/purge")

    def sensor(self, bridge="br0"):
        """A port for a sensor on a bridge; returns it and the end to capture at."""
        port = f"sen{len(self.captures)}"
        sh(f"ip link add {port} type veth peer name {port}t; ip link set {port} up; ip link set {port}t up")
        self.vsctl(f"add-port {bridge} {port}")
        return port, f"{port}t"

    def plug_sensor(self):
        """A sensor on a trunk port that carries the mirror's VLAN 999."""
        port, end = self.sensor()
        self.vsctl(f"set port {port} trunks=999")
        self.tap(end)

    def second_switch(self, ports, actions):
        """A switch behind ports of the first, which sends all that comes there to a sensor; returns the sensor's end."""
        self.bridge("br1")
        self.vsctl("set bridge br1 protocols=OpenFlow13 -- set Open_vSwitch . other_config:vlan-limit=2")
        for port in ports:
            self.vsctl(f"add-port br0 {port} -- set interface {port} type=patch options:peer=to-{port} "
                       f"-- add-port br1 to-{port} -- set interface to-{port} type=patch options:peer={port}")
        port, end = self.sensor("br1")
        number = self.vsctl(f"get interface {port} ofport").strip()
        manage = f"{self.dir}/br1.mgmt"
        sh(f"ovs-ofctl -O OpenFlow13 del-flows {manage}; ovs-ofctl -O OpenFlow13 add-flow {manage} vlan_vid=0x1000/0x1000,actions={actions}output:{number}")
        return end

    def pushed_sensor(self, vlan):
        """All frames of the camera VLAN go by a second switch that pushes a tag onto them."""
        end = self.second_switch(["out"], f"push_vlan:0x8100,set_field:{vlan + 4096}-\\>vlan_vid,")
        self.mirror("select-all=true select-vlan=110", output="output-port=@out")
        self.tap(end)

    def stripped_sensor(self):
        """Local SPAN of a trunk as many switches make it: without tags."""
        end = self.second_switch(["out"], "pop_vlan,")
        self.mirror("select-all=true", output="output-port=@out")
        self.tap(end)

    def erspan_sensor(self):
        """The mirror goes in ERSPAN II to a collector; captured on the way there."""
        self.bridge("br2")
        self.namespace("collector")
        self.cable("collector", "e0", "coll", "00:50:56:99:00:63", False)
        self.vsctl("add-port br2 coll")
        self.at("collector", "ip addr add 10.99.0.2/24 dev e0")
        sh("ip addr add 10.99.0.1/24 dev br2; ip link set br2 up")
        self.vsctl("add-port br0 er0 -- set interface er0 type=erspan options:remote_ip=10.99.0.2 options:local_ip=10.99.0.1 "
                   "options:key=7 options:erspan_ver=1 options:erspan_idx=3")
        sh("ping -c1 -W2 10.99.0.2")
        self.mirror("select-all=true select-vlan=110,200", output="output-port=@er0")
        self.tap("coll")

    def both_sensor(self, vlans):
        """Two sessions to one sensor: frames as they enter the switch's ports, and as they leave them."""
        ports = [name for name in self.vsctl("list-ports br0").split() if name.endswith(vlans)]
        end = self.second_switch(["rx", "tx"], "")
        for direction, out in [("src", "rx"), ("dst", "tx")]:
            self.mirror(f"select-{direction}-port=" + ",".join(f"@{name}" for name in ports), out, f"output-port=@{out}")
        self.tap(end)

    def skip(self, seconds):
        """So much time passes in the capture, in which nothing happens."""
        time.sleep(0.2)
        self.jumps.append((time.time(), seconds))
        time.sleep(0.1)

    def write(self, folder):
        """Ends the captures and writes them to the scenario, with the time that was skipped."""
        time.sleep(0.8)
        os.makedirs(folder, exist_ok=True)
        for name, path, process in self.captures:
            process.send_signal(signal.SIGINT)
            process.wait(10)
            with open(path, "rb") as file:
                data = file.read()
            shifted, count = self.shift(data, self.clocks.get(name, 0))
            with open(f"{folder}/{name}.pcap.gz", "wb") as file:
                file.write(gzip.compress(shifted, 9, mtime=0))
            print(f"  {name}: {count} packets, {os.path.getsize(f'{folder}/{name}.pcap.gz')} bytes")

    def shift(self, data, ahead):
        out, at, count = [data[:24]], 24, 0
        start = getattr(self, "start", None)
        while at + 16 <= len(data):
            seconds, micros, kept, length = struct.unpack_from("<IIII", data, at)
            when = seconds + micros / 1e6
            if start is None:
                start = self.start = when
            when += sum(jump for after, jump in self.jumps if after < when) + EPOCH - start + ahead
            out.append(struct.pack("<IIII", int(when), int(when % 1 * 1e6), kept, length))
            out.append(data[at + 16:at + 16 + kept])
            at, count = at + 16 + kept, count + 1
        return b"".join(out), count

    def close(self):
        """Ends all that runs here."""
        for process in self.processes:
            pid = process if isinstance(process, int) else process.pid
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
