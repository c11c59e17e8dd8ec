"""Curves over time with what speaks for and against behind them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from consilience.judge.explain import ExplainedCell
from consilience.report._axes import linear_axis
from consilience.report.explanation._saying import Saying

__all__ = ["Lane", "Window", "series_lanes", "sound_lane", "ticks_of"]

COLUMNS = 400
"""Steps of a drawn waveform."""

MOST = 24
"""Channels that are drawn."""


@dataclass(frozen=True)
class Window:
    """A stretch of time. ``at``, ``width``: per cent of the lane; ``bar``: 0 to 1, how high its bar is."""

    at: float
    width: float
    side: str
    bar: float
    text: str


@dataclass(frozen=True)
class Lane:
    """One curve. ``path``: in a box of 1000 x 100; ``closed``: drawn as a filled shape."""

    name: str
    path: str
    closed: bool
    windows: tuple[Window, ...]


def ticks_of(low: float, high: float) -> tuple[tuple[float, str, str], ...]:
    """Places in per cent, anchors and texts of ticks from ``low`` to ``high``."""
    span = (high - low) or 1.0
    made = []
    for tick in linear_axis(low, high, 5).ticks:
        at = 100 * (tick.value - low) / span
        if -0.01 <= at <= 100.01:
            made.append((round(at, 2), "start" if at < 4 else "end" if at > 96 else "middle", f"{tick.value:,.6g}"))
    return tuple(made)


def _window(start: float, end: float, total: float, weight: float, most: float, clear: bool, text: str) -> Window:
    side = ("for" if weight >= 0 else "against") + ("" if clear else " unclear")
    return Window(round(100 * start / total, 3), round(100 * (end - start) / total, 3), side, round(abs(weight) / most, 3), text)


def sound_lane(cell: ExplainedCell, say: Saying, most: float) -> Lane:
    """The waveform."""
    sound = cell.anatomy.decoded
    edges = np.linspace(0, len(sound.samples), COLUMNS + 1).astype(int)
    pieces = [sound.samples[min(a, len(sound.samples) - 1) : max(b, a + 1)] for a, b in pairwise(edges.tolist())]
    peak = max(float(np.abs(sound.samples).max()), 1e-4)
    across = np.linspace(0, 1000, COLUMNS)
    top = [(x, 50 - 0.4 - 48 * float(piece.max()) / peak) for x, piece in zip(across, pieces, strict=True)]
    bottom = [(x, 50 + 0.4 - 48 * float(piece.min()) / peak) for x, piece in zip(across, pieces, strict=True)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in [*top, *bottom[::-1]]) + "z"
    windows = tuple(
        _window(piece.where["start"], piece.where["end"], sound.seconds, piece.weight, most, piece.clear, f"{piece.name}: {say.weight(piece.weight)}")
        for piece in cell.pieces
    )
    return Lane("", path, True, windows)


def series_lanes(cell: ExplainedCell, say: Saying, most: float) -> tuple[Lane, ...]:
    """A lane for each channel."""
    anatomy = cell.anatomy
    total = float(max(1, anatomy.length))
    lanes = []
    for channel in range(min(MOST, anatomy.channels)):
        windows = tuple(
            _window(
                piece.where["first"],
                piece.where["last"] + 1,
                total,
                piece.weight,
                most,
                piece.clear,
                f"{say.piece(cell, piece)}: {say.weight(piece.weight)}",
            )
            for piece in cell.pieces
            if channel in piece.where["channels"]
        )
        name = say.words("explain.channel", number=channel + 1) if anatomy.channels > 1 else ""
        lanes.append(Lane(name, _line(anatomy.decoded.values[:, channel].astype(np.float64)), False, windows))
    return tuple(lanes)


def _line(values: np.ndarray) -> str:
    """The curve over its own range; a gap breaks it."""
    length = len(values)
    picked = np.unique(np.linspace(0, length - 1, min(length, COLUMNS)).round().astype(int))
    if np.isnan(values).all():
        return ""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    share = (values[picked] - low) / (high - low) if high > low else np.where(np.isnan(values[picked]), np.nan, 0.5)
    parts, begun = [], False
    for place, y in zip(picked.tolist(), share.tolist(), strict=True):
        if np.isnan(y):
            begun = False
            continue
        parts.append(f"{'L' if begun else 'M'}{1000 * (place + 0.5) / length:.1f} {96 - 92 * y:.1f}")
        begun = True
    return "".join(parts)
