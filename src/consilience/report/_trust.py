"""How far to trust it: do probabilities mean what they say, do intervals hold what they promise. Source: Niculescu-Mizil and Caruana (2005)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.report._material import Judged, Material

__all__ = ["Bin", "Trust", "make_trust", "wilson"]

BINS = 10
LEVEL = 0.9
ODD = 2.81


@dataclass(frozen=True)
class Bin:
    """A range of probability: places in per cent (``y`` from the top), size of the dot in pixels."""

    x: float
    y: float
    low: float
    high: float
    radius: float


@dataclass(frozen=True)
class Trust:
    """See the template; without ``bins`` there is no plot."""

    conclusion: str
    more: str = ""
    title: str = ""
    legend: str = ""
    x_label: str = ""
    y_label: str = ""
    bins: tuple[Bin, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def make_trust(material: Material, judged: Judged) -> Trust:
    """Reliability of probabilities, or coverage of intervals."""
    return _coverage(material, judged) if material.task.target.task == "regression" else _reliability(material, judged)


def wilson(hits: float, count: float, z: float = 1.959964) -> tuple[float, float]:
    """Interval of a share, 95 % unless ``z`` says otherwise. Source: Wilson (1927).

    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    if count <= 0:
        return 0.0, 1.0
    share = hits / count
    centre, scale = share + z * z / (2 * count), 1 + z * z / count
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def _reliability(material: Material, judged: Judged) -> Trust:
    words, numbers, output = material.words, material.numbers, judged.scored.output
    labels = material.task.target.task == "multilabel"
    if labels:
        said, hit = output.reshape(-1), material.task.truth(judged.encoded).reshape(-1).astype(float)
    else:
        said, hit = output.max(axis=1), (output.argmax(axis=1) == judged.encoded).astype(float)
    codes = np.minimum((said * BINS).astype(int), BINS - 1)
    bins, rows = [], []
    odd: tuple[float, str] | None = None
    for code in range(BINS):
        inside = codes == code
        count = int(inside.sum())
        if not count:
            continue
        mean, right = float(said[inside].mean()), float(hit[inside].mean())
        low, high = wilson(right * count, count)
        # Ten ranges are looked at, so one counts as odd only where chance would show it in one of two hundred.
        sure_low, sure_high = wilson(right * count, count, ODD)
        distance = max(sure_low - mean, mean - sure_high)
        if distance > 0 and (odd is None or distance > odd[0]):
            ends = {"low": numbers.whole(code / BINS), "high": numbers.whole((code + 1) / BINS)}
            odd = distance, words("calibration.but", right=numbers.share(right), **ends)
        radius = 3 + 9 * math.sqrt(count / len(said))
        x, y, least, most = (round(100 * part, 2) for part in (mean, 1 - right, 1 - low, 1 - high))
        bins.append(Bin(x, y, least, most, round(radius, 1)))
        between = words("number.to", low=numbers.share(low), high=numbers.share(high))
        said_range = words("number.to", low=numbers.whole(code / BINS), high=numbers.whole((code + 1) / BINS))
        rows.append((said_range, numbers.share(mean), numbers.share(right), between, f"{count:,}"))
    gap = said - hit
    noise = 1.96 * float(gap.std()) / math.sqrt(len(gap))
    kind = "fits" if abs(gap.mean()) <= noise + 1e-9 else "over" if gap.mean() > 0 else "under"
    end = "_label" if labels else ""
    shares = {"said": numbers.share(float(said.mean())), "right": numbers.share(float(hit.mean()))}
    return Trust(
        conclusion=words(f"calibration.{kind}{end}", rows=f"{len(output):,}", **shares),
        more=odd[1] if odd else "",
        title=words("calibration.plot"),
        legend=words("calibration.legend"),
        x_label=words(f"calibration.axis_said{end}"),
        y_label=words(f"calibration.axis_right{end}"),
        bins=tuple(bins),
        header=(words("column.confidence"), words("column.value"), words("column.right"), "95 %", words("column.rows")),
        rows=tuple(rows),
    )


def _coverage(material: Material, judged: Judged) -> Trust:
    words, numbers = material.words, material.numbers
    margins = material.pipeline.calibration.margins(judged.scored.scores, judged.scored.examples.present(), LEVEL)
    if not np.isfinite(margins).all():
        return Trust(words("coverage.none"))
    off = np.abs(judged.encoded - judged.scored.scores.reshape(-1))
    inside, count, margin = int((off <= margins).sum()), len(off), float(np.median(margins))
    low, high = wilson(inside, count)
    kind = "narrow" if high < LEVEL else "wide" if low > LEVEL else "fits"
    log = material.task.target.log
    more = words("coverage.width_log" if log else "coverage.width", margin=numbers.plain(math.exp(min(margin, 50.0)) if log else margin))
    if material.pipeline.calibration.spread is not None:
        more = f"{more} {words('coverage.adaptive')}"
    return Trust(
        conclusion=words(f"coverage.{kind}", inside=f"{inside:,}", rows=f"{count:,}", share=numbers.share(inside / count)),
        more=more,
    )
