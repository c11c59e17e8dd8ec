"""Nodes and edges, written in one of many ways, to a graph: who is who, what is a label, what is a number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from consilience.core.errors import CellError, shorten
from consilience.data.kinds._graph import Graph

__all__ = ["MAX_EDGES", "MAX_FEATURES", "MAX_NODES", "NODE_NAME", "build"]

MAX_NODES = 200_000
MAX_EDGES = 1_000_000
MAX_FEATURES = 1024
MAX_NUMBERS = 20_000_000
"""Most numbers in a matrix of features: 80 MB."""

NODE_NAME = "id"
NAMES = (NODE_NAME, "name", "key")
LABELS = ("label", "type", "kind", "group", "category", "class", "element", "symbol", "atom", "relation", "bond")
VECTORS = ("features", "feature", "x", "feat", "vector")
ENDS = (("source", "target"), ("from", "to"), ("u", "v"), ("src", "dst"))
LISTED = 5
"""Plain nodes 0, 1, 2 ... in order are names from so many on; fewer can be labels that happen to stand so."""
HUGE = 1e30
"""Numbers are cut there, so that float32 holds them."""


def build(parts: tuple[Any, Any]) -> Graph:
    """A graph of nodes (a number, labels, names or records; None: those of the edges) and edges (pairs, triples or records).

    Raises:
        CellError: What stands there cannot be understood, an edge leads nowhere, there is no node, or there are too many.
    """
    nodes, edges = parts
    if not isinstance(edges, list):
        raise CellError("The edges are no list.", found=edges)
    if len(edges) > MAX_EDGES:
        raise CellError(f"The graph has {len(edges):,} edges; more than {MAX_EDGES:,} are not read.")
    pairs, edge_said = split_edges(edges)
    if nodes is None:
        nodes = [{NODE_NAME: name} for name in dict.fromkeys(ends_of(pairs))]
    if isinstance(nodes, int | float) and not isinstance(nodes, bool):
        if not float(nodes).is_integer() or nodes < 0:
            raise CellError("The number of nodes is no whole number.", found=nodes)
        count, names, node_said = int(nodes), None, None
    elif isinstance(nodes, list):
        count = len(nodes)
        names, node_said = split_nodes(nodes, pairs) if count <= MAX_NODES else (None, None)
    else:
        raise CellError("The nodes are neither a list nor a number.", found=nodes)
    if count == 0:
        raise CellError("The graph has no nodes.")
    if count > MAX_NODES:
        raise CellError(f"The graph has {count:,} nodes; more than {MAX_NODES:,} are not read.")
    ends = numbered(pairs, names, count)
    code, first = np.unique(ends.min(axis=1) * count + ends.max(axis=1), return_index=True)  # each pair once, sorted; the first one's labels stay
    made = np.stack([code // count, code % count], axis=1)
    labels, features = (None, None) if node_said is None else attributes(node_said)
    edge_labels, edge_features = (None, None) if edge_said is None else attributes(edge_said)
    words, numbers = (None if part is None else part[first] for part in (edge_labels, edge_features))
    return Graph(count, made, labels, features, words, numbers)


def split_edges(edges: list[Any]) -> tuple[Any, list[Any] | None]:
    """``[E, 2]`` of the ends as they are written, and what is said of each edge; None if nothing is."""
    try:
        quick = np.array(edges) if edges and isinstance(edges[0], list) and len(edges[0]) == 2 else None
    except (ValueError, OverflowError):
        quick = None
    if quick is not None and quick.dtype.kind == "i" and quick.ndim == 2:
        return quick, None
    pairs: list[tuple[Any, Any]] = []
    said: list[Any] = []
    pair: tuple[Any, Any]
    rest: Any
    for place, edge in enumerate(edges):
        if isinstance(edge, dict):
            keys = next((keys for keys in ENDS if all(key in edge for key in keys)), None)
            if keys is None:
                raise CellError(f'The edge {place} has no "source" and "target".', found=edge)
            pair, rest = (edge[keys[0]], edge[keys[1]]), without(edge, (*keys, *NAMES))
        elif isinstance(edge, list) and len(edge) in (2, 3):
            pair, rest = (edge[0], edge[1]), (edge[2] if len(edge) == 3 else None)
        else:
            raise CellError(f"The edge {place} is no pair of nodes, nor a pair and a label.", found=edge)
        if any(end is None or isinstance(end, list | bool) for end in pair):
            raise CellError(f"The edge {place} does not say from which node to which.", found=edge)
        pairs.append((plain(pair[0]), plain(pair[1])))
        said.append(rest)
    return pairs, said if any(rest is not None and rest != {} for rest in said) else None


def without(record: dict[str, Any], names: Sequence[str | None]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def split_nodes(nodes: list[Any], pairs: Any) -> tuple[list[Any] | None, list[Any] | None]:
    """The nodes' names, None where they go by their numbers; and what is said of each."""
    if any(isinstance(node, dict) for node in nodes):
        records = [node if isinstance(node, dict) else {"label": node} for node in nodes]
        key = next((key for key in NAMES if all(key in record for record in records)), None)
        said: list[Any] = [without(record, (key, NODE_NAME)) for record in records]
        if key is None:
            return None, said
        names = [plain(record[key]) for record in records]
        known = set(names)
        if len(known) < len(names):
            if key == NODE_NAME:
                raise CellError("Two nodes have the same id.", found=next(name for name, times in Counter(names).items() if times > 1))
            return None, records
        # Some write ids and still count the nodes in their edges.
        if by_number(pairs, len(names)) and not known.issuperset(ends_of(pairs)):
            return None, said
        return names, said
    names = [plain(node) for node in nodes]
    if are_names(names, pairs):
        return names, None
    return None, nodes


def are_names(names: list[Any], pairs: Any) -> bool:
    """Whether plain nodes are names that edges call them by, and not labels."""
    known = set(names)
    if len(known) < len(names) or None in known:
        return False
    if len(names) >= LISTED and names == list(range(len(names))):
        return True  # 0, 1, 2 ... in order says only that they are counted
    ends = set(ends_of(pairs))
    if len(names) >= LISTED and names == list(range(1, len(names) + 1)) and 0 not in ends:
        return True
    return bool(ends) and ends <= known and not by_number(pairs, len(names))


def ends_of(pairs: Any) -> list[Any]:
    """All ends, one after another."""
    if isinstance(pairs, np.ndarray):
        flat: list[Any] = pairs.reshape(-1).tolist()
        return flat
    return [end for pair in pairs for end in pair]


def by_number(pairs: Any, count: int) -> bool:
    """Whether all ends are numbers of nodes, counted from 0."""
    return all(isinstance(end, int) and 0 <= end < count for end in ends_of(pairs))


def numbered(pairs: Any, names: list[Any] | None, count: int) -> np.ndarray:
    """``[E, 2] int64``: the number of each end."""
    if names is None and isinstance(pairs, np.ndarray):
        ends = pairs.astype(np.int64)
        wrong = np.flatnonzero(((ends < 0) | (ends >= count)).any(axis=1))
        if len(wrong):
            raise dangling(int(wrong[0]), ends[wrong[0]].tolist(), range(count), count)
        return np.asarray(ends)
    places: Any = range(count) if names is None else {name: place for place, name in enumerate(names)}
    made = np.zeros((len(pairs), 2), dtype=np.int64)
    for row, pair in enumerate(pairs.tolist() if isinstance(pairs, np.ndarray) else pairs):
        for side, end in enumerate(pair):
            if names is None and isinstance(end, str) and end.isdigit() and len(end) < 19:
                end = int(end)
            if (names is None and not isinstance(end, int)) or end not in places:
                raise dangling(row, list(pair), places, count)
            made[row, side] = end if names is None else places[end]
    return made


def dangling(place: int, pair: Sequence[Any], places: Any, count: int) -> CellError:
    lost = next((end for end in pair if end not in places), pair[0])
    known = f"numbered 0 to {count - 1:,}" if isinstance(places, range) else f"such as {shorten(next(iter(places)), 30)}"
    return CellError(f"The edge {place} goes to a node that is not there ({count:,} nodes, {known}).", found=lost)


def attributes(said: list[Any]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Labels ``[N]`` and features ``[N, F]`` of what is said of nodes or edges; None where there are none.

    A text and a whole number are labels, a number with a fraction and a list are features; of a record, the words of ``LABELS`` name the label,
    and other numbers are features, sorted by their names.
    """
    fractions = any(isinstance(one, float) and not (math.isfinite(one) and one.is_integer()) for one in said)
    keys = sorted({key for one in said if isinstance(one, dict) for key in one})
    vector = next((key for key in VECTORS if any(isinstance(one, dict) and isinstance(one.get(key), list) for one in said)), None)
    label = next((key for key in LABELS if key in keys), None)
    texts = [key for key in keys if key not in NAMES and any(isinstance(one, dict) and isinstance(one.get(key), str) for one in said)]
    numbers = [key for key in keys if key != label and key not in texts and any(isinstance(one, dict) and is_number(one.get(key)) for one in said)]
    labels = np.full(len(said), "", dtype=object)
    rows: list[list[Any]] = []
    for place, one in enumerate(said):
        row: list[Any] = []
        if isinstance(one, dict):
            labels[place] = word(one.get(label)) if label else "|".join(word(one[key]) for key in texts if key in one)
            row = [one.get(key) for key in numbers]
            if vector is not None and isinstance(one.get(vector), list):
                row += one[vector]
        elif isinstance(one, list):
            row = one
        elif fractions and is_number(one):
            row = [one]
        else:
            labels[place] = word(one)
        rows.append(row)
    return (labels if any(labels) else None), matrix(rows)


def matrix(rows: list[list[Any]]) -> np.ndarray | None:
    width = max(map(len, rows), default=0)
    if width == 0:
        return None
    if width > MAX_FEATURES or width * len(rows) > MAX_NUMBERS:
        most = f"more than {MAX_FEATURES:,} each, or {MAX_NUMBERS:,} together, are not read"
        raise CellError(f"There are {width:,} numbers for each of {len(rows):,} nodes or edges; {most}.")
    made = np.zeros((len(rows), width), dtype=np.float32)
    for place, row in enumerate(rows):
        made[place, : len(row)] = [float(min(max(one, -HUGE), HUGE)) if is_number(one) and one == one else 0.0 for one in row]
    return made


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """A node's name as something that can be looked up: 2.0 is 2."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else word(value)


def word(value: Any) -> str:
    """A label as text, at most 200 characters; 2.0 is 2."""
    if value is None:
        return ""
    value = plain(value) if not isinstance(value, dict | list | tuple) else repr(value)
    return str(value)[:200]
