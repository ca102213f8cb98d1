"""The live lab: segwatch on the mirror of a real switch. `./live PROGRAM [--long] [NAME…]`; see README.md.

Each case runs in namespaces of its own, which end with it however it ends.
"""

import pathlib
import subprocess
import sys
import time
import tomllib
import traceback
from concurrent.futures import ThreadPoolExecutor

import faults
import loss
import paging
from actions import live_site, perform
from sensor import Sensor, wait
from words import details, expect, lines, verdicts

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = tomllib.loads((HERE / "live.toml").read_text(encoding="utf8"))
# The longest first: they wait more than they work.
CASES = {**paging.CASES, **faults.CASES, **loss.CASES, **faults.LONG}
# Needs a program built for speed, and the machine for itself.
ALONE = loss.CASES
AT_ONCE, SECONDS, SECONDS_LONG = 4, 150, 900


def run(name, program, long):
    """One case, in the namespaces of this process."""
    site = live_site()
    try:
        if name in CASES:
            form, more, what = CASES[name]
            what(site, Sensor(site, form, program, **more), long)
        else:
            scenario(site, program, SCENARIOS[name])
    finally:
        if sys.exc_info()[0]:
            print(pathlib.Path(f"{site.dir}/log").read_text(encoding="utf8")[-5000:])
        site.close()


def scenario(site, program, told):
    """What live.toml tells: live, and from the capture of the same mirror."""
    sensor = Sensor(site, told.get("mirror", "all"), program, told.get("policy"))
    if "core" in told:
        site.filter("core", told["core"])
    if "before" in told:
        perform(site, told["before"])
        # What hosts say of their groups when they come up, twice within a second each, is over.
        time.sleep(3)
    # What tcpdump saw, the agent saw too.
    sensor.start()
    path = sensor.watch()
    perform(site, told["do"])
    answer = lambda: (lines(site, sensor.findings()), sensor.status()["verdict"])
    expected = sorted(told["finds"]), told["verdict"]
    try:
        wait("the answer is there", 8, lambda: answer() == expected)
    except RuntimeError:
        expect(f"live ({sensor.status()['reasons']})", answer(), expected)
    captured = sensor.check(path)
    expect("from the capture", (lines(site, captured["findings"]), captured["verdict"]), expected)
    packets = captured["capture"]["packets"]
    wait(f"the agent saw the {packets} packets of the capture", 5, lambda: sensor.status()["traffic"]["packets"] >= packets)
    expect("findings, live and from the capture", details(sensor.findings()), details(captured["findings"]))
    live = lambda: verdicts(sensor.devices())
    try:
        wait("verdicts are those of the capture", 15, lambda: live() == verdicts(captured["devices"]))
    except RuntimeError:
        expect("verdicts of devices, live and from the capture", live(), verdicts(captured["devices"]))
    alarms = [it for it in sensor.status()["health"] if it["blinds"] and it["alarm"] not in told.get("blinds", [])]
    expect("blinding alarms", alarms, [])
    expect("exit code of the agent", sensor.stop(), 0)


def alone(name, program, long):
    """Runs one case in new namespaces; its name if it failed."""
    start, limit = time.monotonic(), SECONDS_LONG if long else SECONDS
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__, program]
    try:
        done = subprocess.run(command + ["--long"] * long + ["--alone", name], timeout=limit, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        said, failed = done.stdout, done.returncode != 0
    except subprocess.TimeoutExpired as error:
        said, failed = f"{(error.stdout or b'').decode()}\nnot done after {limit} s\n", True
    print(f"{name}: {'FAILED' if failed else 'ok'} ({time.monotonic() - start:.1f} s)\n{said}", end="", flush=True)
    return name if failed else None


def main():
    program, *wanted = sys.argv[1:]
    program, long = str(pathlib.Path(program).resolve()), "--long" in wanted
    wanted = [name for name in wanted if name != "--long"]
    if wanted[:1] == ["--alone"]:
        run(wanted[1], program, long)
        return
    names = wanted or [name for name in [*CASES, *SCENARIOS] if long or name not in faults.LONG]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = list(pool.map(lambda name: alone(name, program, long), [name for name in names if name not in ALONE]))
    if long or wanted:
        failed += [alone(name, program, long) for name in names if name in ALONE]
    # A machine too busy for real hosts is no fault of what is tested: what failed beside others may show itself alone, once.
    failed = [alone(name, program, long) for name in failed if name]
    failed = [name for name in failed if name]
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        sys.exit(1)
