"""Finding a column by the name a person gave."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from consilience.core.errors import ColumnError, listed

__all__ = ["check_column"]


def check_column(name: str, columns: Sequence[str], source: str, what: str) -> None:
    """Raises ColumnError, with near names, unless there is such a column.

    Args:
        name: The name as given.
        columns: The names there are.
        source: What the table is called.
        what: The word for the column's part, such as ``"target"``.
    """
    if name in columns:
        return
    folded = {column.strip().lower(): column for column in reversed(columns)}
    near = [folded[found] for found in get_close_matches(name.strip().lower(), list(folded), n=3)]
    guess = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    there = listed(list(map(repr, columns)))
    raise ColumnError(f"The {what} is not a column of this table.", hint=f"{guess}There are: {there}.", table=source, column=name)
