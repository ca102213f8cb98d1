"""What is lost at which rate: tcpdump and segwatch in turn on one cable, with a ring of the same size."""

import gzip
import pathlib
import re
import signal
import time

from lab import sh
from sensor import wait
from words import expect

CAPTURE = pathlib.Path(__file__).resolve().parent.parent / "scenarios" / "site" / "rtsp-udp-through-router" / "capture.pcap.gz"
BUFFER_MIB, SECONDS, TOP = 64, 5, 0
# Packets in a second, the most first.
RATES = [400_000, 300_000, 200_000, 150_000, 100_000, 70_000, 50_000, 30_000, 20_000, 10_000]


class Cable:
    """A cable to the sensor that no switch is at, and something to send on it."""

    def __init__(self, site):
        self.site, self.nic = site, "eth2"
        sh("ip link add feed type veth peer name eth2 netns sensor; ip link set feed up mtu 9000")
        site.at("sensor", "ip link set eth2 up mtu 9000")
        self.file = f"{site.dir}/feed.pcap"
        pathlib.Path(self.file).write_bytes(gzip.decompress(CAPTURE.read_bytes()))
        self.packets = self.replay(TOP, 1)

    def replay(self, rate, loops):
        """Sends the capture so often at this rate (`TOP`: as fast as it goes); the packets that were sent."""
        speed = "--topspeed" if rate == TOP else f"--pps={rate}"
        said = sh(f"tcpreplay -q -K {speed} --loop={loops} -i feed {self.file} 2>&1")
        return int(re.search(r"Successful packets:\s+(\d+)", said)[1])

    def send(self, rate):
        """For some seconds; the packets that were sent."""
        return self.replay(rate, max(1, (rate or 1_000_000) * SECONDS // self.packets))


def tcpdump(cable, rate):
    """What tcpdump loses of what is sent."""
    site = cable.site
    process = site.daemon(f"tcpdump -i eth2 -w /dev/null -B {BUFFER_MIB * 1024}", "sensor")
    time.sleep(1)
    sent = cable.send(rate)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    site.processes.remove(process)
    said = pathlib.Path(f"{site.dir}/log").read_text(encoding="utf8")
    lost = int(re.findall(r"(\d+) packets dropped by kernel", said)[-1])
    return sent, lost


def ledger(sensor):
    """Seen, and lost at each place."""
    seen = sensor.metric('segwatch_capture_packets_total{interface="eth2"}')
    lost = [sensor.metric(f'segwatch_capture_dropped_packets_total{{interface="eth2",where="{where}"}}') for where in ("kernel", "interface", "agent")]
    return int(seen), [int(count) for count in lost]


def judged(sensor):
    return sensor.status()["traffic"]["packets"]


def loss(site, sensor, _):
    """At the highest rate at which tcpdump loses nothing, segwatch loses nothing; beyond, it counts all that it loses."""
    cable = Cable(site)
    for rate in RATES:
        sent, lost = tcpdump(cable, rate)
        print(f"  tcpdump: {lost} of {sent} lost at {rate} packets/s", flush=True)
        if lost == 0:
            break
    assert lost == 0, "tcpdump loses packets at any rate"
    sensor.start()
    before, (seen, gone) = judged(sensor), ledger(sensor)
    sent = cable.send(rate)
    wait("all is judged", 60, lambda: judged(sensor) - before >= sent)
    after, now_gone = ledger(sensor)
    print(f"  segwatch: {sum(now_gone)} of {after - seen} lost at {rate} packets/s", flush=True)
    expect("seen and lost at that rate", (after - seen, now_gone), (sent, gone))

    sent = cable.send(TOP)
    wait("all that was sent is in the ledger", 60, lambda: ledger(sensor)[0] - after >= sent)
    before += after - seen
    wait("what was seen is judged or counted as lost", 60,
         lambda: judged(sensor) - before + sum(ledger(sensor)[1]) - sum(gone) >= sent)
    final, lost = ledger(sensor)
    print(f"  segwatch: {sum(lost)} of {final - after} lost at top speed", flush=True)
    expect("seen, and judged or lost, at top speed", (final - after, judged(sensor) - before + sum(lost) - sum(gone)), (sent, sent))
    expect("exit code of the agent", sensor.stop(), 0)


CASES = {"loss": ("all", {"nic": "eth2"}, loss)}
