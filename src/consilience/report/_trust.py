"""How far to trust it: do probabilities mean what they say, do intervals hold what they promise. Source: Niculescu-Mizil and Caruana (2005)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.report._material import Judged, Material

__all__ = ["Bin", "Trust", "make_trust", "reliability", "said_and_hit", "wilson"]

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


def said_and_hit(material: Material, judged: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each answer, and 1 where it is right: one a row, or with several labels one for each row and label."""
    output = judged.scored.output
    if material.task.target.task == "multilabel":
        return output.reshape(-1), material.task.truth(judged.encoded).reshape(-1).astype(float)
    return output.max(axis=1), (output.argmax(axis=1) == judged.encoded).astype(float)


def reliability(said: np.ndarray, hit: np.ndarray) -> list[dict[str, float]]:
    """Ten ranges of probability: their ends, rows, the mean of what was said, the share that is right, and its interval. Empty ones are left out."""
    codes = np.minimum((said * BINS).astype(int), BINS - 1)
    found = []
    for code in np.unique(codes):
        inside = codes == code
        right = float(hit[inside].mean())
        low, high = wilson(right * inside.sum(), int(inside.sum()))
        ends = {"from": code / BINS, "to": (code + 1) / BINS, "rows": int(inside.sum())}
        found.append({**ends, "said": float(said[inside].mean()), "right": right, "low": low, "high": high})
    return found


def _reliability(material: Material, judged: Judged) -> Trust:
    words, numbers, output = material.words, material.numbers, judged.scored.output
    labels = material.task.target.task == "multilabel"
    said, hit = said_and_hit(material, judged)
    bins, rows = [], []
    odd: tuple[float, str] | None = None
    for found in reliability(said, hit):
        count, mean, right, low, high = (found[name] for name in ("rows", "said", "right", "low", "high"))
        # Ten ranges are looked at, so one counts as odd only where chance would show it in one of two hundred.
        sure_low, sure_high = wilson(right * count, count, ODD)
        distance = max(sure_low - mean, mean - sure_high)
        said_range = words("number.to", low=numbers.whole(found["from"]), high=numbers.whole(found["to"]))
        if distance > 0 and (odd is None or distance > odd[0]):
            ends = {"low": numbers.whole(found["from"]), "high": numbers.whole(found["to"])}
            odd = distance, words("calibration.but", said=numbers.share(mean), right=numbers.share(right), **ends)
        radius = 3 + 9 * math.sqrt(count / len(said))
        x, y, least, most = (round(100 * part, 2) for part in (mean, 1 - right, 1 - low, 1 - high))
        bins.append(Bin(x, y, least, most, round(radius, 1)))
        between = words("number.to", low=numbers.share(low), high=numbers.share(high))
        rows.append((said_range, numbers.share(mean), numbers.share(right), between, f"{int(count):,}"))
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
