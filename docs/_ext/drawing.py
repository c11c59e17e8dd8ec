"""A Mermaid flowchart of boxes and arrows as SVG: the small part of the language that these documents use."""

from __future__ import annotations

import re
from html import escape

__all__ = ["draw_flow"]

ARROW = re.compile(r"(\w+)(?:\[\"(.*?)\"\])?\s*--(?:\s*\"(.*?)\"\s*--)?>\s*(\w+)(?:\[\"(.*?)\"\])?")
WIDE, GAP, LINE = 260, 60, 20
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker></defs>'
)


def draw_flow(text: str) -> str:
    """From top to bottom, one row for each step; boxes that are reached in as many steps stand side by side.

    >>> draw_flow('a["one"] -- "goes" --> b["two"]').count("<rect")
    2
    """
    names: dict[str, str] = {}
    arrows = []
    for start, first, label, end, second in ARROW.findall(text):
        for name, words in ((start, first), (end, second)):
            names[name] = words or names.get(name, name)
        arrows.append((start, end, label))
    steps = dict.fromkeys(names, 0)
    for _ in names:
        for start, end, _label in arrows:
            steps[end] = max(steps[end], steps[start] + 1)
    rows = [[name for name in names if steps[name] == step] for step in range(max(steps.values()) + 1)]
    middles = place_middles(rows, [(start, end) for start, end, _label in arrows])
    left = min(middles.values()) - WIDE / 2
    places: dict[str, tuple[float, float, int]] = {}
    top = 10
    for row in rows:
        tall = max(LINE * (names[name].count("<br>") + 1) + 18 for name in row)
        places.update({name: (middles[name] - left, top, tall) for name in row})
        top += tall + GAP
    drawn = [draw_arrow(places[start], places[end], label) for start, end, label in arrows]
    drawn += [draw_box(names[name], *places[name]) for name in names]
    full = max(middles.values()) + WIDE / 2 - left
    return f'<svg class="flow" role="img" viewBox="0 0 {full:g} {top - GAP + 10}">{TIP}{"".join(drawn)}</svg>'


def place_middles(rows: list[list[str]], arrows: list[tuple[str, str]]) -> dict[str, float]:
    """Each box below the middle of those that lead to it; boxes of one row side by side."""
    middles: dict[str, float] = {}
    for row in rows:
        for name in row:
            above = [middles[start] for start, end in arrows if end == name]
            middles[name] = sum(above) / len(above) if above else 0.0
        centre = sum(middles[name] for name in row) / len(row)
        if len(row) > 1:
            middles.update({name: centre + (place - (len(row) - 1) / 2) * WIDE for place, name in enumerate(row)})
    return middles


def draw_box(words: str, middle: float, top: float, tall: int) -> str:
    lines = [escape(line) for line in words.split("<br>")]
    bold = ' font-weight="bold"'
    spans = "".join(f'<text x="{middle:g}" y="{top + 22 + place * LINE:g}"{"" if place else bold}>{line}</text>' for place, line in enumerate(lines))
    return f'<rect x="{middle - WIDE / 2 + 10:g}" y="{top:g}" width="{WIDE - 20}" height="{tall}" rx="6"/>{spans}'


def draw_arrow(start: tuple[float, float, int], end: tuple[float, float, int], label: str) -> str:
    x1, y1, x2, y2 = start[0], start[1] + start[2], end[0], end[1]
    side, anchor = (-1, "end") if x2 < x1 else (1, "start")
    x, y = (x1 + x2) / 2 + 20 * side + (x2 - x1) / 8, (y1 + y2) / 2 - 8  # beside the line, not on it
    lines = label.split("<br>") if label else []
    words = [f'<text class="label" text-anchor="{anchor}" x="{x:g}" y="{y + place * 16:g}">{escape(line)}</text>' for place, line in enumerate(lines)]
    shown = "".join(words)
    return f'<path d="M{x1:g} {y1:g} L{x2:g} {y2:g}" marker-end="url(#tip)"/>{shown}'
