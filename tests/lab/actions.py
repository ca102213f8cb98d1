"""What hosts of the live lab do, in words: "HOST: COMMAND"."""

import shlex
import time

import hosts
from site_lab import CLINICAL, INTERNET, RECORDER, SERVERS, Site

WALL = "10.110.0.30"


def live_site():
    """The site without services that it does not need, with addresses that stand still, and a screen in the camera VLAN."""
    site = Site(services=False)
    site.plug("wall", "00:50:56:11:00:30", 110, f"{WALL}/24")
    site.route("wall", "10.110.0.1")
    for name in site.cameras:
        site.at(name, "sysctl -qw net.ipv6.conf.e0.disable_ipv6=1")
    site.boot(dhcp=False)
    site.do("srv", hosts.dns_server, f"{SERVERS}.5")
    site.do("srv", hosts.ntp_server, f"{SERVERS}.40")
    for host, ip in [("inet", f"{INTERNET}.50"), ("ward", CLINICAL)]:
        site.daemon(f"python3 -m http.server -b {ip} 80", host)
        for _ in range(100):
            if " :" in site.at(host, "ss -Hltn sport = :80 | sed s/$/\\ :/"):
                break
            time.sleep(0.05)
    return site


def perform(site, steps):
    """Does one step after the other, and what stands in one list at the same time."""
    for step in steps:
        calls = []
        for text in [step] if isinstance(step, str) else step:
            host, command = text.split(": ", 1)
            if host == "switch":
                site.vsctl(command)
            else:
                calls += calls_of(site, host, shlex.split(command))
        site.together(*calls)


def calls_of(site, host, words):
    """Calls for `Lab.together`."""
    verb, *rest = words
    match verb:
        case "pull":
            return site.record(float(rest[0]), *rest[1:])
        case "discover":
            return [(host, hosts.discover, address(site, host), 0.5)]
        case "group":
            return [(host, hosts.multicast, address(site, host), rest[0], int(rest[1]), float(rest[2]))]
        case "join":
            return [(host, hosts.join, address(site, host), rest[0], int(rest[1]), float(rest[2]))]
        case "ping":
            return [(host, hosts.ping, rest[0], 2)]
        case "ntp":
            return [(host, hosts.ntp, address(site, host), rest[0], 1, 0)]
    return [(host, hosts.program, *words)]


def address(site, host):
    return {"rec": RECORDER, "wall": WALL}.get(host) or site.ip(host)
