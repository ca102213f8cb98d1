"""How what was found is told and compared."""


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
