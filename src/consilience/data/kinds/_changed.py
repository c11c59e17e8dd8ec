"""A column whose decoded cells are changed on their way to the encoders: for corruptions, and for what a cell's parts are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.data.kinds._base import Cells, Evidence, Kind, Parsed, Profile

__all__ = ["Change", "ChangedKind", "Made", "changeable", "changed"]

Change = Callable[[Any, int], Any]
"""``f(decoded cell, row) -> decoded cell`` of the same form; must not write into what it is given."""

_NUMBERS = count()


@dataclass(frozen=True)
class Made:
    """A decoded cell that is made only when it is read; each is one of its own.

    Args:
        make: Gives the same each time.
        shown: The cell that stands for it in a picture; None where there is none.
    """

    make: Callable[[], Any]
    shown: Any = None
    number: int = field(default_factory=lambda: next(_NUMBERS))


class ChangedKind(Kind):
    """A media kind some of whose values are ``Made``."""

    media = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "changed cells are found in no table")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.kind.parse(column, base)

    def read(self, value: Any) -> Any:
        return value.make() if isinstance(value, Made) else self.kind.read(value)

    def key(self, value: Any) -> bytes:
        """Every made cell is one of its own: what a change makes of two equal cells may differ."""
        return f"made {value.number}".encode() if isinstance(value, Made) else self.kind.key(value)

    def stacked(self, parts: Sequence[Any | None]) -> Any:
        return self.kind.stacked(parts)

    def thumbnail(self, value: Any) -> str:
        if isinstance(value, Made):
            return "" if value.shown is None else self.thumbnail(value.shown)
        return self.kind.thumbnail(value)

    def draw(self, decoded: Any) -> str:
        return self.kind.draw(decoded)


def changeable(cells: Cells) -> Cells:
    """The same column under a kind that reads made cells too: columns that are encoded together are read by the kind of the first of them."""
    kind = ChangedKind(cells.kind) if cells.kind.media and not isinstance(cells.kind, ChangedKind) else cells.kind
    return Cells(cells.name, kind, cells.values, cells.present)


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
    read, media = cells.kind.read, cells.kind.media

    def done(value: Any, row: int) -> Any:
        return change(read(value), row)

    for row in wanted:
        if cells.present[row]:
            values[row] = Made(partial(done, values[row], row), values[row]) if media else done(values[row], row)
    return changeable(Cells(cells.name, cells.kind, values, cells.present))
