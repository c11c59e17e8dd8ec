"""Graphs once they are read: what changes do to them, their picture, and two tables that become cells."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import CellError, ColumnError
from consilience.data.kinds import KINDS
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._graph_read import graph_of, graphs_of_tables

KIND = KINDS.get("graph")()


def read(**parts):
    return graph_of(json.dumps(parts))


def labels(graph):
    return None if graph.labels is None else graph.labels.tolist()


def test_equality_is_of_content():
    graph = read(nodes=["C", "O"], edges=[[0, 1]])
    assert graph == read(nodes=["C", "O"], edges=[[1, 0], [0, 1]])
    assert graph != read(nodes=["C", "N"], edges=[[0, 1]])
    assert graph != replace(graph, labels=None)
    assert graph != "x"


def test_changes_do_what_they_say():
    draw = np.random.default_rng
    ring = Graph(200, np.array([[node, node + 1] for node in range(199)]), np.array(["a", "b"] * 100, dtype=object), np.ones((200, 2), np.float32))
    for name, corrupt in KIND.corruptions.items():
        sizes = []
        for severity in range(6):
            made = corrupt(ring, severity, draw(0))
            made = graph_of(json.dumps({"nodes": made.nodes, "edges": made.edges.tolist()}))
            shared = len({tuple(edge) for edge in made.edges.tolist()} & {tuple(edge) for edge in ring.edges.tolist()})
            sizes.append(shared + made.nodes)
        assert sizes == sorted(sizes, reverse=True) or name == "relabel", (name, sizes)
        assert name == "relabel" or sizes[5] < 0.8 * sizes[0], (name, sizes)
    changed = [int((KIND.corruptions["relabel"](ring, severity, draw(0)).labels != ring.labels).sum()) for severity in range(6)]
    assert changed == sorted(changed)
    assert changed[5] > 20
    lonely = Graph(1, np.zeros((0, 2), dtype=np.int64))
    for change in KIND.augmentations.values():
        assert change(lonely, draw(0)) == lonely
        assert 180 < change(ring, draw(0)).nodes <= 200
    for corrupt in KIND.corruptions.values():
        assert corrupt(lonely, 5, draw(0)).nodes == 1
    assert "" in KIND.augmentations["mask_labels"](ring, draw(0)).labels


def test_picture_is_small_and_says_how_large_the_graph_is():
    full = json.dumps({"nodes": 500, "edges": [[one, two] for one in range(500) for two in range(one)]})
    html = KIND.thumbnail(full)
    assert len(html) < 20_000
    assert "500 nodes, 124,750 edges, 60 drawn" in html
    assert KIND.thumbnail(full) == html
    assert html.count("<circle") == 60
    assert "<circle" in KIND.thumbnail('{"nodes": 1}')


def test_two_tables_become_cells():
    nodes = pl.DataFrame({"molecule": ["m2", "m1", "m1"], "node": [7, 1, 2], "label": ["S", "C", None], "mass": [1.5, 2.5, 3.5]})
    edges = pl.DataFrame({"molecule": ["m1"], "from": [2], "to": [1], "bond": ["double"]})
    cells = graphs_of_tables(nodes, edges, "molecule")
    assert cells.name == "molecule"
    alone, pair = (graph_of(cell) for cell in cells)
    assert (alone.nodes, labels(alone)) == (1, ["S"])
    assert (labels(pair), pair.edges.tolist(), pair.edge_labels.tolist()) == (["C", ""], [[0, 1]], ["double"])
    assert pair.features.tolist() == [[2.5], [3.5]]
    plain = graphs_of_tables(pl.DataFrame({"g": [1], "n": ["a"]}), pl.DataFrame({"g": [1], "p": ["a"], "q": ["z"]}), "g")
    with pytest.raises(CellError, match="is not there"):
        graph_of(plain[0])
    with pytest.raises(ColumnError, match="no column 'id'"):
        graphs_of_tables(nodes, edges, "id")
    with pytest.raises(ColumnError, match="needs 2 columns"):
        graphs_of_tables(nodes, edges.select("molecule", "bond"), "molecule")
