"""A column of small graphs, as read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.seeds import generator

__all__ = ["fake_graph_column"]

_ATOMS = ("C", "N", "O", "S", "P")


def fake_graph_column(rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """Rings, stars, paths, grids and cliques take turns, their nodes mostly of the class's own label; row 0 and about 15 % of the others are null.

    Args:
        folder: Where the graphs are written, as JSON and GraphML by turns, and named by their full path; None keeps them in the cells.

    >>> fake_graph_column(3).to_list()[0] is None
    True
    """
    draw = generator(seed, "fake graphs")
    cells: list[str | None] = []
    for row in range(rows):
        graph = _graph(row % 5, draw)
        gone = draw.random() < 0.15 or row == 0
        if gone:
            cells.append(None)
        elif folder is None:
            cells.append(json.dumps(graph))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"graph_{row}.{'json' if row % 2 else 'graphml'}"
            path.write_text(json.dumps(graph) if row % 2 else _graphml(graph), encoding="utf-8")
            cells.append(str(path.resolve()))
    return pl.Series("graph", cells, dtype=pl.String)


def _graph(code: int, draw: np.random.Generator) -> dict[str, Any]:
    count = int(draw.integers(6, 11))
    pairs = {
        0: [(node, (node + 1) % count) for node in range(count)],
        1: [(0, node) for node in range(1, count)],
        2: [(node, node + 1) for node in range(count - 1)],
        3: [(node, node + step) for node in range(count) for step in (1, 3) if node + step < count],
        4: [(one, two) for one in range(count) for two in range(one)],
    }[code]
    own = draw.random(count) < 0.7
    labels = [_ATOMS[code] if mine else str(draw.choice(_ATOMS)) for mine in own]
    # Numbers of nodes mean nothing, so they are shuffled.
    place = draw.permutation(count).tolist()
    return {"nodes": labels, "edges": [[place[one], place[two], int(draw.integers(1, 3))] for one, two in pairs]}


def _graphml(graph: dict[str, Any]) -> str:
    nodes = "".join(f'<node id="n{node}"><data key="l">{label}</data></node>' for node, label in enumerate(graph["nodes"]))
    edges = "".join(f'<edge source="n{one}" target="n{two}"><data key="b">{bond}</data></edge>' for one, two, bond in graph["edges"])
    keys = '<key id="l" for="node" attr.name="label" attr.type="string"/><key id="b" for="edge" attr.name="label" attr.type="string"/>'
    return f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}<graph edgedefault="undirected">{nodes}{edges}</graph></graphml>'
