#!/usr/bin/env python3
"""Time of `segwatch diff OLD NEW --journal` over a day of 72 cameras, and of `segwatch report --journal` over four weeks.

The journal is made here: each camera has 40 sorts of flows each hour (the recorder, clocks, names, neighbours, attempts at
clouds), and a record of its coverage for each hour.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time
import zlib
from datetime import datetime, timedelta, timezone

CAMERAS, SORTS, DAYS = 72, 40, 28
START = datetime(2026, 3, 2, tzinfo=timezone.utc)
OLD = """\
site: bench
zones:
  cctv: { cameras: true, vlans: [110], prefixes: [10.110.0.0/16], gateways: [10.110.0.1] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24] }
conduits:
  - { name: video, from: { zone: recording }, to: { zone: cctv }, services: [tcp/554], owner: a, reason: b, expires: 2027-01-01 }
"""
NEW = OLD + "  - { name: clocks, from: { zone: cctv }, to: { hosts: [10.40.0.5] }, services: [udp/123], owner: a, reason: b, expires: 2027-01-01 }\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segwatch", default="target/release/segwatch", help="the binary to measure")
    segwatch = parser.parse_args().segwatch
    with tempfile.TemporaryDirectory(prefix="segwatch-history-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "old.yaml").write_text(OLD)
        (folder / "new.yaml").write_text(NEW)
        flows = write(folder / "journal" / "flows", (flow(c, s, h) for h in range(24) for c in range(CAMERAS) for s in range(SORTS)))
        hours = write(folder / "journal", records())
        diff = [segwatch, "diff", folder / "old.yaml", folder / "new.yaml", "--journal", folder, "--format", "json"]
        seconds, out = timed(diff)
        counts = json.loads(out)["flows"]["counts"]
        print(f"diff --journal: {flows:,} records of a day of {CAMERAS} cameras in {seconds:.1f} s; {counts}")
        report = [segwatch, "report", "--config", folder / "old.yaml", "--journal", folder, "--format", "json"]
        seconds, out = timed(report)
        cameras = json.loads(out)["cameras"]
        covered = {camera["coverage"]["percent"] for camera in cameras}
        print(f"report --journal: {hours:,} records of {DAYS} days in {seconds:.1f} s; {len(cameras)} cameras, covered {covered} %")


def timed(command):
    began = time.monotonic()
    run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert run.returncode in (0, 1), run.returncode
    return time.monotonic() - began, run.stdout


def write(folder, records):
    """Lines as the journal has them: CRC-32, number, record."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with open(folder / "segment-0000000000000001-000.log", "w", encoding="utf-8") as file:
        for count, record in enumerate(records, 1):
            body = f"{count} {json.dumps(record, separators=(',', ':'))}"
            file.write(f"{zlib.crc32(body.encode()):08x} {body}\n")
    return count


def mac(camera):
    return f"44:19:b6:00:00:{camera:02x}"


def flow(camera, sort, hour):
    """Of each ten sorts: video, three neighbours, four clocks, a name server, a cloud."""
    first = START + timedelta(hours=hour, seconds=sort)
    own = {"ip": f"10.110.0.{camera + 10}", "port": 0, "mac": mac(camera)}
    inside = lambda host: {"ip": f"10.110.1.{host + 1}", "port": 8000 + sort, "mac": f"02:00:00:00:00:{host:02x}"}
    outside = lambda ip, port: {"ip": ip, "port": port, "mac": None}
    which = sort % 10
    opener, other, proto, answered = own, outside("10.40.0.5", 123), 17, True
    if which == 0:
        opener, other, proto = {"ip": f"10.200.0.{10 + sort}", "port": 0, "mac": None}, dict(own, port=554), 6
    elif which < 4:
        other, proto = inside(sort), 6
    elif which == 9:
        other, proto, answered = outside(f"203.0.113.{sort}", 443), 6, False
    elif which == 8:
        other = outside("10.40.0.6", 53)
    facts = [1 if answered else 0, 1 if answered else 0]
    evidence = {"vlans": [110, 0, 0, 0, 0, 0], "vlan_count": 1, "facts": facts, "refused": [None, None], "stopped": [0, 0], "routed": False}
    return {
        "ip_proto": proto, "initiator": opener, "responder": other, "direction": "syn" if proto == 6 else "port", "vlan": 110,
        "vlans": [[110]], "layer": 0, "innermost": True, "evidence": evidence, "initiator_first": True, "unicast": True, "tunnel": None,
        "devices": [mac(camera), None] if opener is own else [None, mac(camera)], "flows": 12, "packets": [120, 120 if answered else 0],
        "bytes": [9000, 9000], "first_seen": stamp(first), "last_seen": stamp(first + timedelta(minutes=50)),
        "reach": "established", "verdict": "allowed", "kind": None, "rule": "home",
    }


def records():
    yield {"event": "started", "at": stamp(START), "observed_until": None, "version": "0", "policy": "0", "site": "bench", "sensor": "a"}
    for hour in range(24 * DAYS):
        begin = START + timedelta(hours=hour)
        for camera in range(CAMERAS):
            yield coverage(camera, begin, begin + timedelta(hours=1))


def coverage(camera, begin, end):
    ip, gap = f"10.110.0.{camera + 10}", begin + timedelta(minutes=3)
    gaps = [{"from": stamp(begin), "to": stamp(gap), "reason": "gap", "detail": "segwatch stood still"}] if begin.hour == 4 else []
    seen = {"sent": 3600, "received": 3600, "first_seen": stamp(START), "last_seen": stamp(end), "loss": None}
    status = {
        "mac": mac(camera), "name": f"camera-{camera}", "ips": [ip], "vlans": [110], "vendor": "hikvision", "model": None, "firmware": None,
        "serial": None, "use": "street", "zone": "cctv", "verdict": "isolated", "reasons": [], "coverage": seen,
        "hints": [{"source": "oui", "says": "vendor", "value": "hikvision", "confidence": "high", "first_seen": None, "last_seen": None}],
    }
    return {
        "event": "coverage", "at": stamp(end), "device": {"mac": mac(camera), "ip": ip, "name": f"camera-{camera}"}, "zone": "cctv",
        "from": stamp(begin), "to": stamp(end), "observed_seconds": 3600.0, "gaps": gaps, "began_by_step": False,
        "sent": 3600, "received": 3600, "tagged": 7200, "loss": None, "status": status,
    }


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


if __name__ == "__main__":
    main()
