"""What is to be learned: the task that the target column asks for, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from consilience.core.errors import TargetError, UnknownName, shorten
from consilience.data.kinds import KINDS, Evidence, Parsed, Profile
from consilience.data.kinds._numbers import NOT_FINITE
from consilience.data.schema._described import Described, alternatives, weigh
from consilience.data.schema._labels import learnable
from consilience.data.schema._types import Finding, TargetSchema

__all__ = ["TASK_KINDS", "Understood", "natural", "understand_target"]

# Which kind reads the target of which task, and the other way round.
TASK_KINDS = {"binary": "category", "multiclass": "category", "multilabel": "set", "regression": "number"}
MAX_INTEGER_CLASSES = 20


@dataclass(frozen=True)
class Understood:
    """The target's column and schema, and what a person should know of it."""

    column: Described
    target: TargetSchema
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Guess:
    task: str
    reason: str
    confidence: float


def understand_target(profile: Profile, task: str | None = None, kind: str | None = None) -> Understood:
    """The task of a target column: as a person said (``task``, else ``kind``), else as its cells show.

    Raises:
        TargetError: No rows, one row, no filled cell, one single class, or cells that no task can learn.
        UnknownName: There is no such task.
    """
    name, rows = profile.name, profile.num_rows
    if task is not None and task not in TASK_KINDS:
        raise UnknownName("task", task, TASK_KINDS)
    if rows < 2:
        found = "no rows" if rows == 0 else "one row"
        raise TargetError(f"The table has {found}; nothing can be learned from it.", hint="Give more rows.", column=name)
    claims = weigh(profile)
    if task is not None:
        guess = Guess(task, "A person said so.", 1.0)
    elif kind is not None:
        guess = by_kind(profile, kind)
    else:
        guess = by_cells(profile, claims)
    read_by = TASK_KINDS[guess.task]
    parsed = KINDS.get(read_by)().parse(profile.column, profile.base)
    if guess.task == "regression":
        parsed = learnable(parsed)
    if not parsed.present.any():
        raise nothing_to_learn(name, rows, parsed)
    column = Described(profile, read_by, guess.reason, guess.confidence, parsed, alternatives(claims, read_by))
    if guess.task == "regression":
        target = learn_number(column, guess)
    elif guess.task == "multilabel":
        target = learn_sets(column, guess)
    else:
        target = learn_classes(column, guess)
    return Understood(column, target, tuple(worth_knowing(column, target)))


def by_kind(profile: Profile, kind: str) -> Guess:
    for task, reader in (("multiclass", "category"), ("multilabel", "set"), ("regression", "number")):
        if kind == reader:
            classes = len(set(KINDS.get("category")().parse(profile.column).values.tolist()) - {None}) if kind == "category" else 0
            return Guess("binary" if classes == 2 else task, f"A person said that the target is of the kind {kind}.", 1.0)
    raise TargetError(f"A target of the kind {kind!r} cannot be learned.", hint="Kinds of target are: category, number, set.", column=profile.name)


def by_cells(profile: Profile, claims: list[tuple[str, Evidence]]) -> Guess:
    scores = {key: evidence.score for key, evidence in claims}
    best = claims[0][0]
    if best == "set":
        sets = KINDS.get("set")().parse(profile.column)
        counts = Counter(item for items in sets.values[sets.present] for item in items)
        several = sum(len(items) > 1 for items in sets.values[sets.present])
        if several and counts and max(counts.values()) > 1:
            return Guess("multilabel", f"The cells are lists: {len(counts):,} different items, {several:,} cells with more than one.", scores["set"])
    if profile.column.dtype == pl.Boolean:
        return Guess("binary", "The cells are true and false.", 0.98)
    if scores["number"] > 0.3 and scores["category"] < 0.75 and best != "date":
        numbers = KINDS.get("number")().parse(profile.column)
        known = numbers.values[numbers.present]
        strange = sum(not problem.endswith(NOT_FINITE) for problem in numbers.problems.values())
        if len(known) and len(known) >= 0.95 * (len(known) + strange):
            return by_numbers(known)
    if best == "image":
        raise TargetError("The target holds pictures; they cannot be learned.", hint="Name another column as target.", column=profile.name)
    classes = KINDS.get("category")().parse(profile.column)
    counts = Counter(classes.values[classes.present].tolist())
    filled = sum(counts.values())
    if len(counts) == 2:
        return Guess("binary", f"Two classes: {', '.join(map(shorten, natural(counts)))}.", 0.95)
    if (filled >= 20 and len(counts) > 0.9 * filled) or (best == "date" and len(counts) > MAX_INTEGER_CLASSES):
        what = "dates" if best == "date" else "texts"
        raise TargetError(
            f"The target holds {what}: {len(counts):,} different ones in {filled:,} rows, so no class repeats enough to be learned.",
            hint="Name another column as target, make a number of it, or say the task.",
            column=profile.name,
        )
    repeats = filled / max(1, len(counts))
    return Guess("multiclass", f"{len(counts):,} classes, each in {repeats:,.1f} rows on average.", 0.95 if repeats >= 5 else 0.6)


def by_numbers(known: np.ndarray) -> Guess:
    values = np.unique(known)
    repeats = len(known) / len(values)
    whole = bool(np.all(values == np.round(values)))
    if len(values) == 2 and len(known) > 2:
        return Guess("binary", f"Two different numbers, {values[0]:g} and {values[1]:g}: two classes.", 0.9)
    if whole and len(values) <= MAX_INTEGER_CLASSES and repeats >= 3 and values[-1] - values[0] < 1000:
        counted = f"{len(values)} different whole numbers, each in {repeats:,.1f} rows on average"
        reason = f"{counted}: taken for classes. If they are amounts, say the task regression."
        return Guess("multiclass", reason, 0.6 if len(values) > 5 else 0.75)
    why = "whole numbers" if whole else "numbers with decimals"
    return Guess("regression", f"{len(values):,} different {why} in {len(known):,} rows.", 0.95 if not whole or len(values) > 50 else 0.8)


def learn_number(column: Described, guess: Guess) -> TargetSchema:
    values = column.parsed.values[column.parsed.present]
    if len(np.unique(values)) < 2:
        raise TargetError(f"The target has one single value, {values[0]:g}; there is nothing to learn.", column=column.name)
    log, why = is_skewed(values)
    return TargetSchema(name=column.name, task="regression", reason=f"{guess.reason}{why}", confidence=guess.confidence, log=log)


def learn_sets(column: Described, guess: Guess) -> TargetSchema:
    sets = column.parsed.values[column.parsed.present]
    if len({frozenset(items) for items in sets}) < 2:
        raise TargetError("The target has the same set in every row; there is nothing to learn.", column=column.name)
    classes = natural({item for items in sets for item in items})
    return TargetSchema(name=column.name, task="multilabel", reason=guess.reason, confidence=guess.confidence, classes=tuple(classes))


def learn_classes(column: Described, guess: Guess) -> TargetSchema:
    classes = natural(set(column.parsed.values[column.parsed.present].tolist()))
    if len(classes) < 2:
        raise TargetError(f"The target has one single class, {shorten(classes[0])}; there is nothing to learn.", column=column.name)
    if guess.task == "binary" and len(classes) != 2:
        raise TargetError(f"The task binary needs two classes; the target has {len(classes):,}.", hint="Say the task multiclass.", column=column.name)
    return TargetSchema(name=column.name, task=guess.task, reason=guess.reason, confidence=guess.confidence, classes=tuple(classes))


def is_skewed(values: np.ndarray) -> tuple[bool, str]:
    """Whether the numbers are better learned as their logarithm, and a sentence on it."""
    if len(values) < 10 or values.min() <= 0:
        return False, ""
    plain, logged = skewness(values), skewness(np.log(values))
    ratio = float(values.max() / np.median(values))
    if plain > 1 and ratio > 4 and abs(logged) < 0.6 * plain:
        times = f"{ratio:,.0f}" if ratio < 1e9 else f"{ratio:.0e}"
        found = f"skewness {plain:.1f}, {logged:.1f} of the logarithm; the largest is {times} times the median"
        return True, f" All are above 0 and skewed ({found}): learned as logarithm."
    return False, ""


def skewness(values: np.ndarray) -> float:
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean(centred**3)) / spread**3 if spread > 1e-12 else 0.0


def natural(names: Iterable[str]) -> list[str]:
    """Sorted names; by value where all of them are numbers.

    >>> natural({"10", "9", "1"}), natural({"b", "a", "10"})
    (['1', '9', '10'], ['10', 'a', 'b'])
    """
    listed = sorted(names)
    try:
        return sorted(listed, key=float)
    except ValueError:
        return listed


def nothing_to_learn(name: str, rows: int, parsed: Parsed) -> TargetError:
    if not parsed.problems:
        return TargetError(f"All {rows:,} cells of the target are empty.", hint="Name another column as target.", column=name)
    row, problem = min(parsed.problems.items())
    return TargetError(f"No cell of the target can be understood. {problem}", hint="Say another task, or name another column.", column=name, row=row)


def worth_knowing(column: Described, target: TargetSchema) -> list[Finding]:
    findings: list[Finding] = []
    rows = len(column.parsed.present)
    if column.missing:
        message = f"{column.missing:,} of {rows:,} rows have no target; they are set aside."
        findings.append(Finding(topic="missing", column=column.name, message=message))
    if column.parsed.problems:
        row, problem = min(column.parsed.problems.items())
        message = f"{len(column.parsed.problems):,} of {rows:,} targets cannot be understood; their rows are set aside. Row {row}: {problem}"
        findings.append(Finding(topic="unreadable", column=column.name, message=message))
    if target.classes:
        values = column.parsed.values[column.parsed.present]
        counts = Counter(item for items in values for item in items) if target.task == "multilabel" else Counter(values.tolist())
        single = [name for name in target.classes if counts[name] == 1]
        if single:
            some = ", ".join(map(shorten, single[:5])) + (" ..." if len(single) > 5 else "")
            counted = f"{len(single):,} of {len(target.classes):,} classes have one row only ({some})"
            message = f"{counted}; such a class can be learned or checked, not both."
            findings.append(Finding(topic="rare", column=column.name, message=message))
    return findings
