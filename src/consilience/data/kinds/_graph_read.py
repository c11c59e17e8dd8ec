"""Text to graphs: JSON of nodes and edges, the node-link form of NetworkX and D3, GraphML; and two tables to JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from consilience.core.errors import CellError, ColumnError
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._graph_build import NODE_NAME, build
from consilience.data.kinds._graphml import of_graphml

__all__ = ["MAX_BYTES", "graph_of", "graphs_of_tables", "looks_like_graph"]

MAX_BYTES = 16 * 2**20
"""Most bytes of a graph's text: some million edges. What is made of text takes up to twenty times as much memory."""

START = re.compile(r'\s*\{.*?"(nodes|edges|links|edge_index)"\s*:|\s*<(\?xml|graphml\b|!--)', re.DOTALL)


def looks_like_graph(text: str) -> bool:
    """Whether a cell begins like one of the forms that are read; cheap, and no promise.

    >>> looks_like_graph('{"nodes": 2, "edges": [[0, 1]]}'), looks_like_graph('{"name": "x"}')
    (True, False)
    """
    return START.match(text) is not None


def graph_of(content: str | bytes, file: str | None = None) -> Graph:
    """A graph from its text.

    Args:
        content: JSON or GraphML.
        file: Its name, for errors.

    Raises:
        CellError: It is neither, is damaged, too large, has no node, or has an edge to a node that it lacks.

    >>> graph_of('{"nodes": ["C", "C", "O"], "edges": [[0, 1], [2, 1], [1, 0]]}').edges.tolist()
    [[0, 1], [1, 2]]
    """
    if len(content) > MAX_BYTES:
        raise CellError(f"The graph is {len(content) / 2**20:,.0f} MiB of text; more than {MAX_BYTES // 2**20} are not read.", file=file)
    text = content if isinstance(content, str) else decoded(content, file)
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("<"):
            return build(of_graphml(text))
        return build(parts_of(of_json(text)))
    except CellError as error:
        error.file = error.file or file
        raise


def decoded(content: bytes, file: str | None) -> str:
    coding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(coding)
    except UnicodeDecodeError:
        raise CellError("The graph is no text: neither JSON nor GraphML.", file=file) from None


def of_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except RecursionError:
        raise CellError("The graph's JSON is nested too deeply.") from None
    except ValueError as error:  # also whole numbers of thousands of digits
        raise CellError(f"The graph is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise CellError('The graph is no JSON object with "nodes" and "edges".', found=found)
    inner = found.get("graph")
    if "nodes" not in found and isinstance(inner, dict) and ("nodes" in inner or "edges" in inner):
        return inner  # JSON Graph Format
    return found


def parts_of(found: dict[str, Any]) -> tuple[Any, Any]:
    """Nodes and edges as they stand."""
    nodes = found.get("nodes", found.get("num_nodes"))
    edges = next((found[key] for key in ("edges", "links") if key in found), None)
    if edges is None and "edge_index" in found:
        index = found["edge_index"]
        if not isinstance(index, list) or len(index) != 2 or not all(isinstance(ends, list) for ends in index) or len(index[0]) != len(index[1]):
            raise CellError('"edge_index" is no pair of lists of equal length.', found=index)
        edges = [list(pair) for pair in zip(*index, strict=True)]
    if nodes is None and edges is None:
        raise CellError('The graph has neither "nodes" nor "edges".', found=list(found)[:10])
    if isinstance(nodes, dict):  # identifier to record
        nodes = [{**(record if isinstance(record, dict) else {"label": record}), NODE_NAME: name} for name, record in nodes.items()]
    return nodes, [] if edges is None else edges


def graphs_of_tables(nodes: pl.DataFrame, edges: pl.DataFrame, key: str) -> pl.Series:
    """Two tables of many graphs to one JSON cell a graph, in the order in which the graphs first occur among the nodes.

    Args:
        nodes: A row a node: the graph's ``key``, the node's ``node`` (or ``id``, ``name``; else the first other column), and what is said of it.
        edges: A row an edge: ``key``, ``source`` and ``target`` (or ``from`` and ``to``; else the first two other columns), and what is said.
        key: The column, in both tables, that tells which graph a row belongs to.

    Raises:
        ColumnError: A table lacks the key or the columns of the ends.

    >>> nodes = pl.DataFrame({"g": ["a", "a"], "id": [1, 2], "label": ["C", "O"]})
    >>> graphs_of_tables(nodes, pl.DataFrame({"g": ["a"], "source": [1], "target": [2]}), "g").to_list()
    ['{"nodes": [{"label": "C", "id": 1}, {"label": "O", "id": 2}], "edges": [{"source": 1, "target": 2}]}']
    """
    for frame, what in ((nodes, "nodes"), (edges, "edges")):
        if key not in frame.columns:
            raise ColumnError(f"The table of {what} has no column {key!r}.", column=key, hint=f"There are: {', '.join(frame.columns)}.")
    (name,) = chosen(nodes, key, (("node",), ("id",), ("name",)), 1)
    source, target = chosen(edges, key, (("source", "target"), ("from", "to")), 2)
    found: dict[Any, dict[str, list[dict[str, Any]]]] = {}
    for row in nodes.iter_rows(named=True):
        found.setdefault(row[key], {"nodes": [], "edges": []})["nodes"].append({**said(row, (key, name)), "id": row[name]})
    for row in edges.iter_rows(named=True):
        ends = {"source": row[source], "target": row[target]}
        found.setdefault(row[key], {"nodes": [], "edges": []})["edges"].append({**said(row, (key, source, target)), **ends})
    return pl.Series(key, [json.dumps(graph, ensure_ascii=False, default=str) for graph in found.values()], dtype=pl.String)


def chosen(frame: pl.DataFrame, key: str, names: Iterable[Sequence[str]], count: int) -> list[str]:
    for some in names:
        if all(name in frame.columns and name != key for name in some):
            return list(some)
    others = [name for name in frame.columns if name != key][:count]
    if len(others) < count:
        raise ColumnError(f"The table needs {count} column{'s' * (count > 1)} beside {key!r} that tell nodes apart.", column=key)
    return others


def said(row: dict[str, Any], taken: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in taken and value is not None}
