"""Draws the dashboards with the data of a Prometheus, near enough to how Grafana would to see whether a panel says anything:
SEGWATCH_DRAW=FOLDER names where the pages go, one HTML file each."""

import html
import json
import math
import pathlib
import time
import urllib.parse

COLUMN, ROW, SPAN, STEP = 64, 34, 240, 5
COLORS = {"green": "#56a64b", "blue": "#5794f2", "orange": "#ff9830", "red": "#e02f44", "yellow": "#f2cc0c", "text": "#ccccdc"}
LINES = ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0"]


def draw(boards, ask, folder):
    """`ask(path, parameters)` is the answer of Prometheus."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, board in boards:
        panels = "".join(box(panel, ask) for panel in board["panels"])
        page = f"""<!doctype html><meta charset="utf-8"><title>{name}</title><style>
body {{ background: #111217; color: #ccccdc; font: 13px sans-serif; margin: 12px; width: {24 * COLUMN}px; position: relative }}
.panel {{ position: absolute; background: #181b1f; border: 1px solid #2b2d33; box-sizing: border-box; padding: 6px 10px; overflow: hidden }}
.panel h2 {{ font-size: 13px; margin: 0 0 4px }} .row {{ background: none; border: 0; font-weight: bold; font-size: 15px }}
.stat {{ display: inline-block; margin: 4px 14px 4px 0; font-size: 22px; font-weight: bold }} small {{ font-size: 11px; font-weight: normal; display: block }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ text-align: left; padding: 2px 8px; border-bottom: 1px solid #2b2d33 }}
.bar {{ background: #2b2d33; height: 14px; margin-bottom: 6px }} .bar i {{ display: block; height: 14px }}
</style><h1>{html.escape(board["title"])}</h1>{panels}"""
        (folder / f"{name}.html").write_text(page, encoding="utf8")


def box(panel, ask):
    at = panel["gridPos"]
    place = f"left:{at['x'] * COLUMN}px;top:{60 + at['y'] * ROW}px;width:{at['w'] * COLUMN - 8}px;height:{at['h'] * ROW - 8}px"
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<div class="panel row" style="{place}">{title}</div>'
    draws = {"stat": stat, "bargauge": bars, "table": table}.get(panel["type"], lines)
    try:
        body = draws(panel, ask, at)
    except (OSError, KeyError) as error:
        body = html.escape(repr(error))
    return f'<div class="panel" style="{place}"><h2>{title}</h2>{body}</div>'


def now(panel, ask):
    """Name, value and labels of each series, as of now."""
    for target in panel["targets"]:
        for series in ask("query", {"query": target["expr"]}):
            yield legend(target, series["metric"]), float(series["value"][1]), series["metric"]


def legend(target, labels):
    text = target.get("legendFormat") or "value"
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return html.escape(text)


def look(panel, value):
    """Its word and its colour."""
    field = panel["fieldConfig"]["defaults"]
    for mapping in field.get("mappings", []):
        shown = mapping.get("options", {}).get(str(int(value)) if value == value else "")
        if shown:
            return html.escape(shown["text"]), COLORS.get(shown.get("color"), shown.get("color") or COLORS["text"])
    color = COLORS["text"]
    for step in field.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            color = COLORS.get(step["color"], step["color"])
    return number(value, field.get("unit")), color


def number(value, unit):
    if not math.isfinite(value):
        return "no value"
    if unit == "percentunit":
        return f"{100 * value:.1f} %"
    return f"{value:,.4g}" + ("" if unit in (None, "none", "short") else f" {unit}")


def stat(panel, ask, _):
    def one(name, value):
        word, color = look(panel, value)
        return f'<span class="stat" style="color:{color}">{word}<small>{name}</small></span>'
    return "".join(one(name, value) for name, value, _ in now(panel, ask)) or "nothing"


def bars(panel, ask, _):
    found = list(now(panel, ask))
    most = panel["fieldConfig"]["defaults"].get("max") or max((value for _, value, _ in found), default=1) or 1
    def one(name, value):
        word, color = look(panel, value)
        return f'{name}: {word}<div class="bar"><i style="width:{max(0, min(1, value / most)) * 100:.0f}%;background:{color}"></i></div>'
    return "".join(one(name, value) for name, value, _ in found) or "nothing"


def table(panel, ask, _):
    rows = [labels for _, _, labels in now(panel, ask)]
    names = sorted({name for labels in rows for name in labels} - {"__name__"})
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(labels.get(name, ''))}</td>" for name in names) + "</tr>" for labels in rows)
    return f"<table><tr>{head}</tr>{body}</table>" if rows else "nothing"


def lines(panel, ask, at):
    """A line for each series, or a band where its words count."""
    end = time.time()
    found = [(legend(target, series["metric"]), [(float(t), float(v)) for t, v in series["values"]])
             for target in panel["targets"]
             for series in ask("query_range", {"query": target["expr"], "start": end - SPAN, "end": end, "step": STEP})]
    wide, high = at["w"] * COLUMN - 30, at["h"] * ROW - 62
    x = lambda t: (t - end + SPAN) / SPAN * wide
    drawn, names = "", ""
    if panel["type"] == "state-timeline":
        each = min(26, high / max(1, len(found)))
        for row, (name, values) in enumerate(found):
            for t, value in values:
                _, color = look(panel, value)
                drawn += f'<rect x="{x(t):.0f}" y="{row * each:.0f}" width="{STEP / SPAN * wide + 1:.1f}" height="{each - 3:.0f}" fill="{color}"/>'
            drawn += f'<text x="4" y="{row * each + each * 0.6:.0f}" fill="#fff">{name}: {look(panel, values[-1][1])[0]}</text>'
    else:
        most = max((v for _, values in found for _, v in values if math.isfinite(v)), default=1) or 1
        for color, (name, values) in zip(LINES * len(found), found):
            points = " ".join(f"{x(t):.0f},{high - v / most * (high - 4):.0f}" for t, v in values if math.isfinite(v))
            drawn += f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
            names += f'<span style="color:{color}">{name} {number(values[-1][1], panel["fieldConfig"]["defaults"].get("unit"))}</span> &nbsp; '
    return f'<svg width="{wide}" height="{high}" font-size="11">{drawn}</svg><br>{names}' if found else "nothing"


def asker(get, variables):
    """Asks for what Grafana would, its variables put in."""
    def ask(path, parameters):
        for name, value in variables.items():
            parameters["query"] = parameters["query"].replace(name, value)
        return json.loads(get(f"/api/v1/{path}?" + urllib.parse.urlencode(parameters)))["data"]["result"]
    return ask
