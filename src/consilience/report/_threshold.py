"""Two classes: what another threshold than one half would give. Source: Lipton et al. (2014), thresholds that maximise F1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consilience.report._lines import Line, line_of
from consilience.report._material import Judged, Material, short

__all__ = ["Threshold", "at_thresholds", "make_threshold"]

STEPS = 100
SHOWN = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
NOTABLE = 0.01
"""F1 by which another threshold has to be better to be worth a word."""


@dataclass(frozen=True)
class Threshold:
    """See the template."""

    conclusion: str
    note: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    marks: tuple[float, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_threshold(material: Material, judged: Judged) -> Threshold:
    """Precision, recall and F1 of the rarer class over all thresholds."""
    words, numbers, classes = material.words, material.numbers, material.task.target.classes
    rarer = int(np.argmin(np.bincount(judged.encoded, minlength=2)))
    truth, said = judged.encoded == rarer, judged.scored.output[:, rarer]
    steps = np.linspace(0, 1, STEPS + 1)
    found = at_thresholds(truth, said, steps)
    f1 = np.nan_to_num(found[2], nan=-1.0)
    best, half = int(np.argmax(f1)), STEPS // 2
    values = {"name": short(classes[rarer], 40), "rows": f"{int(truth.sum()):,}"}
    values |= {name: numbers.share(float(found[place][half])) for place, name in enumerate(("precision", "recall", "f1"))}
    better = f1[best] > f1[half] + NOTABLE
    conclusion = words("threshold.conclusion", **values)
    if better:
        conclusion += words("join.sentences") + words("threshold.better", at=numbers.whole(float(steps[best])), f1=numbers.share(float(f1[best])))
    else:
        conclusion += words("join.sentences") + words("threshold.fine")
    names = ("precision", "recall", "f1")
    shown = sorted({*SHOWN, float(steps[best])})
    rows = [(at, at_thresholds(truth, said, np.array([at]))[:, 0], int((said >= at).sum())) for at in shown]
    return Threshold(
        conclusion=conclusion,
        note=words("threshold.note"),
        title=words("threshold.plot", name=values["name"]),
        x_label=words("threshold.axis", name=values["name"]),
        y_label=words("threshold.axis_value"),
        lines=tuple(line_of(words.maybe(f"column.{name}", name), 100 * steps, 100 * found[place], place) for place, name in enumerate(names)),
        marks=(50.0, *([100 * float(steps[best])] if better else [])),
        header=(words("column.threshold"), *(words(f"column.{name}") for name in names), words("threshold.named")),
        rows=tuple((numbers.whole(at), *(numbers.share(float(one)) for one in values_at), f"{count:,}") for at, values_at, count in rows),
    )


def at_thresholds(truth: np.ndarray, said: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """``[3, T]`` precision, recall and F1 where ``said >= threshold`` names the class; NaN where nothing is named or nothing is there.

    Args:
        truth: ``[N]`` bool.
        said: ``[N]`` probabilities.
        thresholds: ``[T]``.

    >>> at_thresholds(np.array([True, True, False]), np.array([0.9, 0.4, 0.6]), np.array([0.5])).round(2).tolist()
    [[0.5], [0.5], [0.5]]
    """
    order = np.sort(said)
    hits = np.sort(said[truth])
    named = len(order) - np.searchsorted(order, thresholds, side="left")
    right = len(hits) - np.searchsorted(hits, thresholds, side="left")
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = right / named, right / np.full(len(thresholds), len(hits))
        f1 = 2 * right / (named + len(hits))
    return np.stack([precision, recall, f1])
