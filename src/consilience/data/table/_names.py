"""Column names as a file gives them -> names that can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from consilience.core.errors import TableError, listed

__all__ = ["check_names", "refuse_doubled"]


def check_names(names: Sequence[object], file: str) -> list[str]:
    """Column names without blanks around them; a column without a name becomes ``column_<its number>``.

    Raises:
        TableError: A name is there twice.

    >>> check_names([" a", "", "b "], "t.csv")
    ['a', 'column_2', 'b']
    """
    stripped = ["" if name is None else str(name).strip() for name in names]
    refuse_doubled([name for name in stripped if name], file)
    taken = set(stripped)  # a damaged header may hold a hundred thousand names
    for number, name in enumerate(stripped, 1):
        if not name:
            new = f"column_{number}"
            while new in taken:
                new += "_"
            taken.add(new)
            stripped[number - 1] = new
    return stripped


def refuse_doubled(names: Sequence[str], file: str | None = None) -> None:
    """Raises TableError if a name is there twice."""
    if len(set(names)) < len(names):
        said = listed(sorted(repr(name) for name, count in Counter(names).items() if count > 1))
        raise TableError(f"A column name is there more than once: {said}.", file=file, hint="Give each column a name of its own.")
