"""The one column of a graph encoder, and its cells with their place in the error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import Cells
from consilience.data.kinds._graph import Graph

__all__ = ["only", "placed", "read_row"]


def only(columns: Mapping[str, Cells], who: str) -> Cells:
    """The one column that a graph encoder gets."""
    if len(columns) != 1:
        raise UsageError(f"The encoder {who!r} takes one graph column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    return next(iter(columns.values()))


@contextmanager
def placed(cells: Cells, row: int) -> Iterator[None]:
    """A cell that cannot be read says in which row and column it stands."""
    try:
        yield
    except CellError as error:
        error.row, error.column = row, cells.name
        raise


def read_row(cells: Cells, row: int) -> Graph:
    """The graph of a row.

    Raises:
        CellError: It cannot be read, or is no graph; ``row`` and ``column`` are set.
    """
    with placed(cells, row):
        graph = cells.read(row)
        if not isinstance(graph, Graph):
            raise CellError("The cell is no graph.", found=type(graph).__name__)
        return graph
