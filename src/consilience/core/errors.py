"""Every error a person can meet, as one tree.

ConsilienceError
├── UsageError            an option, a name or a combination that cannot be
│   └── UnknownName       a name that no registry entry has
├── DataError             something in the data: says table, column, row, file
│   ├── TableError        the table as a whole cannot be read or joined
│   ├── ColumnError       a column is absent, doubled, or not what was said
│   ├── CellError         one cell cannot be read
│   └── TargetError       the target column cannot be learned
├── MissingExtra          a package that an extra would install is not there
├── OfflineError          something would have to be fetched, and must not be
├── FolderError           a model folder is damaged, foreign, newer or in the way
└── StoreError            the feature store cannot be read or written
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = [
    "CellError",
    "ColumnError",
    "ConsilienceError",
    "DataError",
    "FolderError",
    "MissingExtra",
    "OfflineError",
    "StoreError",
    "TableError",
    "TargetError",
    "UnknownName",
    "UsageError",
]


class ConsilienceError(Exception):
    """A mistake that can be explained: what is wrong, where, what was found, what to do.

    Args:
        what: One sentence without the place.
        hint: What the person can do about it.

    >>> print(ConsilienceError("The folder is full.", hint="Free some space."))
    The folder is full. Free some space.
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(what, hint)

    def where(self) -> str:
        """The place, in words; empty where there is none."""
        return ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.where(), self.what, self.hint) if part)


class UsageError(ConsilienceError):
    """An option, a name or a combination that cannot be."""


class UnknownName(UsageError):
    """A name that no registry entry has.

    >>> print(UnknownName("fusion", "atention", ["attention", "concat"]))
    There is no fusion 'atention'. Did you mean 'attention'? There are: attention, concat.
    """

    def __init__(self, what: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        near = get_close_matches(name, names, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        super().__init__(f"There is no {what} {name!r}.", hint=f"{guess}There are: {', '.join(names)}.")


class DataError(ConsilienceError):
    """Something in the data, with its place.

    >>> print(DataError("It is not a number.", column="price", row=3, found="abc"))
    Column 'price', row 3: It is not a number. Found: 'abc'.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        table: str | None = None,
        column: str | None = None,
        row: int | None = None,
        file: str | None = None,
        found: object = None,
    ) -> None:
        super().__init__(what, hint=hint)
        self.table, self.column, self.row, self.file, self.found = table, column, row, file, found

    def where(self) -> str:
        places = (("Table", self.table), ("column", self.column), ("row", self.row), ("file", self.file))
        said = [f"{word} {place!r}" if isinstance(place, str) else f"{word} {place}" for word, place in places if place is not None]
        text = ", ".join(said)
        return f"{text[:1].upper()}{text[1:]}:" if text else ""

    def __str__(self) -> str:
        found = "" if self.found is None else f"Found: {shorten(self.found)}."
        return " ".join(part for part in (self.where(), self.what, found, self.hint) if part)


class TableError(DataError):
    """The table as a whole cannot be read or joined."""


class ColumnError(DataError):
    """A column is absent, doubled, or not what was said of it."""


class CellError(DataError):
    """One cell cannot be read. ``reason`` is the sentence without the place."""

    @property
    def reason(self) -> str:
        found = "" if self.found is None else f" Found: {shorten(self.found)}."
        return f"{self.what}{found}"


class TargetError(DataError):
    """The target column cannot be learned."""


class MissingExtra(ConsilienceError):
    """A package that an extra would install is not there.

    >>> print(MissingExtra("The encoder 'hf'", "transformers", "hf"))
    The encoder 'hf' needs the package 'transformers'. Install it with: pip install 'consilience[hf]'
    """

    def __init__(self, who: str, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{who} needs the package {package!r}.", hint=f"Install it with: pip install 'consilience[{extra}]'")


class OfflineError(ConsilienceError):
    """Something would have to be fetched over a network, and must not be."""


class FolderError(ConsilienceError):
    """A model folder is damaged, foreign, newer than this version, or in the way."""


class StoreError(ConsilienceError):
    """The feature store cannot be read or written."""


def shorten(value: object, limit: int = 60) -> str:
    """The value's repr, cut to ``limit`` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def listed(names: Sequence[str], most: int = 20) -> str:
    """The names with commas between, the first ``most`` of them.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
