"""Parts of a table that a person would look at by themselves: a category's value, a range of a number, short texts, rows without pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from consilience.core.errors import ColumnError, listed
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._base import Profile
from consilience.data.schema import Dataset, Schema
from consilience.data.table import Table

__all__ = ["Cut", "Term", "asked_cuts", "check_columns", "cuts_of", "distinct_cuts"]

VALUES = 30
"""Values of a category that are looked at, the most frequent ones."""

PARTS = 4
"""Ranges of a number, with as many rows each as its values allow."""

PERIODS = 12
"""Years, months or days up to which each is a slice of its own."""

_UNITS = (("year", "Y"), ("month", "M"), ("day", "D"))
_ASKED = ("number", "date", "category", "set", "text")
"""Kinds that a column may be taken for that the model does not know."""


_SAID = {
    "missing": "{0} is missing",
    "is": "{0} = {1}",
    "has": "{0} has {1}",
    "one": "{0}: {1}",
    "range": "{0}: {1} to {2}",
    "length": "{0}: {1} characters",
    "lengths": "{0}: {1} to {2} characters",
    "year": "{0}: year {1}",
    "month": "{0}: month {1}",
    "day": "{0}: day {1}",
    "only": "only {0}",
    "all": "all modalities",
    "none": "no evidence",
}
"""What terms say in English."""


@dataclass(frozen=True)
class Term:
    """What rows of a cut have in common, so that it can be said in any language.

    Args:
        key: missing, is, has, one (a number or a day), range, length, lengths, year, month, day, only, all or none.
        values: The column and what is said of it; for ``only`` the modalities.
    """

    key: str
    values: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """In English.

        >>> Term("lengths", ("words", "3", "7")).name, Term("only", ("image", "text")).name
        ('words: 3 to 7 characters', 'only image + text')
        """
        return _SAID[self.key].format(*((" + ".join(self.values),) if self.key == "only" else self.values))


@dataclass(frozen=True)
class Cut:
    """A part of the rows.

    Args:
        name: For a person, such as ``"size 1.2 to 3.4"``.
        of: category, set, number, date, length (of a text), missing (a column), pattern (of modalities) or pair.
        columns: The columns it was cut by; for a pattern the modalities that are there.
        rows: ``[N]`` bool.
        also: Names of other cuts that hold the very same rows.
        terms: What the name says, for other languages; two for a pair.
    """

    name: str
    of: str
    columns: tuple[str, ...]
    rows: np.ndarray
    also: tuple[str, ...] = field(default=())
    terms: tuple[Term, ...] = field(default=())

    @classmethod
    def by(cls, term: Term, of: str, columns: tuple[str, ...], rows: np.ndarray) -> Cut:
        """Named by what its rows have in common."""
        return cls(term.name, of, columns, rows, terms=(term,))


def cuts_of(dataset: Dataset, schema: Schema, present: Mapping[str, np.ndarray]) -> list[Cut]:
    """All cuts by the columns that the model knows, and by which modalities are there, whatever their size.

    Args:
        dataset: N rows.
        schema: Says what each column is.
        present: Modality to ``[N]`` bool, of the modalities that the model uses.
    """
    made: list[Cut] = []
    for column in schema.features():
        if column.name in dataset.absent_columns or column.name not in dataset.cells:
            continue
        made += _by_column(dataset.cells[column.name], column.kind)
    return [*made, *_by_pattern(present, len(dataset))]


def asked_cuts(table: Table, dataset: Dataset, by: Sequence[str]) -> list[Cut]:
    """Cuts by columns that a person names, whether the model uses them or not.

    Raises:
        ColumnError: The table has no such column.
    """
    check_columns(table, by)
    made: list[Cut] = []
    for name in by:
        column = table.frame[name][pl.Series(dataset.rows)] if len(dataset) else table.frame[name].head(0)
        profile = Profile(name, column, table.bases.get(name))
        kind = max(_ASKED, key=lambda one: KINDS.get(one)().sniff(profile).score)
        parsed = KINDS.get(kind)().parse(column, table.bases.get(name))
        made += _by_column(Cells(name, KINDS.get(kind)(), parsed.values, parsed.present), kind)
    return made


def check_columns(table: Table, by: Sequence[str]) -> None:
    """To be called before a table is scored.

    Raises:
        ColumnError: The table has no such column.
    """
    for name in by:
        if name not in table.columns:
            raise ColumnError("There is no such column to cut by.", hint=f"There are: {listed(table.columns)}.", table=table.source, column=name)


def distinct_cuts(cuts: Sequence[Cut], least: int) -> list[Cut]:
    """Those with at least so many rows inside and outside; of several with the same rows the first, which names the others."""
    found: dict[bytes, Cut] = {}
    for cut in cuts:
        size = int(cut.rows.sum())
        if size < least or len(cut.rows) - size < least:
            continue
        key = np.packbits(cut.rows).tobytes()
        first = found.get(key)
        if first is None:
            found[key] = cut
        elif cut.name not in (first.name, *first.also):
            found[key] = replace(first, also=(*first.also, cut.name))
    return list(found.values())


def _by_column(cells: Cells, kind: str) -> Iterator[Cut]:
    name, present = cells.name, cells.present
    yield Cut.by(Term("missing", (name,)), "missing", (name,), ~present)
    values = cells.values[present]
    if not len(values):
        return
    if kind == "category":
        yield from _by_value(name, "category", [[value] for value in values], present)
    elif kind == "set":
        yield from _by_value(name, "set", values, present)
    elif kind == "number":
        yield from _by_range(name, "number", values.astype(float), present, lambda value: f"{value:.4g}")
    elif kind == "text":
        lengths = np.array([len(str(text)) for text in values], dtype=float)
        yield from _by_range(name, "length", lengths, present, lambda value: f"{value:.0f}", ("length", "lengths"))
    elif kind == "date":
        yield from _by_date(name, values.astype(float), present)


def _by_value(name: str, of: str, values: Sequence[Sequence[str]] | np.ndarray, present: np.ndarray) -> Iterator[Cut]:
    counts = Counter(str(value) for held in values for value in set(held))
    key = "is" if of == "category" else "has"
    for value, _ in counts.most_common(VALUES):
        yield Cut.by(Term(key, (name, value)), of, (name,), _spread(present, np.array([value in map(str, held) for held in values])))


def _by_range(
    name: str, of: str, values: np.ndarray, present: np.ndarray, said: Callable[[float], str], keys: tuple[str, str] = ("one", "range")
) -> Iterator[Cut]:
    """Ranges that end at quantiles of the rows themselves; a value that many rows share is never cut. ``keys``: of terms with one end, and two."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)[1:-1], method="lower"))
    # A value at an edge belongs to the range below it.
    codes = np.searchsorted(edges, values, side="left")
    for code in range(len(edges) + 1):
        inside = values[codes == code]
        if not len(inside) or len(inside) == len(values):
            continue
        low, high = said(float(inside.min())), said(float(inside.max()))
        term = Term(keys[0], (name, low)) if low == high else Term(keys[1], (name, low, high))
        yield Cut.by(term, of, (name,), _spread(present, codes == code))


def _by_date(name: str, seconds: np.ndarray, present: np.ndarray) -> Iterator[Cut]:
    """Years, else months, else days, where there are few of them; else ranges."""
    moments = np.round(seconds).astype("int64").astype("datetime64[s]")
    for of, unit in _UNITS:
        periods = np.datetime_as_string(moments, unit=unit)  # type: ignore[call-overload]
        names = np.unique(periods)
        if 2 <= len(names) <= PERIODS:
            for period in names:
                yield Cut.by(Term(of, (name, str(period))), "date", (name,), _spread(present, periods == period))
            return

    def said(value: float) -> str:
        return str(np.datetime_as_string(np.datetime64(int(value), "s"), unit="D"))

    yield from _by_range(name, "date", seconds, present, said)


def _by_pattern(present: Mapping[str, np.ndarray], num_rows: int) -> Iterator[Cut]:
    """Rows with exactly the same modalities."""
    names = sorted(present)
    if not names or not num_rows:
        return
    table = np.stack([present[name] for name in names], axis=1)
    for pattern in np.unique(table, axis=0)[::-1]:
        there = tuple(name for name, is_there in zip(names, pattern, strict=True) if is_there)
        term = Term("all") if len(there) == len(names) else Term("only", there) if there else Term("none")
        yield Cut.by(term, "pattern", there, (table == pattern).all(axis=1))


def _spread(present: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """``[N]`` from what is known of the present rows."""
    made = np.zeros(len(present), dtype=bool)
    made[np.flatnonzero(present)[inside]] = True
    return made
