"""Predicted against true, for numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.core.seeds import generator
from consilience.report._axes import Axis, linear_axis, log_axis
from consilience.report._material import Judged, Material

__all__ = ["Dot", "Residuals", "make_residuals"]

DRAWN = 800


@dataclass(frozen=True)
class Dot:
    """A row: its place in per cent of the square from the left and from the top, and whether the true value is outside of the interval."""

    x: float
    y: float
    outside: bool


@dataclass(frozen=True)
class Residuals:
    """See the template. ``lines`` are the ends of the 90 % interval (x1, y1, x2, y2) in per cent."""

    conclusion: str
    title: str
    legend: str
    axis: Axis
    ticks: tuple[tuple[float, str, str], ...]
    x_label: str
    y_label: str
    dots: tuple[Dot, ...]
    lines: tuple[tuple[float, float, float, float], ...]
    sampled: str
    table_title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_residuals(material: Material, judged: Judged) -> Residuals:
    """The scatter, logarithmic where the model is, and quantiles of the error."""
    words, numbers, task = material.words, material.numbers, material.task
    log = task.target.log
    truth, said = task.truth(judged.encoded), judged.scored.output
    off = np.abs(judged.encoded - judged.scored.scores.reshape(-1))
    margins = material.pipeline.calibration.margins(judged.scored.scores, judged.scored.examples.present())
    low, high = float(min(truth.min(), said.min())), float(max(truth.max(), said.max()))
    # One prediction that is off by a thousand must not press all others into a corner; it is drawn at the edge.
    reach = 3 * (float(truth.max() - truth.min()) or abs(float(truth[0])) or 1.0)
    least, most = (truth.min() / 1e3, truth.max() * 1e3) if log else (truth.min() - reach, truth.max() + reach)
    low, high = max(low, float(least)), min(high, float(most))
    axis = log_axis(low, high) if log else linear_axis(low, high)
    rows = np.arange(len(truth))
    if len(rows) > DRAWN:
        rows = np.sort(generator(0, "residuals").choice(len(rows), DRAWN, replace=False))
    dots = tuple(Dot(axis.at(float(truth[row])), round(100 - axis.at(float(said[row])), 2), bool(off[row] > margins[row])) for row in rows)
    parts = {part: _amount(material, float(np.quantile(off, part))) for part in (0.25, 0.5, 0.75, 0.9, 0.95, 1.0)}
    scale = f", {words('residual.log')}" if log else ""
    return Residuals(
        conclusion=words("residual.conclusion_log" if log else "residual.conclusion", half=parts[0.5], most=parts[0.9]),
        title=words("residual.plot"),
        legend=words("residual.legend"),
        axis=axis,
        ticks=tuple((tick.at, tick.anchor, _tick(tick.value)) for tick in axis.ticks),
        x_label=words("residual.axis_true", target=task.target.name) + scale,
        y_label=words("residual.axis_predicted", target=task.target.name) + scale,
        dots=dots,
        lines=_lines(axis, float(np.median(margins))),
        sampled=words("residual.sampled", shown=f"{DRAWN:,}", rows=f"{len(truth):,}") if len(truth) > DRAWN else "",
        table_title=words("residual.table"),
        header=(words("residual.share"), words("residual.within")),
        rows=tuple((numbers.share(part), amount) for part, amount in parts.items()),
    )


def _amount(material: Material, error: float) -> str:
    """An error in encoded space: a factor for logarithms, else an amount in the target's unit."""
    return material.numbers.plain(math.exp(min(error, 50.0)) if material.task.target.log else error)


def _lines(axis: Axis, margin: float) -> tuple[tuple[float, float, float, float], ...]:
    """Two lines (x1, y1, x2, y2) in per cent, the interval's ends inside of the square; none where there is no interval."""
    if not math.isfinite(margin):
        return ()
    whole = math.log(axis.high) - math.log(axis.low) if axis.log else axis.high - axis.low
    shift = round(100 * margin / whole, 2)
    return ((0, 100 - shift, 100 - shift, 0), (shift, 100, 100, shift)) if shift < 100 else ()


def _tick(value: float) -> str:
    """A number at an axis: ``250k`` for 250,000."""
    size = abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scale = 1e3 if letter == "k" else limit
            return f"{value / scale:.6g}{letter}".replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")
