#!/usr/bin/env python3
"""Writes the dashboards: the four JSON files beside this one. Without Grafana at hand they are easier to read here.

`--check` writes nothing and fails if a file is not what this makes of it.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What every panel asks for; site and sensor are labels of the target (config/prometheus/prometheus.yml).
SENSORS = 'job=~"$job",instance=~"$instance",site=~"$site",sensor=~"$sensor"'
ZONES = SENSORS + ',zone=~"$zone"'
# Where config/alerts/runbooks/ is published: a variable of each dashboard.
RUNBOOKS = "${runbooks}"

# The verdicts from the best to the worst: number, word, colour. The word always stands beside the colour.
VERDICTS = [(0, "isolated", "green"), (1, "contained", "blue"), (2, "unverified", "orange"), (3, "violated", "red")]
GOOD_BAD = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
NEUTRAL = [{"color": "text", "value": None}]
SHARE = [{"color": "red", "value": None}, {"color": "orange", "value": 0.5}, {"color": "green", "value": 1}]


def verdict(metric, by, labels):
    """One number for a verdict that is written one-hot."""
    parts = [f'{number} * max by ({by}) (segwatch_{metric}{{{labels},verdict="{word}"}})' for number, word, _ in VERDICTS]
    return " + ".join(parts)


def words(pairs):
    options = {str(number): {"text": word, "color": colour, "index": number} for number, word, colour in pairs}
    return [{"type": "value", "options": options}]


def thresholds(steps):
    return {"mode": "absolute", "steps": steps}


VERDICT_FIELD = {"mappings": words(VERDICTS), "thresholds": thresholds(
    [{"color": colour, "value": None if number == 0 else number} for number, _, colour in VERDICTS]), "unit": "none"}
ON_OFF = {"mappings": words([(0, "fine", "green"), (1, "alarm", "red")]), "thresholds": thresholds(GOOD_BAD), "unit": "none"}


class Dashboard:
    """Panels in rows of 24 units; `place` goes on where the last panel ended."""

    def __init__(self, name, title, about, variables):
        self.name, self.x, self.y, self.height, self.panels = name, 0, 0, 0, []
        self.frame = {
            "id": None, "uid": f"segwatch-{name}", "title": f"segwatch / {title}", "description": about, "tags": ["segwatch"],
            "schemaVersion": 41, "version": 1, "editable": False, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
            "time": {"from": "now-6h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "liveNow": False, "weekStart": "",
            "templating": {"list": variables}, "links": links(), "annotations": {"list": [alerts()]},
        }

    def row(self, title):
        self.y, self.x = self.y + self.height, 0
        self.panels.append({"type": "row", "id": len(self.panels) + 1, "title": title, "collapsed": False, "panels": [],
                            "gridPos": {"x": 0, "y": self.y, "w": 24, "h": 1}})
        self.y, self.height = self.y + 1, 0

    def place(self, kind, title, about, width, height, targets, field, options=None, link=None, transform=None):
        if self.x + width > 24:
            self.x, self.y, self.height = 0, self.y + self.height, 0
        panel = {
            "type": kind, "id": len(self.panels) + 1, "title": title, "description": about, "datasource": SOURCE,
            "gridPos": {"x": self.x, "y": self.y, "w": width, "h": height},
            "targets": [{"refId": chr(65 + at), "datasource": SOURCE, "expr": expr, "legendFormat": legend,
                         **({"format": "table", "instant": True} if kind == "table" else
                            {"instant": True} if kind == "stat" else {"range": True})}
                        for at, (expr, legend) in enumerate(targets)],
            "fieldConfig": {"defaults": field, "overrides": []}, "options": options or OPTIONS.get(kind, {}),
        }
        if link:
            panel["links"] = [{"title": "runbook", "url": f"{RUNBOOKS}/{link}.md", "targetBlank": True}]
        if transform:
            panel["transformations"] = transform
        self.panels.append(panel)
        self.x, self.height = self.x + width, max(self.height, height)

    def json(self):
        return json.dumps({**self.frame, "panels": self.panels}, indent=1) + "\n"


OPTIONS = {
    "stat": {"colorMode": "background", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
             "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                   "tooltip": {"mode": "multi", "sort": "desc"}},
    "state-timeline": {"mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9,
                       "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                       "tooltip": {"mode": "single", "sort": "none"}},
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
    "bargauge": {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True,
                 "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
}


def links():
    boards = {"title": "segwatch", "type": "dashboards", "tags": ["segwatch"], "asDropdown": False, "includeVars": True,
              "keepTime": True, "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}
    agent = {"title": "the agent's page", "type": "link", "url": "http://${instance}/", "icon": "external link",
             "targetBlank": True, "includeVars": False, "keepTime": False, "asDropdown": False, "tags": [], "tooltip": ""}
    runbooks = {**agent, "title": "runbooks", "url": RUNBOOKS, "icon": "doc"}
    return [boards, agent, runbooks]


def alerts():
    return {"name": "alerts", "datasource": SOURCE, "enable": True, "iconColor": "red",
            "expr": 'ALERTS{alertname=~"Segwatch.*",alertname!="SegwatchWatchdog",alertstate="firing",site=~"$site"}',
            "titleFormat": "{{alertname}}", "textFormat": "{{zone}} {{device}} {{interface}}", "step": "60s"}


def variable(name, metric, label=None):
    label = label or name
    return {"name": name, "label": name, "type": "query", "datasource": SOURCE, "definition": f"label_values({metric}, {label})",
            "query": {"query": f"label_values({metric}, {label})", "refId": name}, "refresh": 2, "sort": 1, "multi": True,
            "includeAll": True, "allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]}, "options": [], "hide": 0,
            "regex": "", "skipUrlSync": False}


def variables(*more):
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0,
              "multi": False, "includeAll": False, "current": {}, "options": [], "regex": "", "skipUrlSync": False}
    chain = [variable("job", "segwatch_build_info"), variable("site", 'segwatch_build_info{job=~"$job"}'),
             variable("sensor", 'segwatch_build_info{job=~"$job",site=~"$site"}'),
             variable("instance", 'segwatch_build_info{job=~"$job",site=~"$site",sensor=~"$sensor"}')]
    runbooks = {"name": "runbooks", "label": "runbooks", "type": "textbox", "query": "https://runbooks.example/segwatch", "hide": 2,
                "current": {}, "options": [], "skipUrlSync": False}
    return [source, *chain, *more, runbooks]


ZONE = variable("zone", f"segwatch_verdict{{{SENSORS}}}")


def number(unit="short", steps=None, **more):
    return {"unit": unit, "decimals": more.pop("decimals", None), "thresholds": thresholds(steps or NEUTRAL), **more}


def findings_table(board, labels, height):
    columns = {"Time": True, "Value": True, "__name__": True, "job": True, "instance": True}
    order = ["severity", "site", "zone", "kind", "device", "peer_zone", "peer", "id", "sensor"]
    board.place("table", "Open findings", "Each open finding, critical ones first; at most 200 for each sensor. Empty when healthy.", 24,
                height, [(f"sort_desc(segwatch_finding_info{{{labels}}})", "")], number(), link="SegwatchViolation", transform=[
                    {"id": "organize", "options": {"excludeByName": columns, "renameByName": {},
                                                   "indexByName": {name: at for at, name in enumerate(order)}}}])


def overview():
    board = Dashboard("overview", "Overview", "Is every camera isolated, and how do you know?", variables())
    board.row("Is anything wrong, and would we know?")
    board.place("stat", "Verdict of each site", "The worst of its zones, as its sensors see it now.", 8, 6,
                [(verdict("site_verdict", "site", SENSORS), "{{site}}")], VERDICT_FIELD, link="SegwatchViolation")
    board.place("stat", "Critical findings", "Open now. 0 when healthy.", 4, 6,
                [(f'sum(segwatch_findings_open{{{SENSORS},severity="critical"}})', "")], number(steps=GOOD_BAD), link="SegwatchViolation")
    board.place("stat", "Blind mirror ports", "Alarms that make verdicts unverified. 0 when healthy.", 4, 6,
                [(f'sum(segwatch_mirror_health{{{SENSORS},alarm!~"duplicates|truncated|offload|clock"}})', "")],
                number(steps=GOOD_BAD), link="SegwatchMirrorBlind")
    board.place("stat", "Cameras not verified", "Watched devices of which the mirror does not show enough.", 4, 6,
                [(f'sum(segwatch_devices{{{SENSORS},verdict="unverified"}})', "")],
                number(steps=[{"color": "green", "value": None}, {"color": "orange", "value": 1}]), link="SegwatchDeviceUncovered")
    board.place("stat", "Sensors down", "Agents that Prometheus cannot reach. 0 when healthy.", 4, 6,
                [(f"count(up{{{SENSORS}}}) - sum(up{{{SENSORS}}})", "")], number(steps=GOOD_BAD), link="SegwatchAgentDown")
    board.row("Zones")
    board.place("state-timeline", "Verdict of each zone", "Unverified is not green: nobody knows.", 16, 9,
                [(verdict("verdict", "site, zone", SENSORS), "{{site}} {{zone}}")], VERDICT_FIELD, link="SegwatchZoneUncovered")
    board.place("bargauge", "Cameras covered", "Share of the watched devices that the mirror shows well enough to judge.", 8, 9,
                [(f"min by (site, zone) (segwatch_coverage_ratio{{{SENSORS}}} >= 0)", "{{site}} {{zone}}")],
                number("percentunit", SHARE, min=0, max=1), link="SegwatchZoneUncovered")
    board.row("Findings")
    findings_table(board, SENSORS, 10)
    board.place("timeseries", "Openings and rises of findings", "Counted when a finding opens or gets farther.", 12, 8,
                [(f"sum by (kind, reach) (increase(segwatch_findings_total{{{SENSORS}}}[$__rate_interval])) > 0", "{{kind}} {{reach}}")],
                number(decimals=0, min=0), link="SegwatchAttempt")
    board.place("timeseries", "Open findings by severity", "Latched until quiet for `hold`.", 12, 8,
                [(f"sum by (severity) (segwatch_findings_open{{{SENSORS}}})", "{{severity}}")], number(min=0))
    return board


def zone():
    board = Dashboard("zone", "Zone", "One zone: its verdict, its cameras, what they tried, and what was allowed.", variables(ZONE))
    board.row("Verdict")
    board.place("stat", "Verdict", "The worst of its devices, now.", 6, 6, [(verdict("verdict", "site, zone", ZONES), "{{site}} {{zone}}")],
                VERDICT_FIELD, link="SegwatchViolation")
    board.place("state-timeline", "Verdict over time", "What the sensors said, and when.", 18, 6,
                [(verdict("verdict", "site, zone", ZONES), "{{site}} {{zone}}")], VERDICT_FIELD)
    board.row("Cameras")
    board.place("timeseries", "Devices by verdict", "Watched devices, declared but unseen ones included.", 12, 8,
                [(f"sum by (verdict) (segwatch_devices{{{ZONES}}})", "{{verdict}}")], number(min=0), link="SegwatchDeviceUncovered")
    board.place("timeseries", "Not verified, by reason", "A device may have several reasons.", 12, 8,
                [(f"sum by (reason) (segwatch_devices_unverified{{{ZONES}}})", "{{reason}}")], number(min=0), link="SegwatchDeviceUncovered")
    board.place("bargauge", "Devices by vendor", "What identified them stands on the agent's page.", 12, 6,
                [(f"sum by (vendor) (segwatch_devices{{{ZONES}}})", "{{vendor}}")], number(min=0))
    board.place("timeseries", "Coverage", "Share of the devices that are covered.", 12, 6,
                [(f"min by (site, zone) (segwatch_coverage_ratio{{{ZONES}}} >= 0)", "{{site}} {{zone}}")],
                number("percentunit", SHARE, min=0, max=1), link="SegwatchZoneUncovered")
    covered = f"sum by (site, zone) (increase(segwatch_covered_seconds_total{{{ZONES}}}[$__range]))"
    uncovered = f"sum by (site, zone) (increase(segwatch_uncovered_seconds_total{{{ZONES}}}[$__range]))"
    board.place("bargauge", "Time covered", "Share of the devices' time in this range for which somebody vouches.", 12, 7,
                [(f"{covered} / ({covered} + {uncovered}) >= 0", "{{site}} {{zone}}")], number("percentunit", SHARE, min=0, max=1),
                link="SegwatchZoneUncovered")
    board.place("timeseries", "Time not covered, by reason", "Devices that are not covered, on average.", 12, 7,
                [(f"sum by (reason) (rate(segwatch_uncovered_seconds_total{{{ZONES}}}[$__rate_interval])) > 0", "{{reason}}")],
                number(min=0), link="SegwatchDeviceUncovered")
    board.row("What they did")
    findings_table(board, ZONES, 8)
    board.place("timeseries", "Open findings", "By kind and reach.", 12, 8,
                [(f"sum by (kind, reach) (segwatch_findings_open{{{ZONES}}}) > 0", "{{kind}} {{reach}}")], number(min=0))
    board.place("timeseries", "Flows judged", "Allowed ones and violations, in a second.", 12, 8,
                [(f"sum by (verdict) (rate(segwatch_flows_total{{{ZONES}}}[$__rate_interval]))", "{{verdict}}")], number("ops", min=0))
    board.row("Conduits")
    board.place("timeseries", "Flows of each conduit", "One that is never used may be one too many.", 12, 8,
                [(f"topk(20, sum by (conduit) (rate(segwatch_conduit_flows_total{{{SENSORS}}}[$__rate_interval])))", "{{conduit}}")],
                number("ops", min=0))
    board.place("bargauge", "Time until a conduit expires", "Beyond it, what it allowed is a finding.", 12, 8,
                [(f"bottomk(20, min by (conduit) (segwatch_conduit_expiry_timestamp_seconds{{{SENSORS}}}) - time())", "{{conduit}}")],
                number("s", [{"color": "red", "value": None}, {"color": "orange", "value": 86_400}, {"color": "green", "value": 1_209_600}]),
                link="SegwatchConduitExpiring")
    return board


def sensor():
    board = Dashboard("sensor", "Sensor", "One sensor: what its mirror shows, what was lost, and what it costs.", variables())
    rate = "[$__rate_interval]"
    board.row("Does it see?")
    board.place("state-timeline", "Mirror health", "Alarms of each interface; the runbook names likely mistakes on the switch.", 12, 10,
                [(f"max by (sensor, interface, alarm) (segwatch_mirror_health{{{SENSORS}}})", "{{interface}} {{alarm}}")], ON_OFF,
                link="SegwatchMirrorBlind")
    board.place("stat", "Last packet", "Time since each interface showed one.", 4, 10,
                [(f"time() - max by (sensor, interface) (segwatch_capture_last_packet_timestamp_seconds{{{SENSORS}}})", "{{interface}}")],
                number("s", [{"color": "green", "value": None}, {"color": "red", "value": 60}]), link="SegwatchCaptureStalled")
    board.place("stat", "Reload", "Whether the policy file was taken at the latest reload.", 4, 10,
                [(f"min by (sensor) (segwatch_config_last_reload_successful{{{SENSORS}}})", "{{sensor}}")],
                {"mappings": words([(0, "refused", "red"), (1, "taken", "green")]), "unit": "none",
                 "thresholds": thresholds([{"color": "red", "value": None}, {"color": "green", "value": 1}])}, link="SegwatchReloadFailed")
    board.place("stat", "Journal", "Whether records are on the disk.", 4, 10,
                [(f"max by (sensor) (segwatch_journal_failing{{{SENSORS}}})", "{{sensor}}")],
                {"mappings": words([(0, "written", "green"), (1, "failing", "red")]), "unit": "none", "thresholds": thresholds(GOOD_BAD)},
                link="SegwatchJournalFailing")
    board.row("The packet ledger: seen is judged and every counted drop")
    board.place("timeseries", "Packets", "Seen, in a second.", 8, 8,
                [(f"sum by (interface) (rate(segwatch_capture_packets_total{{{SENSORS}}}{rate}))", "{{interface}}")], number("pps", min=0))
    board.place("timeseries", "Bytes", "On the wire, in a second.", 8, 8,
                [(f"sum by (interface) (rate(segwatch_capture_bytes_total{{{SENSORS}}}{rate}))", "{{interface}}")], number("Bps", min=0))
    board.place("timeseries", "Dropped", "By the kernel, the interface and the agent. 0 when healthy.", 8, 8,
                [(f"sum by (interface, where) (rate(segwatch_capture_dropped_packets_total{{{SENSORS}}}{rate}))", "{{interface}} {{where}}")],
                number("pps", min=0), link="SegwatchCaptureDrops")
    board.place("timeseries", "Not decoded", "Frames whose end could not be read, by reason.", 8, 8,
                [(f"sum by (reason) (rate(segwatch_decode_errors_total{{{SENSORS}}}{rate}))", "{{reason}}")], number("pps", min=0))
    board.place("timeseries", "Flows", "In the table now.", 8, 8, [(f"sum by (sensor) (segwatch_flows_active{{{SENSORS}}})", "{{sensor}}")],
                number(min=0))
    board.place("timeseries", "Flows that left a full table", "Those of watched devices make verdicts unverified. 0 when healthy.", 8, 8,
                [(f"sum by (reason) (rate(segwatch_flows_evicted_total{{{SENSORS}}}{rate}))", "{{reason}}")], number("ops", min=0))
    board.row("Records and resources")
    board.place("timeseries", "Records lost", "By sink. 0 when healthy.", 8, 8,
                [(f"sum by (sink) (increase(segwatch_sink_lost_total{{{SENSORS}}}{rate}))", "{{sink}}")], number(min=0), link="SegwatchSinkLosing")
    board.place("timeseries", "Processor", "Cores in use.", 8, 8,
                [(f"sum by (instance) (rate(process_cpu_seconds_total{{{SENSORS}}}{rate}))", "{{instance}}")], number(min=0))
    board.place("timeseries", "Memory", "Resident.", 8, 8, [(f"sum by (instance) (process_resident_memory_bytes{{{SENSORS}}})", "{{instance}}")],
                number("bytes", min=0))
    return board


def fleet():
    board = Dashboard("fleet", "Fleet", "Every sensor: does it run, does it see, and what runs on it?", variables())
    board.row("Sensors")
    board.place("state-timeline", "Reachable", "Whether Prometheus gets an answer.", 12, 10, [(f"max by (site, sensor) (up{{{SENSORS}}})", "{{site}} {{sensor}}")],
                {"mappings": words([(0, "down", "red"), (1, "up", "green")]), "unit": "none",
                 "thresholds": thresholds([{"color": "red", "value": None}, {"color": "green", "value": 1}])}, link="SegwatchAgentDown")
    board.place("state-timeline", "Blind", "Whether a mirror port of it is blind.", 12, 10,
                [(f'max by (site, sensor) (segwatch_mirror_health{{{SENSORS},alarm!~"duplicates|truncated|offload|clock"}})', "{{site}} {{sensor}}")],
                ON_OFF, link="SegwatchMirrorBlind")
    hidden = {"Time": True, "Value": True, "__name__": True, "job": True, "rustversion": True}
    board.place("table", "What runs", "Version of each agent.", 12, 8, [(f"segwatch_build_info{{{SENSORS}}}", "")], number(),
                transform=[{"id": "organize", "options": {"excludeByName": hidden, "renameByName": {}, "indexByName": {}}}])
    board.place("table", "Which policy decides", "Sensors of one site should have the same.", 12, 8, [(f"segwatch_policy_info{{{SENSORS}}}", "")],
                number(), transform=[{"id": "organize", "options": {"excludeByName": hidden, "renameByName": {}, "indexByName": {}}}])
    board.row("What they see")
    board.place("timeseries", "Packets seen", "In a second, the twenty busiest.", 8, 8,
                [(f"topk(20, sum by (site, sensor) (rate(segwatch_capture_packets_total{{{SENSORS}}}[$__rate_interval])))", "{{site}} {{sensor}}")],
                number("pps", min=0))
    board.place("timeseries", "Cameras", "Watched devices of each sensor.", 8, 8,
                [(f"sum by (site, sensor) (segwatch_devices{{{SENSORS}}})", "{{site}} {{sensor}}")], number(min=0))
    board.place("timeseries", "Time since the start", "A fall is a restart, and a gap in what was observed.", 8, 8,
                [(f"time() - max by (site, sensor) (segwatch_start_time_seconds{{{SENSORS}}})", "{{site}} {{sensor}}")], number("s", min=0))
    return board


def main():
    different = []
    for board in (overview(), zone(), sensor(), fleet()):
        path = HERE / f"{board.name}.json"
        if "--check" not in sys.argv:
            path.write_text(board.json(), encoding="utf8")
        elif not path.exists() or path.read_text(encoding="utf8") != board.json():
            different.append(path.name)
    if different:
        sys.exit(f"not what generate.py makes: {', '.join(different)}")


if __name__ == "__main__":
    main()
