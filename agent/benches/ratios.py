#!/usr/bin/env python3
"""CPU time of `segwatch check` as a ratio to `tcpdump -n -r FILE -w /dev/null`, on captures made with a fixed seed.

Each round runs every tool once on the same file, one after the other, so that a busy machine slows them alike. Printed are
medians over the rounds; a ratio is the median of the ratios of each round. Memory is the highest seen, sampled every 20 ms:
`rss` is the kernel's high-water mark, mapped pages of the capture included; `anon` is without them.
Other flow tools run too where they are installed: nfpcapd, softflowd, argus, suricata.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Highest ratio of CPU time to tcpdump that is accepted.
LIMITS = {"small": 1.5, "video": 1.2, "flows": 5.0}
SAMPLE_SECONDS = 0.02


def main():
    options = arguments()
    folder = pathlib.Path(options.folder)
    segwatch = options.segwatch or build_segwatch()
    too_slow = False
    for name in options.captures:
        capture = make(name, folder, options.again)
        with tempfile.TemporaryDirectory(prefix="segwatch-ratios-") as scratch:
            tools = commands(segwatch, capture, folder / "zones.yaml", scratch, options.only)
            rounds = measure(tools, capture, options.runs)
        too_slow |= report(name, capture, rounds)
    sys.exit(1 if too_slow else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="*", default=list(LIMITS), help="small, video, flows (default: all)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "segwatch-bench"), help="4.2 GB, kept")
    parser.add_argument("--again", action="store_true", help="make the captures anew")
    parser.add_argument("--segwatch", help="a binary to measure instead of building one")
    parser.add_argument("--only", action="store_true", help="tcpdump and segwatch alone")
    options = parser.parse_args()
    for name in options.captures:
        if name not in LIMITS:
            parser.error(f"no capture is called {name}")
    if not shutil.which("tcpdump"):
        parser.error("tcpdump, which everything is compared with, is not installed")
    return options


def cargo(*words):
    subprocess.run([os.environ.get("CARGO", "cargo"), *words], cwd=ROOT, check=True)


def build_segwatch():
    cargo("build", "--release", "--locked", "--quiet", "-p", "segwatch")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "release" / "segwatch")


def make(name, folder, again):
    capture = folder / f"{name}.pcap"
    if again or not capture.exists():
        maker = ["--release", "--locked", "--quiet", "-p", "segwatch-tests", "--bin", "make-captures"]
        cargo("run", *maker, "--", "load", str(folder), name)
    return capture


def commands(segwatch, capture, zones, scratch, only):
    tools = {
        "tcpdump": ["tcpdump", "-n", "-r", capture, "-w", "/dev/null"],
        "segwatch": [segwatch, "check", "--config", zones, capture],
    }
    others = {
        "nfpcapd": ["nfpcapd", "-r", capture, "-w", scratch],
        "softflowd": ["softflowd", "-d", "-r", capture],
        "argus": ["argus", "-r", capture, "-w", "/dev/null"],
        "suricata": ["suricata", "-r", capture, "-l", scratch, "-S", "/dev/null"],
    }
    if not only:
        tools.update({name: command for name, command in others.items() if shutil.which(name)})
    return tools


def measure(tools, capture, runs):
    with open(capture, "rb") as file:
        while file.read(1 << 24):
            pass
    rounds = {name: [] for name in tools}
    for _ in range(runs):
        for name, command in tools.items():
            rounds[name].append(run([str(word) for word in command]))
    return rounds


def run(command):
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        rss_kib, anon_kib, pid = 0, 0, 0
        while not pid:
            rss_kib = max(rss_kib, status_kib(process.pid, "VmHWM"))
            anon_kib = max(anon_kib, status_kib(process.pid, "RssAnon"))
            time.sleep(SAMPLE_SECONDS)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.monotonic() - start,
        "rss": rss_kib / 1024,
        "anon": anon_kib / 1024,
        "code": process.returncode,
    }


def status_kib(pid, field):
    """A field of the process's own memory. What wait4 says is no use here: it starts at this script's size."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(field)), 0)
    except OSError:
        return 0


def report(name, capture, rounds):
    size = capture.stat().st_size / 1e6
    print(f"{name}: {size:.0f} MB, segwatch may take {LIMITS[name]} times the CPU time of tcpdump")
    print(f"  {'':10} {'cpu s':>7} {'ratio':>6} {'wall s':>7} {'rss MiB':>8} {'anon MiB':>9} {'exit':>5}")
    ratio_of = {}
    for tool, runs in rounds.items():
        ratios = [run["cpu"] / base["cpu"] for run, base in zip(runs, rounds["tcpdump"])]
        ratio_of[tool] = statistics.median(ratios)
        cpu, wall = (statistics.median(run[what] for run in runs) for what in ("cpu", "wall"))
        rss, anon = (max(run[what] for run in runs) for what in ("rss", "anon"))
        codes = ",".join(sorted({str(run["code"]) for run in runs}))
        print(f"  {tool:10} {cpu:7.2f} {ratio_of[tool]:6.2f} {wall:7.2f} {rss:8.1f} {anon:9.1f} {codes:>5}")
    # A run that failed early would be fast: the captures hold no violation, so anything but 0 is no measurement.
    failed = any(run["code"] != 0 for run in rounds["segwatch"])
    if failed:
        print("  segwatch did not exit with 0: this is no measurement")
    return failed or ratio_of["segwatch"] > LIMITS[name]


if __name__ == "__main__":
    main()
