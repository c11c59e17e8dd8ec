"""Long tables on the command line: many rows for each row of the table, as one cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from consilience.api import Model
    from consilience.data.table import Table

__all__ = ["with_long"]


def with_long(tables: Sequence[str] | None, join: str | Model | None, specs: Sequence[str] | None) -> Sequence[str] | Table | None:
    """The tables as they are, or one table with a column for each long table, or for each two that make graphs.

    Args:
        join: How several tables become one; of a model, as when it was fitted.
        specs: Each ``FILE:KEY``, ``FILE:KEY:TIME`` or ``NODES+EDGES:KEY``. The colon of a drive letter belongs to the file.

    Raises:
        UsageError: A text that is none of these.
    """
    if not specs or tables is None:
        return tables
    from consilience.data.kinds._graph_tables import gather_graphs
    from consilience.data.table import read_table, read_tables
    from consilience.data.table.long import gather_long

    table = read_tables(tables, join if join is None or isinstance(join, str) else join.pipeline.recipe.join)
    for text in specs:
        parts = re.split(r":(?![\\/])", text)
        two = two_files(parts[0])
        if len(parts) not in ((2,) if two else (2, 3)) or not all((*parts, *(two or ()))):
            hint = "Write it as --long FILE:KEY or --long FILE:KEY:TIME; graphs as --long NODES+EDGES:KEY, two files and their key column."
            raise UsageError(f"--long {text!r} cannot be read.", hint=hint)
        if two is None:
            table = gather_long(table, read_table(parts[0]), *parts[1:])
            continue
        nodes, edges = (read_table(file) for file in two)
        table = gather_graphs(table, nodes, edges, parts[1])
    return table


def two_files(text: str) -> tuple[str, str] | None:
    """The two files of ``NODES+EDGES``; None where a file has that name, or there is no plus sign."""
    if "+" not in text or Path(text).exists():
        return None
    cuts = [(text[: found.start()], text[found.end() :]) for found in re.finditer(r"\+", text)]
    return next((cut for cut in cuts if all(cut) and all(Path(file).is_file() for file in cut)), cuts[0])
