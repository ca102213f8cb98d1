"""Every query of every dashboard, run in a real Prometheus that has seen a site where something happened."""

import json
import os
import pathlib
import urllib.parse

import draw

DASHBOARDS = pathlib.Path(__file__).resolve().parent.parent.parent / "dashboards"
# What Grafana puts in before it asks.
VARIABLES = {"$__rate_interval": "10m", "$__range": "10m", "$job": "segwatch", "$instance": ".+", "$site": ".+", "$sensor": ".+", "$zone": ".+"}


def queries():
    """Dashboard, panel and query of each target."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf8"))
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield path.stem, panel["title"], target["expr"]


def check(sensor, port=9090):
    """Fails with the queries that return nothing, or an error."""
    wrong, count = [], 0
    for board, panel, query in queries():
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        try:
            answer = json.loads(sensor.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}), port))
            found = answer["data"]["result"]
        except OSError as error:
            found = []
            wrong.append(f"{board}, {panel}: {error}")
        if not found:
            wrong.append(f"{board}, {panel}: nothing for {query}")
        count += 1
    if wrong or not count:
        raise RuntimeError("\n".join(wrong) or "there are no dashboards")
    print(f"  {count} queries of dashboards have data", flush=True)
    if folder := os.environ.get("SEGWATCH_DRAW"):
        boards = [(path.stem, json.loads(path.read_text(encoding="utf8"))) for path in sorted(DASHBOARDS.glob("*.json"))]
        draw.draw(boards, draw.asker(lambda path: sensor.get(path, port), VARIABLES), folder)
