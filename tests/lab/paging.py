"""What a camera does, and who is woken by it."""

import signal
import time

import boards
from actions import perform
from chain import Chain
from sensor import wait
from words import expect

SHORT, LONG = 12, 600
PAGE = "SegwatchViolation"
CLEAN = [["rec: pull 3", "cam1: dig +tries=1 @10.40.0.5 ntp.region.example", "cam2: ntp 10.40.0.40", "rec: discover",
          "wall: discover", "wall: join 239.1.1.12 50004 2", "cam2: group 239.1.1.12 50004 1.5", "wall: ping 10.110.0.1"]]


def reach_out(site, camera):
    perform(site, [f"{camera}: curl -s -m 3 http://203.0.113.50/"])


def quiet(seconds):
    """Long enough for another page to come, if one did."""
    time.sleep(seconds)


def paging(site, sensor, long):
    """Clean traffic makes nothing; a blocked attempt a ticket; each camera that gets out one page; restarts neither lose nor repeat one."""
    sensor.start()
    chain = Chain(sensor)
    end = time.monotonic() + (LONG if long else SHORT)
    while time.monotonic() < end:
        perform(site, CLEAN)
    expect("alarms of clean traffic", sensor.status()["health"], [])
    expect("verdict of clean traffic", sensor.status()["verdict"], "isolated")
    expect("pages for clean traffic", chain.told("/page"), [])
    expect("tickets for clean traffic", chain.told("/ticket"), [])

    site.filter("core", "ip daddr 203.0.113.0/24 drop")
    reach_out(site, "cam3")
    wait("a blocked attempt is a ticket", 20, lambda: chain.told("/ticket"))
    site.at("core", "nft flush ruleset")
    ticket = [["SegwatchAttempt garage-1"]]
    expect("pages for a blocked attempt", chain.told("/page"), [])

    reach_out(site, "cam1")
    first = [[f"{PAGE} entrance-1"]]
    wait("one connection out is a page", 20, lambda: chain.told("/page"))
    quiet(4)
    expect("pages for one connection", chain.told("/page"), first)
    expect("what the page says", ["entrance-1" in text and "203.0.113.50" in text for text in chain.texts("/page")], [True])

    for number in (signal.SIGTERM, signal.SIGKILL):
        sensor.stop(number)
        quiet(3)
        sensor.start()
        quiet(5)
        expect(f"pages after a restart by {number.name}", chain.told("/page"), first)

    reach_out(site, "cam2")
    second = first + [[f"{PAGE} entrance-1", f"{PAGE} entrance-2"]]
    wait("a second camera pages again", 20, lambda: len(chain.told("/page")) > 1)

    # It ends before Prometheus can have asked.
    reach_out(site, "cam3")
    sensor.stop(signal.SIGTERM)
    sensor.start()
    third = second + [second[-1] + [f"{PAGE} garage-1"]]
    wait("what was seen just before a restart pages", 20, lambda: len(chain.told("/page")) > 2)
    quiet(6)
    expect("pages at the end", chain.told("/page"), third)
    expect("tickets at the end", chain.told("/ticket"), ticket)
    expect("pages that were called off", chain.told("/page", "resolved"), [])
    boards.check(sensor)


CASES = {"pages": ("all", {"policy": "multicast-video/policy.yaml"}, paging)}
