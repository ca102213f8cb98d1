"""The sensor: a namespace at the end of a mirror, with the agent, and tcpdump beside it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

import hosts
import injector
from lab import CLONE_NEWNET, LIBC, sh

POLICIES = pathlib.Path(__file__).resolve().parent.parent / "scenarios" / "site"
PORT = 10420
ALL, CAMERAS, PULLED = "select-all=true", "select-all=true select-vlan=110", "select-all=true select-vlan=110,200"
# Mirror forms: what is selected (`src` and `dst`: of all ports), the policy that knows the form, what the injector does.
FORMS = {
    "all": (ALL, "hospital.yaml", None),
    "rx": ("src", "hospital.yaml", None),
    "tx": ("dst", "hospital.yaml", None),
    "untagged": (CAMERAS, "untagged-span/policy.yaml", "strip"),
    "untagged-trunk": (ALL, "untagged-trunk/policy.yaml", "strip"),
    "rspan": (CAMERAS, "rspan/policy.yaml", None),
    "erspan": (PULLED, "hospital.yaml", None),
    "vxlan": (ALL, "hospital.yaml", None),
    "injected": (ALL, "hospital.yaml", "pass"),
    "reordered": (ALL, "hospital.yaml", "reorder 4"),
    "duplicated": (ALL, "hospital.yaml", "duplicate"),
    "lossy": (CAMERAS, "hospital.yaml", "lose 10"),
    "one-direction": (ALL, "hospital.yaml", "from 44:19:b6:11:00:01,44:19:b6:11:00:02,c0:56:e3:11:00:03"),
    "cut": (ALL, "hospital.yaml", "cut 96"),
}


class Sensor:
    """At the end of a mirror of this form; `program` is segwatch."""

    def __init__(self, site, form, program, policy=None, capture="", nic="eth1"):
        self.site, self.program, self.nic = site, program, nic
        self.select, its_policy, way = FORMS[form]
        self.agent = self.dump = self.control = None
        site.namespace("sensor")
        site.cable("sensor", "eth1", "span", "00:50:56:99:00:63", False)
        if form in ("erspan", "vxlan"):
            self.plug_far(form)
        elif way:
            self.plug_injector(way)
        else:
            site.vsctl("add-port br0 span")
            self.port = "span"
        if form == "rspan":
            site.vsctl("set port span trunks=999")
        self.output = "output-vlan=999" if form == "rspan" else f"output-port=@{self.port}"
        self.mirror(self.select)
        self.config = self.configure(policy or its_policy, capture)

    def mirror(self, select):
        """Selects what is mirrored, from now on."""
        ports = [name for name in self.site.vsctl("list-ports br0").split() if "." in name]
        if select in ("src", "dst"):
            select = f"select-{select}-port=" + ",".join(f"@{name}" for name in ports)
        self.site.vsctl("clear bridge br0 mirrors")
        self.site.mirror(select, f"m{time.monotonic_ns()}", self.output)
        self.site.forget_paths()

    def no_mirror(self):
        """The session is gone from the switch, and the port is one that nobody talks to."""
        self.site.vsctl("clear bridge br0 mirrors -- set port span tag=4000")
        self.site.forget_paths()

    def plug_injector(self, way):
        """The injector's cable, and the injector."""
        sh("ip link add out type veth peer name out-end; ip link set out up; ip link set out-end up")
        sh("ethtool -K out tx off gro off gso off tso off; ethtool -K out-end tx off gro off gso off tso off")
        self.site.vsctl("add-port br0 out")
        self.port = "out"
        read, write = os.pipe()
        self.site.do("sensor", self.inject, read, write, way)
        os.close(read)
        self.control = write
        time.sleep(0.3)

    def inject(self, read, write, way):
        """In the switch's namespace, although started like what a host does."""
        os.close(write)
        with open("/proc/1/ns/net", encoding="utf8") as namespace:
            LIBC.setns(namespace.fileno(), CLONE_NEWNET)
        with os.fdopen(read, encoding="utf8") as control:
            injector.inject("out-end", "span", control, way)

    def fault(self, way):
        """The injector does this from now on."""
        os.write(self.control, f"{way}\n".encode())

    def plug_far(self, form):
        """The sensor's cable leads to another network, which the mirror's tunnel crosses."""
        site = self.site
        site.bridge("br2")
        site.vsctl("add-port br2 span")
        site.at("sensor", "ip addr add 10.99.0.2/24 dev eth1; ip link set eth1 mtu 1700")
        sh("ip addr add 10.99.0.1/24 dev br2; ip link set span mtu 1700; ip link set br2 up")
        ends = "options:remote_ip=10.99.0.2 options:local_ip=10.99.0.1 options:key=7"
        options = {"erspan": "type=erspan options:erspan_ver=1 options:erspan_idx=3", "vxlan": "type=vxlan options:dst_port=4789"}
        site.vsctl(f"add-port br0 far -- set interface far {options[form]} {ends}")
        self.port = "far"
        if form == "vxlan":
            site.at("sensor", "ip link add vx0 type vxlan id 7 dstport 4789 local 10.99.0.2 dev eth1; ip link set vx0 mtu 1550 up")
            self.nic = "vx0"
        assert hosts.ping("10.99.0.2", 3), "the sensor does not answer"

    def configure(self, policy, capture):
        """A policy of the scenarios for this place; `capture` is a setting of the mirror port."""
        text = (POLICIES / policy).read_text(encoding="utf8")
        assert "interface: eth1" in text and "devices:\n" in text
        text = text.replace("interface: eth1", f"interface: {self.nic}" + (f"\n    {capture}" if capture else ""))
        path = f"{self.site.dir}/segwatch.yaml"
        with open(path, "w", encoding="utf8") as file:
            file.write(f"{text}listen: 127.0.0.1:{PORT}\nstate_dir: {self.site.dir}/state\n")
        os.makedirs(f"{self.site.dir}/state", exist_ok=True)
        return path

    # --- the agent

    def start(self):
        """Starts the agent, and waits until it sees."""
        self.agent = self.site.daemon(f"{self.program} run --config {self.config}", "sensor")
        wait("the agent answers and sees its interface", 20, lambda: self.up() and not self.status()["health"])

    def up(self):
        """Whether the agent answers."""
        if self.agent.poll() is not None:
            raise RuntimeError(f"the agent ended with {self.agent.returncode}")
        try:
            return bool(self.get("/api/v1/status"))
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        """Ends the agent; its exit code."""
        self.agent.send_signal(number)
        code = self.agent.wait(20)
        self.site.processes.remove(self.agent)
        return code

    def within(self, what):
        """Runs something in the sensor's namespace; sockets that it makes are of there."""
        result = []

        def run():
            with open("/run/netns/sensor", encoding="utf8") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
                    return
            try:
                result.append((what(), None))
            except Exception as error:  # pylint: disable=broad-except
                result.append((None, error))
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        value, error = result[0]
        if error:
            raise error
        return value

    def get(self, path, port=PORT):
        """What a server on the sensor's loopback says."""
        def ask():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.read().decode()
        return self.within(ask)

    def status(self):
        return json.loads(self.get("/api/v1/status"))

    def findings(self):
        return json.loads(self.get("/api/v1/findings"))["findings"]

    def devices(self):
        return json.loads(self.get("/api/v1/devices"))["devices"]

    def metric(self, series):
        """The value of the first series that begins so."""
        found = re.search(rf"^{re.escape(series)}[^ ]* (\S+)", self.get("/metrics"), re.M)
        if not found:
            raise RuntimeError(f"no series {series}")
        return float(found[1])

    # --- tcpdump, and what segwatch says to its file

    def watch(self):
        """Captures what the agent sees, from now on."""
        path = f"{self.site.dir}/mirror.pcap"
        self.dump = self.site.daemon(f"tcpdump -i {self.nic} -Q in -U --immediate-mode -B 16384 -w {path}", "sensor")
        self.site.wait_for(path)
        time.sleep(0.3)
        return path

    def check(self, path):
        """The answer to the capture."""
        time.sleep(0.3)
        self.dump.send_signal(signal.SIGINT)
        self.dump.wait(10)
        self.site.processes.remove(self.dump)
        return check(self.program, self.config, path)


def check(program, config, path):
    """What `segwatch check` says about a capture."""
    done = subprocess.run([program, "check", "--config", config, "--format", "json", path], capture_output=True, text=True, timeout=60, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise RuntimeError(f"check says: {done.stderr}") from error


def wait(what, seconds, holds):
    """Waits until something holds; returns the seconds that it took."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            raise RuntimeError(f"after {seconds} s it is still not so that {what}")
        time.sleep(0.1)
    return time.monotonic() - start
