"""Graphs: what is read, what is refused, what a column of them looks like."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._graph_build import MAX_EDGES, MAX_NODES
from consilience.data.kinds._graph_read import MAX_BYTES, graph_of
from consilience.data.table._confined import Confined
from consilience.testing._fake_graph import fake_graph_column
from consilience.testing.kind_checks import check_kind

KIND = KINDS.get("graph")()
HEAD = '<?xml version="1.0" encoding="utf-16"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'


def read(**parts):
    return graph_of(json.dumps(parts))


def labels(graph):
    return None if graph.labels is None else graph.labels.tolist()


@pytest.mark.parametrize("in_files", [False, True])
def test_contract(tmp_path, in_files):
    check_kind(KIND, fake_graph_column(folder=tmp_path / "graphs" if in_files else None))


def test_files_and_cells_say_the_same(tmp_path):
    inside, outside = (KIND.parse(fake_graph_column(folder=folder)) for folder in (None, tmp_path))
    for row in np.flatnonzero(inside.present).tolist():
        one, two = KIND.read(inside.values[row]), KIND.read(outside.values[row])
        assert one == two


def test_labels_and_edges():
    graph = read(nodes=["C", "C", "O"], edges=[[2, 1], [0, 1], [1, 0], [2, 2]])
    assert graph.nodes == 3
    assert graph.edges.tolist() == [[0, 1], [1, 2], [2, 2]]
    assert labels(graph) == ["C", "C", "O"]
    assert graph.degrees().tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("cell", "edges", "words"),
    [
        ({"nodes": 3, "edges": [[0, 2]]}, [[0, 2]], None),
        ({"nodes": ["a", "b"], "edges": [["b", "a"]]}, [[0, 1]], None),  # names
        ({"nodes": [5, 7], "edges": [[5, 7]]}, [[0, 1]], None),
        ({"nodes": [2, 2, 3], "edges": [[0, 2]]}, [[0, 2]], ["2", "2", "3"]),  # labels
        ({"nodes": [1, 0], "edges": [[0, 1]]}, [[0, 1]], ["1", "0"]),
        ({"nodes": [0, 1, 2, 3, 4], "edges": [[0, 4]]}, [[0, 4]], None),  # counted
        ({"nodes": [1, 2, 3, 4, 5], "edges": [[1, 5]]}, [[0, 4]], None),
        ({"nodes": [{"id": "x", "label": "C"}, {"id": "y", "label": "O"}], "links": [{"source": "y", "target": "x"}]}, [[0, 1]], ["C", "O"]),
        ({"nodes": [{"id": "x"}, {"id": "y"}], "links": [{"source": 0, "target": 1}]}, [[0, 1]], None),  # D3 before version 4
        ({"nodes": [{"name": "x", "group": 1}, {"name": "y", "group": 2}], "links": [{"source": 0, "target": 1}]}, [[0, 1]], ["1", "2"]),
        ({"graph": {"nodes": {"x": {"label": "C"}, "y": {}}, "edges": [{"source": "x", "target": "y"}]}}, [[0, 1]], ["C", ""]),
        ({"edges": [["a", "b"], ["c", "a"]]}, [[0, 1], [0, 2]], None),
        ({"edges": [[10, 20]]}, [[0, 1]], None),
        ({"num_nodes": 4, "edge_index": [[0, 1], [1, 0]]}, [[0, 1]], None),
        ({"nodes": 2, "edges": [["0", "1"], [0.0, 1.0]]}, [[0, 1]], None),
        ({"nodes": ["C"], "edges": []}, [], ["C"]),
    ],
)
def test_ways_to_write_a_graph(cell, edges, words):
    graph = graph_of(json.dumps(cell))
    assert graph.edges.tolist() == edges
    assert graph.edges.shape == (len(edges), 2)
    assert labels(graph) == words


def test_what_is_said_of_nodes_and_edges():
    graph = read(
        nodes=[{"id": 1, "type": "a", "mass": 2.5, "charge": -1}, {"id": 2, "type": "b", "mass": 1e308}, {"id": 3, "x": [1, 2]}],
        edges=[[3, 1, "double"], [1, 2, "single"], [2, 1, "lost"]],
    )
    assert labels(graph) == ["a", "b", ""]
    np.testing.assert_allclose(graph.features, [[-1, 2.5, 0, 0], [0, 1e30, 0, 0], [0, 0, 1, 2]], rtol=1e-6)
    assert graph.edges.tolist() == [[0, 1], [0, 2]]
    assert graph.edge_labels.tolist() == ["single", "double"], "the first of two edges between the same nodes is kept"
    weighed = read(nodes=2, edges=[[0, 1, 0.25]])
    assert weighed.edge_features.tolist() == [[0.25]]
    assert weighed.edge_labels is None
    assert graph_of('{"nodes": [[NaN, Infinity], [1, -Infinity]], "edges": []}').features.tolist() == [
        [0.0, float(np.float32(1e30))],
        [1.0, float(np.float32(-1e30))],
    ]


def test_graphml():
    text = (
        f'{HEAD}<key id="d0" for="node" attr.name="label" attr.type="string"/><key id="w" for="edge" attr.name="weight" attr.type="double"/>'
        '<graph edgedefault="undirected"><node id="a"><data key="d0">C</data></node><node id="b"><data key="d0">O &amp; N</data></node>'
        '<edge source="b" target="a"><data key="w">0.5</data></edge></graph></graphml>'
    )
    graph = graph_of(text)
    assert (labels(graph), graph.edges.tolist(), graph.edge_features.tolist()) == (["C", "O & N"], [[0, 1]], [[0.5]])
    assert graph_of(text.encode("utf-16")) == graph
    assert graph_of(text.encode("utf-8-sig")) == graph


DEEP = "[" * 100_000
BAD = {
    "dangling": ('{"nodes": 2, "edges": [[0, 1], [1, 2]]}', r"The edge 1 goes to a node that is not there \(2 nodes, numbered 0 to 1\)"),
    "dangling name": ('{"nodes": [{"id": "a"}], "edges": [["a", "z"]]}', "The edge 0 goes to a node that is not there"),
    "negative": ('{"nodes": 2, "edges": [[0, -1]]}', "is not there"),
    "huge end": ('{"nodes": 2, "edges": [[0, 99999999999999999999999]]}', "is not there"),
    "half": ('{"nodes": 2, "edges": [[0, 0.5]]}', "is not there"),
    "empty": ('{"nodes": [], "edges": []}', "has no nodes"),
    "empty edges": ('{"edges": []}', "has no nodes"),
    "no graph": ('{"a": 1}', "neither"),
    "list": ("[1, 2]", "no JSON object"),
    "cut": ('{"nodes": [1, 2', "no JSON"),
    "deep": ('{"nodes": ' + DEEP, "nested too deeply|no JSON"),
    "long number": ('{"nodes": ' + "9" * 10_000 + "}", "no JSON"),
    "lying count": ('{"nodes": 1000000000000, "edges": []}', "more than 200,000"),
    "endless count": ('{"nodes": 1e400, "edges": []}', "no whole number"),
    "strange nodes": ('{"nodes": "abc", "edges": []}', "neither a list nor a number"),
    "true": ('{"nodes": true, "edges": []}', "neither a list nor a number"),
    "strange edges": ('{"nodes": 2, "edges": {"a": 1}}', "no list"),
    "strange edge": ('{"nodes": 2, "edges": [3]}', "no pair"),
    "four": ('{"nodes": 2, "edges": [[0, 1, 2, 3]]}', "no pair"),
    "half an edge": ('{"nodes": 2, "edges": [[0, null]]}', "does not say"),
    "half a record": ('{"nodes": 2, "edges": [{"source": 0}]}', 'no "source"'),
    "same id": ('{"nodes": [{"id": 1}, {"id": 1}], "edges": []}', "same id"),
    "uneven index": ('{"nodes": 2, "edge_index": [[0], []]}', "equal length"),
    "wide": (json.dumps({"nodes": [[0.5] * 2000], "edges": []}), "more than 1,024"),
    "cut xml": ("<graphml><graph><node id='a'/>", "no GraphML"),
    "other xml": ("<html></html>", "has no nodes"),
    "deep xml": ("<graphml>" + "<a>" * 200, "nested too deeply"),
    "laughs": ('<!DOCTYPE lolz [<!ENTITY lol "lol">]><graphml><graph><node id="&lol;"/></graph></graphml>', "document type"),
    "xml dangling": ('<graphml><graph><node id="a"/><edge source="a" target="b"/></graph></graphml>', "is not there"),
    "xml edge": ('<graphml><graph><node id="a"/><edge source="a"/></graph></graphml>', "does not say"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_graphs_are_refused_with_words(tmp_path, name):
    text, words = BAD[name]
    with pytest.raises(CellError, match=words):
        graph_of(text)
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CellError, match=words) as caught:
        KIND.read(path)
    assert caught.value.file == str(path)
    assert "no graph: " in KIND.thumbnail(text)


def test_too_much_is_refused(tmp_path):
    with pytest.raises(CellError, match="edges; more than"):
        graph_of('{"nodes": 2, "edges": [' + ",".join(["[0,1]"] * (MAX_EDGES + 1)) + "]}")
    with pytest.raises(CellError, match="more than 200,000 nodes"):
        graph_of("<graphml>" + "<node id='1'/>" * (MAX_NODES + 1) + "</graphml>")
    with pytest.raises(CellError, match="MiB of text"):
        graph_of("{" + " " * MAX_BYTES)
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(10**12)  # only said to be so long
    with pytest.raises(CellError, match="larger than 16 MiB"):
        KIND.read(tmp_path / "long.json")
    with pytest.raises(CellError, match="no text"):
        graph_of(b'{"nodes": "\xff\xfe"}')


def test_a_large_graph_is_read():
    count = MAX_NODES
    graph = graph_of(json.dumps({"nodes": count, "edges": [[place, place + 1] for place in range(count - 1)]}))
    assert (graph.nodes, len(graph.edges)) == (count, count - 1)
    assert "60 drawn" in KIND.thumbnail('{"nodes": 100, "edges": [[0, 1]]}')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), lambda part: st.lists(part, max_size=4), max_leaves=12
    ),
    st.data(),
)
def test_anything_gives_a_graph_or_a_cell_error(nodes, data):
    edges = data.draw(
        st.lists(
            st.lists(st.integers(-1, 4) | st.none() | st.text(max_size=1) | st.floats(), max_size=4)
            | st.dictionaries(st.sampled_from(["source", "target", "x"]), st.integers(0, 3)),
            max_size=4,
        )
    )
    try:
        graph = graph_of(json.dumps({"nodes": nodes, "edges": edges}))
    except CellError:
        return
    assert graph.nodes >= 1
    assert graph.edges.shape == (len(graph.edges), 2)
    assert not len(graph.edges) or (graph.edges.min() >= 0 and graph.edges.max() < graph.nodes)
    for part, length in zip(graph.parts(), (None, graph.nodes, graph.nodes, len(graph.edges), len(graph.edges)), strict=True):
        assert part is None or length is None or len(part) == length
    assert all(part is None or np.isfinite(part).all() for part in (graph.features, graph.edge_features))


def test_a_column(tmp_path):
    (tmp_path / "a.json").write_text('{"nodes": 2, "edges": [[0, 1]]}')
    cells = ["a.json", '{"nodes": 1, "edges": []}', None, "", "NA", '{"nodes": [ ], "edges": []}', "gone.graphml", "words", "https://x.org/a.json"]
    parsed = KIND.parse(pl.Series(cells), tmp_path)
    assert parsed.present.tolist() == [True, True] + [False] * 7
    assert parsed.problems[5] == "The graph has no nodes."
    assert parsed.problems[6] == "The file 'gone.graphml' is not there."
    assert parsed.problems[7] == "The cell 'words' is no graph: neither JSON nor GraphML, nor a file that is there."
    assert "nothing is fetched" in parsed.problems[8]
    assert KIND.key(parsed.values[0]) == KIND.key('{"nodes": 2, "edges": [[0, 1]]}')


def test_a_path_out_of_the_folder_is_not_opened(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.json").write_text('{"nodes": 1}')
    parsed = KIND.parse(pl.Series(["../secret.json"]), Confined(tmp_path / "in"))
    with pytest.raises(CellError, match="leads out of the table's folder"):
        KIND.read(parsed.values[0])


def test_records_and_bytes():
    record = pl.Series([{"nodes": ["C", "O"], "edges": [[0, 1]]}, None])
    assert KIND.sniff(Profile("x", record)).score > 0.9
    parsed = KIND.parse(record)
    assert KIND.read(parsed.values[0]).edges.tolist() == [[0, 1]]
    inside = pl.Series([b'{"nodes": 2, "edges": [[0, 1]]}', None])
    assert KIND.sniff(Profile("x", inside)).score > 0.9
    assert KIND.read(KIND.parse(inside).values[0]).nodes == 2


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["a red cube", "two nodes: and edges"]),
        pl.Series(['{"name": "x"}', '{"a": [1, 2]}']),
        pl.Series(["[1, 2]", "[3]"]),
        pl.Series(["<b>bold</b>", "<p>"]),
        pl.Series(["a|b", "b"]),
        pl.Series([1.5, 2.5]),
    ],
)
def test_other_columns_are_left_alone(column):
    assert KIND.sniff(Profile("x", column)).score < 0.1


def test_graphs_are_taken_before_other_kinds(tmp_path):
    for folder in (None, tmp_path):
        profile = Profile("x", fake_graph_column(folder=folder))
        scores = {key: KINDS.get(key)().sniff(profile).score for key in KINDS}
        assert max(scores, key=scores.get) == "graph", scores


def test_json_files_of_something_else_are_no_graphs(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.json").write_text('{"words": [1, 2]}')
    assert KIND.sniff(Profile("x", pl.Series(["a.json", "b.json"]), tmp_path)).score == 0
