"""Features that give the answer away."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np

from consilience.data.schema._described import Described
from consilience.data.schema._types import Finding, TargetSchema

__all__ = ["leak_findings"]

MAX_ROWS = 20_000
MIN_ROWS = 20
HEAD = 500
SPACES = re.compile(r"[\W_]+")


def leak_findings(features: list[Described], target: Described, meant: TargetSchema) -> list[Finding]:
    """A warning for each feature that repeats or settles the target."""
    check = number_leak if meant.task == "regression" else class_leak
    # In mixed order, so that the first rows stand for all.
    known = np.random.default_rng(0).permutation(np.flatnonzero(target.parsed.present))[:MAX_ROWS]
    findings: list[Finding] = []
    for feature in features:
        rows = known[feature.parsed.present[known]]
        if len(rows) < MIN_ROWS:
            continue
        message = check(feature, feature.parsed.values[rows], target.parsed.values[rows])
        if message:
            findings.append(Finding(topic="leak", column=feature.name, message=f"{message} Leave it out if it is not known before the target is."))
    return findings


def number_leak(feature: Described, values: np.ndarray, answers: np.ndarray) -> str:
    """Numbers and dates that are the target in other words, by value or by rank. (Text may hold the number it is about: that is evidence.)"""
    if feature.kind not in ("number", "date") or len(np.unique(values)) < 10:
        return ""
    straight = correlation(values, answers)
    if abs(straight) > 0.999:
        return f"It correlates with the target at {straight:.4f}."
    if abs(straight) < 0.3:
        return ""
    ranked = correlation(ranks(values), ranks(answers))
    return f"It puts the rows in the target's order (rank correlation {ranked:.4f})." if abs(ranked) > 0.999 else ""


def class_leak(feature: Described, values: np.ndarray, answers: np.ndarray) -> str:
    if feature.kind == "set" or answers.dtype != object or isinstance(answers[0], list):
        mine, theirs = ([normal("|".join(sorted(cell)) if isinstance(cell, list) else str(cell)) for cell in side] for side in (values, answers))
        return f"It holds the target itself in {agreement(mine, theirs):.0%} of the rows." if repeats(mine, theirs) else ""
    if feature.kind not in ("text", "category", "number"):
        return ""
    words = isinstance(values[0], str)
    spelled = {answer: normal(answer) for answer in set(answers.tolist())}
    few = len(set(values.tolist())) * 10 <= len(values)
    # What the first rows already refute needs no look at the others.
    for count in sorted({min(HEAD, len(values)), len(values)}):
        cells = [normal(value) if words else f"{value:g}" for value in values[:count]]
        labels = [spelled[answer] for answer in answers[:count]]
        share = contained(cells, labels) if feature.kind == "text" else 0.0
        if not (repeats(cells, labels) or share or few):
            return ""
    if repeats(cells, labels):
        return f"It holds the target itself in {agreement(cells, labels):.0%} of the rows."
    if share:
        return f"It contains the target's words in {share:.0%} of the rows."
    return settles(cells, labels) if few else ""


def normal(text: str) -> str:
    return SPACES.sub(" ", text.lower()).strip() or text


def agreement(cells: list[str], labels: list[str], same: Callable[[str, str], bool] = str.__eq__) -> float:
    return sum(same(cell, label) for cell, label in zip(cells, labels, strict=True)) / len(cells)


def repeats(cells: list[str], labels: list[str]) -> bool:
    """Cell equals label far more often than if the two were drawn apart."""
    share = agreement(cells, labels)
    if share < 0.9:
        return False
    mine, theirs = Counter(cells), Counter(labels)
    chance = sum(count * theirs[cell] for cell, count in mine.items()) / len(cells) ** 2
    return share - chance > 0.5 * (1 - chance)


def contained(cells: list[str], labels: list[str]) -> float:
    """Share of the rows whose text contains its own label as whole words; 0 unless that is far above what another row's label gives."""

    def holds(cell: str, label: str) -> bool:
        return f" {label} " in f" {cell} " or (not label.isascii() and label in cell)

    share = agreement(cells, labels, holds)
    if share < 0.95:
        return 0.0
    # Other rows' labels, drawn by a fixed shuffle: what a text that names every label would show as well.
    others = [labels[place] for place in np.random.default_rng(0).permutation(len(labels))]
    chance = agreement(cells, others, holds)
    base = Counter(labels).most_common(1)[0][1] / len(labels)
    return share if share - chance > 0.3 * (1 - base) else 0.0


def settles(cells: list[str], labels: list[str]) -> str:
    """Few values, and each of them nearly always with the same label."""
    tables: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cell, label in zip(cells, labels, strict=True):
        tables[cell][label] += 1
    if len(cells) < 10 * len(tables) or len(tables) < 2:
        return ""
    right = sum(max(table.values()) for table in tables.values()) / len(cells)
    base = Counter(labels).most_common(1)[0][1] / len(labels)
    if base >= 1 or (right - base) / (1 - base) < 0.98:
        return ""
    return f"Its {len(tables)} values settle the target in {right:.1%} of the rows."


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    left, right = left / max(1e-300, np.abs(left).max()), right / max(1e-300, np.abs(right).max())
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt(np.sum(left**2) * np.sum(right**2)))
    return float(np.sum(left * right)) / scale if scale > 1e-12 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each value; equal values share one."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return mean
