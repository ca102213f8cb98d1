#!/usr/bin/env python3
"""Draws what a program wrote to a terminal as SVG: colours of SGR in, one `<text>` per line out."""

import re
import sys
from xml.sax.saxutils import escape

COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#a5d6ff", "97": "#ffffff"}
GROUNDS = {"41": "#b62324", "42": "#1a7f37", "43": "#9a6700", "44": "#0969da"}
INK, GROUND, DIM = "#e6edf3", "#0d1117", "#8b949e"
# Spaces of which SVG would make one.
NO_BREAK = "\u00a0"
WIDE, HIGH, SIZE, MARGIN = 8.43, 19, 14, 16


def spans(line):
    """Text with the style that SGR codes gave it."""
    style = set()
    for code, text in re.findall(r"(?:\x1b\[([0-9;]*)m)?([^\x1b]*)", line):
        for number in code.split(";") if code else []:
            style = set() if number in ("", "0") else style | {number}
        if text:
            yield text, style


def draw(lines):
    width = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * WIDE + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {len(lines) * HIGH + 2 * MARGIN}" role="img">',
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
        f'<g font-family="ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{SIZE}" fill="{INK}">',
    ]
    for row, line in enumerate(lines):
        column, y = 0, MARGIN + row * HIGH + SIZE
        for text, style in spans(line):
            x, long = MARGIN + column * WIDE, len(text) * WIDE
            column += len(text)
            for ground in style & GROUNDS.keys():
                out.append(f'<rect x="{x:.1f}" y="{y - SIZE}" width="{long:.1f}" height="{HIGH}" fill="{GROUNDS[ground]}"/>')
            if text.strip():
                colour = next((COLOURS[it] for it in sorted(style) if it in COLOURS), DIM if "2" in style else INK)
                bold = ' font-weight="bold"' if "1" in style else ""
                out.append(f'<text x="{x:.1f}" y="{y}" textLength="{long:.1f}" fill="{colour}"{bold}>{escape(text).replace(" ", NO_BREAK)}</text>')
    return "\n".join([*out, "</g>", "</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(draw(sys.stdin.read().rstrip("\n").split("\n")))
