"""The slices of a table, what the model is worth in each, and which are worse beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from consilience.core.errors import UsageError
from consilience.core.progress import Progress, Silent
from consilience.data.table import Table
from consilience.judge.answers import answers_of
from consilience.judge.slices._cuts import Cut, Term, asked_cuts, cuts_of, distinct_cuts
from consilience.judge.slices._sums import Sums, sums_of
from consilience.metrics import Interval
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["LEAST", "LEVEL", "Slice", "Slices", "find_slices"]

LEAST = 10
"""Rows that a slice has at least, and that there are beside it."""

LEVEL = 0.05
"""Share of the slices that are called worse which may be so by chance alone."""

MOST = 120
"""Slices whose pairs are looked at, the largest; 7,000 pairs."""

PAIR_WORK = 3 * 10**7
"""Rows x pairs up to which pairs are looked at: beyond, they are no longer cheap."""


@dataclass(frozen=True)
class Slice:
    """A part of the rows.

    Args:
        name: For a person, such as ``"group = Flags"``.
        of: category, set, number, date, length, missing, pattern or pair.
        columns: The columns that it was cut by; for a pattern the modalities that are there.
        rows: How many rows it has.
        metric: The headline metric in it, with its 95 % interval.
        gap: By how much that is worse than in all other rows, with its 95 % interval; positive is worse.
        p: How likely as many rows chosen by lot are as bad. For a pair: chosen from either of its two slices, whichever is likelier.
        adjusted: ``p`` after the correction for the number of looks.
        also: Other names of the very same rows.
        terms: What the name says, for other languages; two for a pair.
        least: The p-value that it would have if it were as bad as can be; 0 for a pair.
    """

    name: str
    of: str
    columns: tuple[str, ...]
    rows: int
    metric: Interval
    gap: Interval
    p: float
    adjusted: float
    also: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    least: float = 0.0

    @property
    def worse(self) -> bool:
        """True if chance does not explain it."""
        return self.adjusted <= LEVEL

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "of": self.of,
            "columns": list(self.columns),
            "rows": self.rows,
            "metric": self.metric.as_dict(),
            "gap": self.gap.as_dict(),
            "p": self.p,
            "adjusted": self.adjusted,
            "worse": self.worse,
            "also": list(self.also),
            "terms": [{"key": term.key, "values": list(term.values)} for term in self.terms],
        }


@dataclass(frozen=True)
class Slices:
    """What was found.

    Args:
        metric: Name of the headline metric.
        greater_is_better: Its direction.
        overall: The metric of all rows.
        rows: How many there are.
        least: Rows that a slice has at least.
        slices: All of them: those worse beyond chance by their gap, then the others by their p-value.
        pairs: What two slices share, where that is worse beyond chance than either of them; the worst first.
        pair_looks: How many pairs were looked at; None where that would not have been cheap.
    """

    metric: str
    greater_is_better: bool
    overall: Interval
    rows: int
    least: int
    slices: tuple[Slice, ...]
    pairs: tuple[Slice, ...]
    pair_looks: int | None

    @property
    def worse(self) -> tuple[Slice, ...]:
        """The slices that chance does not explain."""
        return tuple(one for one in self.slices if one.worse)

    @property
    def cannot_tell(self) -> tuple[Slice, ...]:
        """The slices with too few rows or too few errors for so many looks: chance would explain them even if they held all the errors they can."""
        p, small = np.array([one.p for one in self.slices]), []
        for place, one in enumerate(self.slices):
            # Beside the others as they are: what falls also makes it easier for those behind it.
            best = np.where(np.arange(len(p)) == place, one.least, p)
            if not one.worse and false_discovery_control(best)[place] > LEVEL:
                small.append(one)
        return tuple(small)

    def conclusion(self) -> str:
        """One sentence."""
        looks = len(self.slices)
        if not looks:
            return f"No part of the {self.rows:,} rows that has a name has {self.least} rows or more, and as many beside it."
        count = len(self.cannot_tell)
        few = (
            f" {count:,} of all slices {'has' if count == 1 else 'have'} too few rows or errors to be told to be worse in so many looks."
            if count
            else ""
        )
        if not self.worse:
            return f"None of {looks:,} slices is worse than the other rows beyond chance.{few}"
        first = self.worse[0]
        return (
            f"{len(self.worse):,} of {looks:,} slices {'is' if len(self.worse) == 1 else 'are'} worse than the other rows beyond chance; "
            f"the worst is {first.name!r}: {self.metric} {_figure(first.metric.value)} in {first.rows:,} rows, "
            f"{_figure(self.overall.value)} over all.{few}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a page or a program."""
        small = self.cannot_tell
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "overall": self.overall.as_dict(),
            "rows": self.rows,
            "least": self.least,
            "level": LEVEL,
            "looks": len(self.slices),
            "worse": len(self.worse),
            "conclusion": self.conclusion(),
            "cannot_tell": len(self.cannot_tell),
            "slices": [{**one.as_dict(), "cannot_tell": one in small} for one in self.slices],
            "pairs": [one.as_dict() for one in self.pairs],
            "pair_looks": self.pair_looks,
        }


def find_slices(
    pipeline: Pipeline,
    scored: Scored,
    *,
    table: Table | None = None,
    by: Sequence[str] = (),
    least: int = LEAST,
    progress: Progress | None = None,
) -> Slices:
    """Every slice of the rows against the rest: categories, ranges of numbers, lengths of texts, dates, missing cells, patterns of modalities.

    A slice is worse if as many rows chosen by lot are hardly ever as bad (exact for classes, permutations otherwise), after Benjamini and
    Hochberg's correction: of the slices that are called worse one in twenty may be so by chance. Pairs are corrected by themselves. Where a
    group column says which rows belong together, whole groups are drawn, for the intervals as for the p-values.

    Args:
        pipeline: The model.
        scored: Rows with their target, as ``pipeline.score(table, with_target=True)`` gives them; rows that the model learned from look too good.
        table: The table they came from; only for ``by``.
        by: More columns of the table to cut by, whether the model uses them or not.
        least: Rows that a slice has at least.
        progress: Counts slices.

    Raises:
        UsageError: The rows have no target, or ``least`` is below 2.
        DataError: There are no rows.
        ColumnError: A column of ``by`` is not in the table.
    """
    dataset = scored.dataset
    encoded = answers_of(pipeline, scored)
    if least < 2:
        raise UsageError(f"Slices of {least} rows were asked for.", hint="Ask for 2 or more; 10 is usual.")
    task, seed = pipeline.task, pipeline.recipe.seed
    sums = sums_of(task, encoded, scored.output)
    present = {name: there for name, there in scored.examples.present().items() if name in pipeline.modalities}
    cuts = cuts_of(dataset, pipeline.schema, present)
    if by and table is not None:
        cuts += asked_cuts(table, dataset, [name for name in by if name not in dataset.cells])
    cuts = distinct_cuts(cuts, least)
    with (progress or Silent()).step("Compare slices", len(cuts), "slices") as step:
        slices = _compared(sums, cuts, sums.chances([cut.rows for cut in cuts], seed, dataset.groups) if cuts else np.zeros(0), seed, dataset.groups)
        pairs, looks = _pairs(sums, cuts, least, seed, dataset.groups)
        step.advance(len(cuts))
    return Slices(
        metric=sums.metric.name,
        greater_is_better=sums.metric.greater_is_better,
        overall=task.evaluate(encoded, scored.output, seed=seed, groups=dataset.groups)[task.headline],
        rows=len(dataset),
        least=least,
        slices=tuple(sorted(slices, key=_badness)),
        pairs=tuple(sorted((pair for pair in pairs if pair.worse), key=_badness)),
        pair_looks=looks,
    )


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"


def _badness(one: Slice) -> tuple[bool, float, float]:
    return (not one.worse, -one.gap.value if one.worse else one.p, -one.gap.value)


def _compared(sums: Sums, cuts: Sequence[Cut], chances: np.ndarray, seed: int, groups: np.ndarray | None) -> list[Slice]:
    adjusted = false_discovery_control(chances) if len(chances) else chances
    parts = [cut.rows for cut in cuts]
    least_chances = sums.least_chances(parts, groups).tolist()
    found = zip(cuts, sums.intervals(parts, seed, groups), chances.tolist(), adjusted.tolist(), least_chances, strict=True)
    return [
        Slice(cut.name, cut.of, cut.columns, int(cut.rows.sum()), value, gap, p, q, cut.also, cut.terms, least)
        for cut, (value, gap), p, q, least in found
    ]


def _pairs(sums: Sums, cuts: Sequence[Cut], least: int, seed: int, groups: np.ndarray | None = None) -> tuple[list[Slice], int | None]:
    """What two slices of different columns share, against the rest of each of the two; and how many were looked at."""
    if not sums.counts and len(sums) * len(cuts) > PAIR_WORK // MOST:
        return [], None  # chance has to be drawn in every slice
    sizes = np.array([int(cut.rows.sum()) for cut in cuts], dtype=np.int64)
    largest = [cuts[place] for place in sorted(np.argsort(-sizes, kind="stable")[:MOST].tolist())]
    if len(largest) ** 2 / 2 * len(sums) > PAIR_WORK:
        return [], None
    inside: dict[int, list[tuple[int, np.ndarray]]] = {}
    shared: list[Cut] = []
    for (one, first), (other, second) in combinations(enumerate(largest), 2):
        rows = first.rows & second.rows
        size = int(rows.sum())
        nested = min(int(first.rows.sum()), int(second.rows.sum())) - size < least
        if size < least or nested or set(first.columns) & set(second.columns) or "pattern" in (first.of, second.of):
            continue
        for at, cut in ((one, first), (other, second)):
            inside.setdefault(at, []).append((len(shared), rows[cut.rows]))
        terms = (*first.terms, *second.terms)
        shared.append(Cut(f"{first.name}, {second.name}", "pair", (*first.columns, *second.columns), rows, terms=terms))
    chances = np.zeros(len(shared))
    for at, parts in inside.items():
        places = [place for place, _ in parts]
        rows_at = largest[at].rows
        found = sums.take(rows_at).chances([rows for _, rows in parts], seed, None if groups is None else groups[rows_at])
        chances[places] = np.maximum(chances[places], found)
    adjusted = false_discovery_control(chances) if len(chances) else chances
    kept = np.flatnonzero(adjusted <= LEVEL)
    values = sums.intervals([shared[place].rows for place in kept], seed, groups)
    made = [
        Slice(cut.name, "pair", cut.columns, int(cut.rows.sum()), value, gap, float(chances[at]), float(adjusted[at]), terms=cut.terms)
        for at, cut, (value, gap) in zip(kept.tolist(), [shared[at] for at in kept], values, strict=True)
    ]
    return made, len(shared)
