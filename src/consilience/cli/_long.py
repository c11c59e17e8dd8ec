"""Long tables on the command line: many rows for each row of the table, as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from consilience.api import Model
    from consilience.data.table import Table

__all__ = ["with_long"]


def with_long(tables: Sequence[str] | None, join: str | Model | None, specs: Sequence[str] | None) -> Sequence[str] | Table | None:
    """The tables as they are, or one table with a column for each long table.

    Args:
        join: How several tables become one; of a model, as when it was fitted.
        specs: Each ``FILE:KEY`` or ``FILE:KEY:TIME``. A drive letter before the first colon belongs to the file.

    Raises:
        UsageError: A text that is none of these.
    """
    if not specs or tables is None:
        return tables
    from consilience.data.table import read_table, read_tables
    from consilience.data.table.long import gather_long

    table = read_tables(tables, join if join is None or isinstance(join, str) else join.pipeline.recipe.join)
    for text in specs:
        head, rest = (text[:2], text[2:]) if text[1:3] in (":\\", ":/") else ("", text)
        parts = rest.split(":")
        if len(parts) not in (2, 3) or not all(parts):
            raise UsageError(f"--long {text!r} cannot be read.", hint="Write it as --long FILE:KEY or --long FILE:KEY:TIME.")
        table = gather_long(table, read_table(head + parts[0]), *parts[1:])
    return table
