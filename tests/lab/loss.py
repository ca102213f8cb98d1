"""What is lost at which rate: tcpdump and segwatch in turn on one cable, with a ring of the same size."""

import gzip
import os
import pathlib
import re
import signal
import threading
import time

from lab import sh
from sensor import wait
from words import expect

CAPTURE = pathlib.Path(__file__).resolve().parent.parent / "scenarios" / "site" / "rtsp-udp-through-router" / "capture.pcap.gz"
BUFFER_MIB, SECONDS, STOPPED_SECONDS, TOP = 64, 5, 3, 0
# Two paces of the sender this near are the same.
SAME_PACE = 0.95
# Packets in a second, the most first; `TOP` is as fast as it goes.
RATES = [TOP, 400_000, 300_000, 200_000, 150_000, 100_000, 70_000, 50_000, 30_000, 20_000, 10_000]


class Cable:
    """A cable to the sensor that no switch is at, and something to send on it."""

    def __init__(self, site):
        self.site, self.nic = site, "eth2"
        sh("ip link add feed type veth peer name eth2 netns sensor; ip link set feed up mtu 9000")
        site.at("sensor", "ip link set eth2 up mtu 9000")
        self.file = f"{site.dir}/feed.pcap"
        pathlib.Path(self.file).write_bytes(gzip.decompress(CAPTURE.read_bytes()))
        self.packets, _ = self.replay(TOP, 1)

    def replay(self, rate, loops):
        """Sends the capture so often at this rate; the packets that were sent, and how many in a second."""
        speed = "--topspeed" if rate == TOP else f"--pps={rate}"
        said = sh(f"tcpreplay -q -K {speed} --loop={loops} -i feed {self.file} 2>&1")
        return int(re.search(r"Successful packets:\s+(\d+)", said)[1]), float(re.search(r"([\d.]+) pps", said)[1])

    def send(self, rate):
        """For some seconds; the packets that were sent, and how many in a second."""
        return self.replay(rate, max(1, (rate or 500_000) * SECONDS // self.packets))


def tcpdump(cable, rate):
    """What is sent, how fast, and what tcpdump loses of it."""
    site = cable.site
    process = site.daemon(f"tcpdump -i eth2 -w /dev/null -B {BUFFER_MIB * 1024}", "sensor")
    time.sleep(1)
    sent, pace = cable.send(rate)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    site.processes.remove(process)
    said = pathlib.Path(f"{site.dir}/log").read_text(encoding="utf8")
    lost = int(re.findall(r"(\d+) packets dropped by kernel", said)[-1])
    return sent, pace, lost


def ledger(sensor):
    """Seen, and lost at each place."""
    seen = sensor.metric('segwatch_capture_packets_total{interface="eth2"}')
    lost = [sensor.metric(f'segwatch_capture_dropped_packets_total{{interface="eth2",where="{where}"}}') for where in ("kernel", "interface", "agent")]
    return int(seen), [int(count) for count in lost]


def judged(sensor):
    return sensor.status()["traffic"]["packets"]


def burst(cable, sensor):
    """The host has no time for the agent in the middle of it; the packets that were sent."""
    agent = sensor.agent.pid
    pause = threading.Timer(0.5, os.kill, (agent, signal.SIGSTOP))
    go_on = threading.Timer(0.5 + STOPPED_SECONDS, os.kill, (agent, signal.SIGCONT))
    pause.start()
    go_on.start()
    sent, _ = cable.send(TOP)
    go_on.join()
    return sent


def loss(site, sensor, _):
    """At the highest rate at which tcpdump loses nothing, and that the sender reaches beside both, segwatch loses nothing;
    beyond, it counts all that it loses."""
    cable = Cable(site)
    for rate in RATES:
        sent, pace, lost = tcpdump(cable, rate)
        print(f"  tcpdump: {lost} of {sent} lost at {pace:.0f} packets/s", flush=True)
        if lost > 0:
            continue
        sensor.start()
        sent, beside = cable.send(rate)
        wait("all is judged or counted as lost", 60, lambda: judged(sensor) + sum(ledger(sensor)[1]) >= sent)
        print(f"  segwatch: {sum(ledger(sensor)[1])} of {sent} lost at {beside:.0f} packets/s", flush=True)
        if beside >= SAME_PACE * pace:
            break
        # They share the processors with the sender: it was not the same rate.
        expect("exit code of the agent", sensor.stop(), 0)
    else:
        raise RuntimeError("there is no rate at which both can be compared")
    expect("seen, and lost, at that rate", ledger(sensor), (sent, [0, 0, 0]))

    sent += burst(cable, sensor)
    wait("what was sent is judged or counted as lost", 60, lambda: judged(sensor) + sum(ledger(sensor)[1]) >= sent)
    seen, lost = ledger(sensor)
    print(f"  segwatch: {sum(lost)} lost of {sent} in all, stopped for {STOPPED_SECONDS} s", flush=True)
    assert sum(lost) > 0, "no overload"
    expect("seen, and judged or lost", (seen, judged(sensor) + sum(lost)), (sent, sent))
    expect("alarm", sensor.metric('segwatch_mirror_health{alarm="kernel-drops",interface="eth2"}'), 1)
    expect("exit code of the agent", sensor.stop(), 0)


CASES = {"loss": ("all", {"nic": "eth2"}, loss)}
