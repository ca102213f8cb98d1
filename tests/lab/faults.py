"""What goes wrong with a mirror, and how soon segwatch says that it does not know any more."""

import os
import re
import signal
import time
from functools import partial

import hosts
from lab import sh
from sensor import wait
from words import expect

# Seconds: link and identity of the interface; anything else.
SOON, LATE = 5, 60
CAMERA_PORTS = "select-src-port=@cam1.110,@cam2.110,@cam3.110"


def seeing(site, sensor):
    """Traffic that goes on for the whole test, and an agent that finds nothing wrong with it."""
    sensor.start()
    for call in site.record(300, "tcp") + site.record(300):
        site.do(*call)
    wait("clean traffic is isolated", 20, lambda: sensor.status()["verdict"] == "isolated")
    expect("alarms of clean traffic", sensor.status()["health"], [])


def blind(sensor, seconds, alarm, reason):
    """The verdict is unverified in time, for this reason, of every camera, and the alarm is raised."""
    series = f'segwatch_mirror_health{{alarm="{alarm}",interface="{sensor.nic}"}}'
    took = wait(f"{alarm} makes the verdict unverified", seconds,
                lambda: sensor.status()["verdict"] == "unverified" and sensor.metric(series) == 1)
    for device in sensor.devices():
        expect(f"verdict of {device['name']}", device["verdict"], "unverified")
        assert reason in [it["code"] for it in device["reasons"]], f"{device['name']} has no reason {reason}: {device['reasons']}"
    expect("site", sensor.metric('segwatch_site_verdict{verdict="unverified"}'), 1)
    print(f"  {alarm} after {took:.1f} s", flush=True)


def sees_again(sensor, seconds=20):
    wait("it sees again", seconds, lambda: (sensor.status()["verdict"], sensor.status()["health"]) == ("isolated", []))


def unplugged(site, sensor, _):
    """The cable is pulled at the switch, and plugged in again."""
    seeing(site, sensor)
    sh("ip link set span down")
    blind(sensor, SOON, "silent", "gap")
    sh("ip link set span up")
    sees_again(sensor)


def made_again(site, sensor, _):
    """The interface is deleted, and made again under the same name."""
    seeing(site, sensor)
    site.vsctl("del-port br0 span")
    sh("ip link del span")
    blind(sensor, SOON, "silent", "gap")
    site.cable("sensor", "eth1", "span", "00:50:56:99:00:63", False)
    site.vsctl("add-port br0 span")
    sensor.mirror(sensor.select)
    sees_again(sensor)


def renamed(site, sensor, _):
    """Another interface gets the name of the mirror port."""
    seeing(site, sensor)
    site.at("sensor", "ip link set eth1 down; ip link set eth1 name eth9; ip link set eth9 up; "
                      "ip link add eth1 type veth peer name other; ip link set eth1 up; ip link set other up")
    wait("what is now called eth1 shows nothing", SOON, lambda: sensor.status()["verdict"] == "unverified")


def no_session(site, sensor, _):
    """The mirror session is gone from the switch; the link stays up."""
    seeing(site, sensor)
    sensor.no_mirror()
    blind(sensor, LATE, "silent", "gap")
    site.vsctl("clear port span tag")
    sensor.mirror(sensor.select)
    sees_again(sensor)


def one_direction(site, sensor, _):
    """The session is changed: it copies only what enters at the cameras' ports."""
    seeing(site, sensor)
    sensor.mirror(CAMERA_PORTS)
    blind(sensor, LATE, "one-directional", "one-direction")


def stripped(site, sensor, _):
    """The switch begins to strip tags."""
    seeing(site, sensor)
    sensor.fault("strip")
    blind(sensor, LATE, "untagged", "untagged")


def stopped(site, sensor, _):
    """The host has no time for the agent while a burst comes."""
    seeing(site, sensor)
    os.kill(sensor.agent.pid, signal.SIGSTOP)
    site.together(("wall", hosts.send_udp, "10.110.0.30", "10.110.0.11", 9000, 1000, 6000, 0, 0.0001))
    os.kill(sensor.agent.pid, signal.SIGCONT)
    blind(sensor, LATE, "kernel-drops", "loss")
    assert sensor.metric(f'segwatch_capture_dropped_packets_total{{interface="{sensor.nic}",where="kernel"}}') > 0
    sees_again(sensor, 60)


def dropped(sensor):
    """What the agent, its kernel and its interface count as lost."""
    series = 'segwatch_capture_dropped_packets_total{interface="%s",where="%s"}'
    return [sensor.metric(series % (sensor.nic, where)) for where in ("kernel", "interface", "agent")]


def carried():
    """Packets that the mirror's port sent, and dropped because it is too slow."""
    said = sh("tc -s qdisc show dev span")
    return [int(re.search(rf"{what} (\d+)", said)[1]) for what in (r"Sent \d+ bytes", r"dropped")]


def oversubscribed(percent, site, sensor, long):
    """More is copied to the mirror's port than it carries, by so many percent on average: nothing that is counted here
    shows it. What bursts lose comes on top, so that what was lost is asked of the port. Which copy of a packet a full port
    drops is no chance: it is rather the second, behind the router, and of RTP that one tells nothing. So the two figures
    are shown, and held together only where chance loses (`lossy`)."""
    seeing(site, sensor)
    received = lambda: sensor.metric(f'segwatch_capture_bytes_total{{interface="{sensor.nic}"')
    before = received()
    time.sleep(5)
    bits = (received() - before) * 8 / 5
    sh(f"tc qdisc add dev span root tbf rate {int(bits * (1 - percent / 100))} burst 4000 limit 8000")
    blind(sensor, LATE, "upstream-loss", "loss")
    expect("packets that were counted as dropped", dropped(sensor), [0, 0, 0])
    if not long:
        return
    # Until what is estimated is all of this time.
    before = carried()
    time.sleep(80)
    sent, lost = [now - then for now, then in zip(carried(), before)]
    expect("packets that were counted as dropped", dropped(sensor), [0, 0, 0])
    detail = next(it["detail"] for it in sensor.status()["health"] if it["alarm"] == "upstream-loss")
    injected, estimated = 100 * lost / (sent + lost), float(re.search(r"([\d.]+) %", detail)[1])
    print(f"  lost {injected:.1f} %, estimated {estimated:.1f} %", flush=True)


def lossy(percent, site, sensor, _):
    """So many percent of what is copied are lost on the way, by chance: the estimate is within a factor of two."""
    seeing(site, sensor)
    sensor.fault(f"scatter {percent}")
    time.sleep(150)
    losses = [device["coverage"]["loss"] for device in sensor.devices()]
    lost, expected = [sum(loss[what] for loss in losses if loss) for what in ("lost", "expected")]
    estimated = 100 * lost / expected
    print(f"  injected {percent} %, estimated {estimated:.2f} % of {expected} packets", flush=True)
    assert percent / 2 <= estimated <= percent * 2, f"not within a factor of two: {estimated:.2f} %"
    if percent > 1:
        expect("verdict", sensor.status()["verdict"], "unverified")


def clean(site, sensor, long):
    """Clean traffic raises no alarm, however long."""
    seeing(site, sensor)
    end = time.monotonic() + (240 if long else 40)
    while time.monotonic() < end:
        time.sleep(1)
        expect("alarms of clean traffic", sensor.status()["health"], [])
        expect("verdict of clean traffic", sensor.status()["verdict"], "isolated")


# The mirror's form, what else the sensor needs, and what happens.
CASES = {
    "fault-no-session": ("all", {}, no_session),
    "fault-one-direction": ("all", {}, one_direction),
    "fault-stripped": ("injected", {}, stripped),
    "fault-clean": ("all", {}, clean),
    "fault-unplugged": ("all", {}, unplugged),
    "fault-made-again": ("all", {}, made_again),
    "fault-renamed": ("all", {}, renamed),
    "fault-oversubscribed": ("all", {}, partial(oversubscribed, 10)),
    "fault-overloaded": ("all", {"capture": "buffer: 1MiB"}, stopped),
}
# How much too slow the mirror's port is, from half a percent to 30 %: for the long run.
LONG = {f"fault-oversubscribed-{number}": ("all", {}, partial(oversubscribed, 0.5 * 60 ** (number / 19))) for number in range(20)}
LONG |= {f"fault-lossy-{percent}": ("injected", {}, partial(lossy, percent)) for percent in (0.5, 1, 2, 5, 10, 20, 30)}
