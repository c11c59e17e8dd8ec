"""Graphs out of two tables, one of nodes and one of edges, as cells of a table with one row for each graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from consilience.core.errors import TableError
from consilience.data.kinds._graph_read import chosen, graphs_of_tables
from consilience.data.table import Table
from consilience.data.table.join import keys_of
from consilience.data.table.long import as_numbers, some, with_cells

__all__ = ["gather_graphs"]


def gather_graphs(table: Table, nodes: Table, edges: Table, key: str, name: str | None = None) -> Table:
    """The table with one more column: for each of its rows, the graph of the nodes and edges with the same key, as JSON.

    What else the two tables say of a node or an edge comes along: columns of numbers as features, others as labels. Keys, and what nodes are called
    by, compare as text without blanks around it. A row without nodes and edges gets no cell; graphs whose key the table does not have are left out.

    Args:
        table: One row for each graph.
        nodes: A row for each node: the key, ``node`` (or ``id``, ``name``; else the first other column), and what is said of it.
        edges: A row for each edge: the key, ``source`` and ``target`` (or ``from`` and ``to``; else the first two other columns), and what is said.
        key: The column that all three have.
        name: What to call the new column; the name of the nodes' file if None.

    Raises:
        ColumnError: A table lacks the key or the columns of the ends, or the name is taken.
        TableError: No key of the nodes is in the table.

    >>> wide = Table(pl.DataFrame({"g": ["a", "b"]}))
    >>> nodes = Table(pl.DataFrame({"g": ["a", "a"], "id": ["1", "2"], "mass": ["12.0", "15.9"]}))
    >>> edges = Table(pl.DataFrame({"g": ["a"], "from": ["1"], "to": ["2"]}))
    >>> gather_graphs(wide, nodes, edges, "g", "graph").frame["graph"].to_list()[0][:52]
    '{"nodes": [{"mass": 12.0, "id": "1"}, {"mass": 15.9,'
    """
    mine = keys_of(table, key)
    known = mine.drop_nulls().unique().to_list()
    (called,) = chosen(nodes.frame, key, (("node",), ("id",), ("name",)), 1)
    ends = chosen(edges.frame, key, (("source", "target"), ("from", "to")), 2)
    parts = [plain(part, key, names, known) for part, names in ((nodes, [called]), (edges, ends))]
    if len(table) and len(nodes) and parts[0].is_empty():
        examples = f"{table.source} has {some(mine)}, {nodes.source} has {some(keys_of(nodes, key))}"
        raise TableError(f"No key of column {key!r} is in both tables: {examples}.", hint="Look whether both columns mean the same.")
    name = name or Path(nodes.source).stem
    made = graphs_of_tables(parts[0], parts[1], key)
    keys = pl.concat([part[key] for part in parts]).unique(maintain_order=True)  # the order in which they were made
    return with_cells(table, nodes, mine, name, pl.DataFrame({"key": keys, name: made}))


def plain(part: Table, key: str, names: Sequence[str], known: Sequence[str]) -> pl.DataFrame:
    """Rows of the graphs that are wanted: key and names as text, numbers as numbers."""
    columns = [keys_of(part, column).alias(column) for column in (key, *names)]
    for column in part.frame.drop([key, *names]).iter_columns():
        numbers = as_numbers(column) if not column.dtype.is_nested() else None
        columns.append(column if numbers is None else numbers.alias(column.name))
    frame = pl.DataFrame(columns)
    return frame.filter(pl.all_horizontal(pl.col([key, *names]).is_not_null()) & pl.col(key).is_in(known))
