"""The contract of a kind: profile -> evidence for it; column -> parsed cells; cell -> decoded array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

__all__ = ["Cells", "Evidence", "Kind", "Parsed", "Profile"]

LONGEST = 300
"""Characters of a text that are shown."""


@dataclass(frozen=True)
class Evidence:
    """How sure a kind is that a column is its own.

    Args:
        score: 0 (certainly not) to 1 (certainly). The kind with the highest score takes the column.
        reason: One clause a person can check, such as ``"98 % of the cells are numbers, 412 distinct values"``.
    """

    score: float
    reason: str


@dataclass(frozen=True)
class Profile:
    """What is known of a column before its kind is.

    Args:
        name: The column's name.
        column: All cells as read: strings from text files, typed from Parquet and data frames, bytes for media in memory.
        base: Folder from which relative paths in cells start; None for tables without one.
    """

    name: str
    column: pl.Series
    base: Path | None = None

    @cached_property
    def filled(self) -> pl.Series:
        """The cells that are not empty (null, NaN, blank text)."""
        column = self.column.drop_nulls()
        if column.dtype == pl.String:
            return column.filter(column.str.strip_chars() != "")
        return column.drop_nans() if column.dtype.is_float() else column

    @cached_property
    def distinct(self) -> int:
        """How many different filled values there are (lists and bytes count too)."""
        return len(self.filled) and int(self.filled.n_unique())

    @cached_property
    def sample(self) -> list[Any]:
        """Up to 1,000 filled cells, evenly spread over the column."""
        step = max(1, len(self.filled) // 1000)
        return self.filled.gather_every(step).to_list()[:1000]

    @property
    def num_rows(self) -> int:
        return len(self.column)


@dataclass
class Parsed:
    """A column's cells as its kind understands them.

    Args:
        values: ``[N]``. number: float64, NaN where absent. date: float64 seconds since 1970 UTC, NaN where absent. category and text: object, ``str``
            or None. set: object, ``list[str]`` or None. Media (image ...): object, the reference to read later (``Path`` or ``bytes``) or None.
        present: ``[N]`` bool. False for an empty cell, a file that is gone, and a cell of a table kind that cannot be understood.
        problems: Row to sentence, for cells that were not empty and still count as absent (a file that is gone, "abc" in a number column).
    """

    values: np.ndarray
    present: np.ndarray
    problems: dict[int, str] = field(default_factory=dict)


class Kind(ABC):
    """One kind of column. Objects are stateless and cheap to make.

    Attributes:
        modality: Columns of one modality are encoded together: ``"table"`` for number, category, date and set; the kind's own name for the others.
        media: True if a cell is a file or bytes that must be decoded (``read`` may then raise CellError and the row is quarantined).
        together: True if several columns of the kind may be channels of one thing, such as the axes of a sensor; ``stacked`` then joins them.
        corruptions: Family name to ``f(decoded, severity 1..5, generator) -> decoded``; severity 0 is the identity.
        augmentations: Name to ``f(decoded, generator) -> decoded``, label-preserving.
    """

    modality: ClassVar[str] = "table"
    media: ClassVar[bool] = False
    together: ClassVar[bool] = False
    corruptions: ClassVar[Mapping[str, Callable[[Any, int, np.random.Generator], Any]]] = {}
    augmentations: ClassVar[Mapping[str, Callable[[Any, np.random.Generator], Any]]] = {}

    @abstractmethod
    def sniff(self, profile: Profile) -> Evidence:
        """How much the column looks like this kind, with the reason."""

    @abstractmethod
    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        """The column's cells, absent where empty or not to be understood; never raises for a cell's content."""

    def read(self, value: Any) -> Any:
        """The decoded cell of one entry of ``Parsed.values``.

        image: ``[H, W, 3] uint8`` RGB; other kinds: the value itself.

        Raises:
            CellError: The cell cannot be decoded; names the file, not the row (the caller knows it).
        """
        return value

    def key(self, value: Any) -> bytes:
        """The content of one entry of ``Parsed.values``, as bytes that are equal if and only if the content is."""
        return repr(value).encode()

    def stacked(self, parts: Sequence[Any | None]) -> Any:
        """Decoded cells of several columns, None where absent, as one; only for kinds whose columns can stand ``together``."""
        # Not abstract: most kinds have no such columns, and ``together`` is False for them.
        raise NotImplementedError(f"Columns of {type(self).__name__} are never one thing.")

    @abstractmethod
    def thumbnail(self, value: Any) -> str:
        """A small piece of safe HTML that shows the cell in a report."""

    def draw(self, decoded: Any) -> str:
        """The same for a decoded cell, which may be another than was read."""
        text = str(decoded)
        return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


@dataclass
class Cells:
    """The cells of one column, as encoders get them.

    Args:
        name: The column's name.
        kind: Its kind.
        values: ``[N]``, see ``Parsed.values``.
        present: ``[N]`` bool.
    """

    name: str
    kind: Kind
    values: np.ndarray
    present: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def read(self, row: int) -> Any:
        """The decoded cell; only for rows that are present."""
        return self.kind.read(self.values[row])

    def key(self, row: int) -> bytes:
        """The cell's content; only for rows that are present."""
        return self.kind.key(self.values[row])

    def take(self, rows: np.ndarray) -> Cells:
        """The same column with these rows, in this order."""
        return Cells(self.name, self.kind, self.values[rows], self.present[rows])

    def absent(self) -> Cells:
        """The same column with nothing in it."""
        return Cells(self.name, self.kind, self.values, np.zeros(len(self), dtype=bool))
