"""Cells whose decoded value is already there: many masks of one cell, made only when they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from consilience.data.kinds import Cells, Evidence, Kind, Parsed, Profile

__all__ = ["Held", "HeldKind", "also_held"]

_NUMBERS = count()


class Held:
    """A decoded cell that ``make`` gives; each is one of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.number = make, next(_NUMBERS)


class HeldKind(Kind):
    """A media kind some of whose values are ``Held``: a file is not decoded again for each mask.

    Args:
        kind: The kind of the other values.
    """

    media = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "held cells are found in no table")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.kind.parse(column, base)

    def read(self, value: Any) -> Any:
        return value.make() if isinstance(value, Held) else self.kind.read(value)

    def key(self, value: Any) -> bytes:
        return f"held {value.number}".encode() if isinstance(value, Held) else self.kind.key(value)

    def stacked(self, parts: Sequence[Any | None]) -> Any:
        return self.kind.stacked(parts)

    def thumbnail(self, value: Any) -> str:
        return "" if isinstance(value, Held) else self.kind.thumbnail(value)


def also_held(cells: Cells) -> Cells:
    """The same column under a kind that reads held cells too: columns that are encoded together are read by the kind of the first of them."""
    return Cells(cells.name, HeldKind(cells.kind), cells.values, cells.present)
