"""The scenarios of live.toml: each live, and from the capture of its own mirror."""

import os
import pathlib
import subprocess
import sys
import time
import tomllib
import traceback
from concurrent.futures import ThreadPoolExecutor

from actions import live_site, perform
from sensor import Sensor, wait

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = tomllib.loads((HERE / "live.toml").read_text(encoding="utf8"))
SECONDS, AT_ONCE = 90, 3


def lines(site, findings):
    """Findings as live.toml has them."""
    names = {mac: name for name, (mac, _) in site.cameras.items()}
    return sorted(" ".join([names.get(it["device"]["mac"], str(it["device"])), it["kind"], it["peer_zone"] or "-", it["reach"] or "-"]
                           + sorted(f"{peer['proto']}/{peer['ip']}:{peer['port']}" for peer in it["peers"] if it["reach"])) for it in findings)


def details(findings):
    """What must be equal live and from the capture."""
    return sorted((it["kind"], it["device"]["mac"], it["device"]["ip"], it["peer_zone"] or "", it["reach"] or "", it["severity"], it["peers_total"],
                   sorted((peer["proto"], peer["ip"], peer["port"], peer["initiator"], peer["reach"] or "") for peer in it["peers"])) for it in findings)


def verdicts(devices):
    return {device["mac"]: device["verdict"] for device in devices}


def expect(what, got, expected):
    if got != expected:
        raise RuntimeError(f"{what}:\n  expected {expected}\n  got      {got}")


def run(scenario, program):
    """One scenario, in namespaces of its own."""
    site = live_site()
    try:
        sensor = Sensor(site, scenario.get("mirror", "all"), program, scenario.get("policy"))
        if "core" in scenario:
            site.filter("core", scenario["core"])
        path = sensor.watch()
        if program_runs(program):
            sensor.start()
        perform(site, scenario["do"])
        live(site, sensor, scenario)
        from_capture = sensor.check(path)
        expect("findings from the capture", lines(site, from_capture["findings"]), sorted(scenario["finds"]))
        expect("verdict from the capture", from_capture["verdict"], scenario["verdict"])
        if sensor.agent:
            compare(sensor, from_capture)
            expect("exit code of the agent", sensor.stop(), 0)
    finally:
        if sys.exc_info()[0]:
            print(pathlib.Path(f"{site.dir}/log").read_text(encoding="utf8")[-5000:])
        site.close()


def program_runs(program):
    return b"unrecognized" not in subprocess.run([program, "run", "--help"], capture_output=True, check=False).stderr


def live(site, sensor, scenario):
    """What the agent says now is what it must say."""
    if not sensor.agent:
        return
    try:
        wait("", 8, lambda: (lines(site, sensor.findings()), sensor.status()["verdict"]) == (sorted(scenario["finds"]), scenario["verdict"]))
    except RuntimeError:
        pass
    expect("findings, live", lines(site, sensor.findings()), sorted(scenario["finds"]))
    expect("verdict, live", (sensor.status()["verdict"], sensor.status()["reasons"])[0], scenario["verdict"])


def compare(sensor, from_capture):
    """Live and from the capture, it is the same."""
    packets = from_capture["capture"]["packets"]
    wait(f"the agent saw the {packets} packets of the capture", 5, lambda: sensor.status()["traffic"]["packets"] >= packets)
    expect("findings, live and from the capture", details(sensor.findings()), details(from_capture["findings"]))
    expect("verdicts of devices, live and from the capture", verdicts(sensor.devices()), verdicts(from_capture["devices"]))
    expect("alarms that blind, live", [it for it in sensor.status()["health"] if it["blinds"]], [])


def alone(name, program):
    """Runs one scenario in new namespaces, which end with it; what went wrong."""
    start = time.monotonic()
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__, program, "--alone", name]
    try:
        done = subprocess.run(command, timeout=SECONDS, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wrong = done.stdout if done.returncode else ""
    except subprocess.TimeoutExpired as error:
        wrong = f"not done after {SECONDS} s\n{(error.stdout or b'').decode()}"
    print(f"{name}: {'FAILED' if wrong else 'ok'} ({time.monotonic() - start:.1f} s)\n{wrong}", end="", flush=True)
    return name if wrong else None


def main():
    program, *wanted = sys.argv[1:]
    if wanted[:1] == ["--alone"]:
        run(SCENARIOS[wanted[1]], program)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = [name for name in pool.map(lambda name: alone(name, program), wanted or SCENARIOS) if name]
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        sys.exit(1)
