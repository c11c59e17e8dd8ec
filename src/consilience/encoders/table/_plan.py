"""What was learned of one column of the table, and how its cells become numbers, a code and members."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from consilience.core.errors import ColumnError
from consilience.data.kinds import Cells
from consilience.encoders.table._dates import WEEKDAYS, date_parts, weekdays
from consilience.encoders.table._numbers import NumberScale, is_skewed

__all__ = ["ColumnPlan"]

MANY = 10  # values of a category from which their order is a feature


@dataclass(frozen=True)
class ColumnPlan:
    """One column of the table.

    Args:
        name: The column's name.
        kind: ``number``, ``category``, ``date`` or ``set``.
        missing: True if a training row lacked it.
        parts: Names of the numbers that it gives.
        scales: Their scales.
        levels: What its code (category, weekday of a date) or its members (set) can be; anything else is "other".
        order: All values of a category of many, sorted as a person sorts them (``a9`` before ``a10``): zip codes, models and sizes have their
            neighbours there, and a tree parts them in few cuts.
    """

    name: str
    kind: str
    missing: bool
    parts: tuple[str, ...]
    scales: tuple[NumberScale, ...]
    levels: tuple[str, ...]
    order: tuple[str, ...] = ()

    @classmethod
    def fit(cls, cells: Cells, max_levels: int) -> ColumnPlan:
        """Learns from the cells that are present.

        Raises:
            ColumnError: The column is of a kind that this encoder does not know.
        """
        kind = kind_of(cells)
        there, values = filled(cells, kind)
        missing = not bool(there.all())
        parts: tuple[str, ...] = ()
        scales: tuple[NumberScale, ...] = ()
        levels: tuple[str, ...] = ()
        order: tuple[str, ...] = ()
        if kind == "number":
            log = is_skewed(values)
            parts = ("value", "log") if log else ("value",)
            scales = tuple(NumberScale.fit(values, log=part == "log") for part in parts)
        elif kind == "category":
            levels = frequent(values, max_levels)
            distinct = set(values)
            if len(distinct) >= MANY:
                order = tuple(sorted(distinct, key=natural))
                parts, scales = ("order",), (NumberScale.fit(places(values, order)),)
        elif kind == "date":
            found = {part: column for part, column in date_parts(values).items() if part == "days" or len(set(column.tolist())) > 1}
            parts = tuple(found)
            scales = tuple(NumberScale("plain") if part.endswith(("sin", "cos")) else NumberScale.fit(column) for part, column in found.items())
            seen = set(weekdays(values))
            levels = tuple(day for day in WEEKDAYS if day in seen) if len(seen) > 1 else ()
        else:
            parts = ("size",)
            scales = (NumberScale.fit(sizes(values)),)
            levels = frequent((member for cell in values for member in set(cell)), max_levels)
        return cls(cells.name, kind, missing, parts, scales, levels, order)

    @property
    def coded(self) -> bool:
        """True if each cell is one of the levels."""
        return self.kind == "category" or (self.kind == "date" and bool(self.levels))

    def encode(self, cells: Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """N cells as arrays; zeros where absent.

        Shape:
            - there: ``[N]`` bool, which cells hold something.
            - numbers: ``[N, F]`` float32.
            - codes: ``[N]`` int64: 0 where absent, else 1 more than the place among the levels; ``len(levels) + 1`` for "other".
            - members: ``[N, L + 1]`` float32, the last for "other"; ``[N, 0]`` unless the column is a set.
        """
        there, values = filled(cells, self.kind)
        numbers = np.zeros((len(cells), len(self.parts)), dtype=np.float32)
        codes = np.zeros(len(cells), dtype=np.int64)
        members = np.zeros((len(cells), len(self.levels) + 1 if self.kind == "set" else 0), dtype=np.float32)
        if self.parts:
            raw = self.raw(values)
            numbers[there] = np.stack([scale.apply(raw[part]) for part, scale in zip(self.parts, self.scales, strict=True)], axis=1)
        place = {level: index for index, level in enumerate(self.levels)}
        if self.coded:
            named = weekdays(values) if self.kind == "date" else values
            codes[there] = [1 + place.get(level, len(place)) for level in named]
        if self.kind == "set":
            for row, cell in zip(np.flatnonzero(there), values, strict=True):
                members[row, [place.get(member, len(place)) for member in cell]] = 1
        return there, numbers, codes, members

    def raw(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Part to unscaled numbers."""
        if self.kind == "date":
            return date_parts(values)
        if self.kind == "set":
            return {"size": sizes(values)}
        if self.order:
            return {"order": places(values, self.order)}
        return dict.fromkeys(self.parts, values)

    def config(self) -> dict[str, Any]:
        """As values that JSON can hold; floats survive to the bit."""
        return asdict(self)

    @classmethod
    def restore(cls, config: dict[str, Any]) -> ColumnPlan:
        """What ``config`` gave, also after a way through JSON."""
        scales = tuple(NumberScale(**scale) for scale in config["scales"])
        return cls(config["name"], config["kind"], config["missing"], tuple(config["parts"]), scales, tuple(config["levels"]), tuple(config["order"]))


def kind_of(cells: Cells) -> str:
    """The registry key of the column's kind."""
    kind = type(cells.kind).__module__.rsplit(".", 1)[-1]
    if kind not in ("number", "category", "date", "set"):
        hint = "Give it another kind, or another encoder."
        raise ColumnError(f"The table encoders know the kinds number, category, date and set, not {kind!r}.", column=cells.name, hint=hint)
    return kind


def filled(cells: Cells, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Which cells hold something ``[N] bool``, and what these hold."""
    there = np.array(cells.present, dtype=bool)
    values = cells.values[there]
    if kind in ("number", "date"):
        values = values.astype(np.float64)
        good = np.isfinite(values)
    else:
        good = np.fromiter((value is not None for value in values), dtype=bool, count=len(values))
    there[there] = good
    return there, values[good]


def frequent(values: Iterable[str], limit: int) -> tuple[str, ...]:
    """Those seen at least twice, the most frequent first, at most ``limit``."""
    counts = sorted(((-count, value) for value, count in Counter(values).items() if count > 1))
    return tuple(value for _, value in counts[:limit])


def natural(value: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts numbers inside texts by their size.

    >>> sorted(["a10", "a9", "b1"], key=natural)
    ['a9', 'a10', 'b1']
    """
    return tuple((not part.isdecimal(), int(part[:18]) if part.isdecimal() else 0, part) for part in re.findall(r"\d+|\D+", value))


def places(values: Sequence[str] | np.ndarray, order: Sequence[str]) -> np.ndarray:
    """Where each value stands among the sorted ones; a new value stands where it would be put in."""
    keys = [natural(value) for value in order]
    known = {value: float(place) for place, value in enumerate(order)}
    return np.array([known[value] if value in known else bisect_left(keys, natural(value)) - 0.5 for value in values], dtype=np.float64)


def sizes(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """log(1 + number of members) of each cell."""
    return np.log1p(np.fromiter((len(set(cell)) for cell in values), dtype=np.float64, count=len(values)))
