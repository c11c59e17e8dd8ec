"""A column whose decoded cells are changed on their way to the encoders: for corruptions, and for what a cell's parts are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.data.kinds._base import Cells, Evidence, Kind, Parsed, Profile

__all__ = ["Change", "ChangedKind", "changed"]

Change = Callable[[Any, int], Any]
"""``f(decoded cell, row) -> decoded cell`` of the same form; must not write into what it is given."""

_NUMBERS = count()


@dataclass(frozen=True)
class _Changed:
    value: Any
    change: Change
    row: int
    number: int = field(default_factory=lambda: next(_NUMBERS))


class ChangedKind(Kind):
    """A media kind some of whose values carry a change with them."""

    media = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "changed cells are found in no table")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.kind.parse(column, base)

    def read(self, value: Any) -> Any:
        if isinstance(value, _Changed):
            return value.change(self.read(value.value), value.row)  # what was changed may be changed again
        return self.kind.read(value)

    def key(self, value: Any) -> bytes:
        """Every changed cell is one of its own: what a change makes of two equal cells may differ."""
        if isinstance(value, _Changed):
            return f"changed {value.number}".encode()
        return self.kind.key(value)

    def stacked(self, parts: Sequence[Any | None]) -> Any:
        return self.kind.stacked(parts)

    def thumbnail(self, value: Any) -> str:
        return self.kind.thumbnail(value.value if isinstance(value, _Changed) else value)

    def draw(self, decoded: Any) -> str:
        return self.kind.draw(decoded)


def changed(cells: Cells, change: Change, rows: Sequence[int] | np.ndarray | None = None) -> Cells:
    """The same column with ``change`` done to the cells of ``rows`` (all, if None) that are present.

    Media cells are changed when they are read, anew each time, so the change must give the same each time; cells of other kinds are changed at once.
    Features of changed media cells have no meaning for a store: extract them without one.

    >>> from consilience.data.kinds import KINDS
    >>> cells = Cells("size", KINDS.get("number")(), np.array([1.0, 2.0]), np.array([True, True]))
    >>> changed(cells, lambda value, row: value * 10, rows=[1]).values.tolist()
    [1.0, 20.0]
    """
    values = cells.values.copy()
    wanted = range(len(cells)) if rows is None else np.asarray(rows, dtype=np.int64).tolist()
    media = cells.kind.media
    for row in wanted:
        if cells.present[row]:
            values[row] = _Changed(values[row], change, row) if media else change(cells.kind.read(values[row]), row)
    kind = ChangedKind(cells.kind) if media and not isinstance(cells.kind, ChangedKind) else cells.kind
    return Cells(cells.name, kind, values, cells.present)
