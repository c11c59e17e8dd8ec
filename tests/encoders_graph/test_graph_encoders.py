"""Graph encoders: the contract, the order of nodes, odd graphs, what is told apart, what is learned."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._graph import Graph
from consilience.encoders import ENCODERS
from consilience.encoders.graph._structure import NAMES
from consilience.testing._fake_graph import fake_graph_column
from consilience.testing.encoder_checks import check_encoder

KIND = KINDS.get("graph")()
TRAINED = ("gcn", "gin")
ODD = (
    '{"nodes": 1}',
    '{"nodes": 1, "edges": [[0, 0]]}',
    '{"nodes": 30}',
    '{"nodes": ["C", "", "O"], "edges": [[0, 1], [1, 2], [0, 2], [1, 1]]}',
    json.dumps({"nodes": [[1e308, -1e308]] * 3, "edges": [[0, 1, 1e308]]}),
    json.dumps({"nodes": 900, "edges": [[0, node] for node in range(1, 900)]}),
    json.dumps({"nodes": 120, "edges": [[one, two] for one in range(120) for two in range(one)]}),
)


def columns_of(cells):
    parsed = KIND.parse(pl.Series("graph", cells, dtype=pl.String))
    return {"graph": Cells("graph", KIND, parsed.values, parsed.present)}


def make(key, **settings):
    cls = ENCODERS.get(f"graph/{key}")
    return cls(cls.Settings(**settings))


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def vectors(key, columns, learn_from=None, **settings):
    """``[N, D]`` of any encoder, with fresh weights where it has some."""
    encoder = make(key, **settings)
    if key == "counts":
        cells = columns["graph"]
        items = [encoder.prepare(cells.read(row)) for row in range(len(cells))]
        return encoder.encode(encoder.collate(items))[0][:, 0]
    encoder.fit(columns if learn_from is None else learn_from)
    if key == "wl":
        return encoder.encode(columns).toarray()
    torch.manual_seed(0)
    module = encoder.build().eval()
    with torch.no_grad():
        return module(tensors(encoder.prepare(columns))).pooled().numpy()


def shuffled(text, seed):
    """The same graph with its nodes in another order and its edges turned round."""
    graph = KIND.read(text)
    order = np.random.default_rng(seed).permutation(graph.nodes)
    place = np.argsort(order)
    nodes = graph.nodes if graph.labels is None else graph.labels[order].tolist()
    bonds = [None] * len(graph.edges) if graph.edge_labels is None else graph.edge_labels.tolist()
    edges = [[int(place[two]), int(place[one]), bond] for (one, two), bond in zip(graph.edges, bonds, strict=True)][::-1]
    return json.dumps({"nodes": nodes, "edges": edges})


@pytest.mark.parametrize("key", ["counts", "wl", *TRAINED])
def test_contract(key):
    check_encoder(lambda: make(key), columns_of(fake_graph_column().to_list()))


@pytest.mark.parametrize("key", TRAINED)
def test_contract_with_numbers_and_without_labels(key):
    draw = np.random.default_rng(0)
    cells = [json.dumps({"nodes": draw.normal(size=(4 + row % 3, 2)).tolist(), "edges": [[0, 1], [1, 2], [row % 4, 3]]}) for row in range(12)]
    cells[0] = cells[5] = None
    check_encoder(lambda: make(key, drop_edges=0.4), columns_of(cells))


@pytest.mark.parametrize("key", ["counts", "wl", *TRAINED])
def test_the_order_of_nodes_does_not_matter(key):
    cells = [cell for cell in fake_graph_column(12).to_list() if cell]
    plain, turned = columns_of(cells), columns_of([shuffled(cell, seed) for seed, cell in enumerate(cells)])
    np.testing.assert_allclose(vectors(key, turned, plain), vectors(key, plain), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("key", ["counts", "wl", *TRAINED])
def test_odd_graphs_are_finite(key):
    found = vectors(key, columns_of(ODD))
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1e3


@pytest.mark.parametrize("key", TRAINED)
def test_batches_of_one_node_and_of_no_edge_train(key):
    for cells in (['{"nodes": 1}'], ['{"nodes": 1}', '{"nodes": ["C"]}'], ['{"nodes": 2}', None]):
        columns, encoder = columns_of(cells), make(key)
        encoder.fit(columns)
        module = encoder.build().train()
        tokens = module(tensors(encoder.prepare(columns)))
        assert torch.isfinite(tokens.clean()).all()
        tokens.clean().sum().backward()


def test_graphs_that_neighbours_alone_do_not_tell_apart():
    """Two triangles and a ring of six: the same to wl and gin, not to counts."""
    pair = columns_of(
        ['{"nodes": 6, "edges": [[0,1],[1,2],[0,2],[3,4],[4,5],[3,5]]}', '{"nodes": 6, "edges": [[0,1],[1,2],[2,3],[3,4],[4,5],[5,0]]}']
    )
    for key in ("wl", "gin"):
        one, two = vectors(key, pair)
        np.testing.assert_allclose(one, two, atol=1e-5)
    one, two = vectors("counts", pair)
    assert np.abs(one - two).max() > 0.1


def test_known_numbers():
    square = Graph(5, np.array([[0, 1], [0, 3], [1, 2], [2, 3], [3, 3], [3, 4]]))  # a ring of four, a tail, an edge to itself
    found = dict(zip(NAMES, make("counts").prepare(square)["features"][: len(NAMES)].tolist(), strict=True))
    counted = {name: round(float(np.expm1(found[name])), 4) for name in NAMES if name.startswith("log ")}
    assert counted["log nodes"] == 5
    assert counted["log edges"] == 5
    assert counted["log loops"] == 1
    assert counted["log parts"] == 1
    assert counted["log independent rings"] == 1
    assert counted["log triangles"] == 0
    assert counted["log rings 4"] == 1
    assert counted["log rings 3"] == counted["log rings 5"] == 0
    assert counted["log diameter"] == 3
    assert found["share in the largest part"] == 1
    assert found["density"] == pytest.approx(0.5)
    assert found["heat at 0.25"] < 1


def test_rings_are_counted_as_they_are():
    complete = Graph(6, np.array([[one, two] for two in range(6) for one in range(two)]))
    found = dict(zip(NAMES, np.expm1(make("counts").prepare(complete)["features"][: len(NAMES)]).tolist(), strict=True))
    # A complete graph of six has 20 triangles, 45 rings of four and 72 of five.
    assert (round(found["log rings 3"]), round(found["log rings 4"]), round(found["log rings 5"])) == (20, 45, 72)
    assert round(found["log triangles"]) == 20
    # Two rings of six that share an edge, as in naphthalene, with a tail of two.
    rings = [(node, (node + 1) % 6) for node in range(6)] + [(0, 6), (6, 7), (7, 8), (8, 9), (9, 1), (3, 10), (10, 11)]
    joined = Graph(12, np.array(sorted((min(pair), max(pair)) for pair in rings)))
    found = dict(zip(NAMES, np.expm1(make("counts").prepare(joined)["features"][: len(NAMES)]).tolist(), strict=True))
    assert [round(found[f"log rings {length}"]) for length in (3, 4, 5, 6)] == [0, 0, 0, 2]


def test_labels_of_small_numbers_have_their_own_place():
    encoder = make("counts")
    first, second = (
        encoder.labels(Graph(2, np.zeros((0, 2), np.int64), np.array([one, two], dtype=object))) for one, two in (("3", "3"), ("3", "carbon"))
    )
    assert first[3] == pytest.approx(2**0.5)
    assert second[3] == 1
    assert second[32:64].sum() == 1


def test_wl_counts_patterns_by_hand():
    # A path C-C-O: labels C twice and O once; after a round all three differ.
    columns = columns_of(['{"nodes": ["C", "C", "O"], "edges": [[0, 1], [1, 2]]}'] * 2)
    encoder = make("wl", rounds=1, min_rows=2)
    encoder.fit(columns)
    assert [len(codes) for codes in encoder.patterns] == [2, 3]
    row = encoder.encode(columns).toarray()[0]
    np.testing.assert_allclose(np.sort(row**2 * 3), [1, 1, 1, 1, 2], rtol=1e-6)  # each round has a squared norm of 1


def test_wl_sees_edge_labels_only_if_asked():
    pair = [json.dumps({"nodes": ["C", "C"], "edges": [[0, 1, bond]]}) for bond in ("single", "double")]
    one, two = vectors("wl", columns_of(pair), columns_of(pair * 2))
    assert np.abs(one - two).max() > 0
    one, two = vectors("wl", columns_of(pair), columns_of(pair * 2), edge_labels=False)
    np.testing.assert_array_equal(one, two)


def test_wl_gives_a_column_where_nothing_repeats():
    encoder = make("wl", rounds=0)
    encoder.fit(columns_of(['{"nodes": ["a"]}', '{"nodes": ["b"]}']))
    assert encoder.encode(columns_of(['{"nodes": ["a"]}', None])).toarray().tolist() == [[0.0], [0.0]]
    broken = make("wl").state()
    broken.config["factors"], broken.arrays["round0"] = [1.0], np.array([2, 1])
    with pytest.raises(ValueError, match="not in order"):
        make("wl").restore(broken)


@pytest.mark.parametrize("key", ["wl", *TRAINED])
def test_a_cell_that_cannot_be_read_names_its_row(key):
    columns = columns_of(['{"nodes": 2}', None, '{"nodes": 2, "edges": [[0, 2]]}'])
    with pytest.raises(CellError, match="not there") as caught:
        make(key).fit(columns)
    assert (caught.value.row, caught.value.column) == (2, "graph")
    with pytest.raises(UsageError, match="one graph column, found 2"):
        make(key).fit({"a": columns["graph"], "b": columns["graph"]})


@pytest.mark.parametrize("key", TRAINED)
def test_large_graphs_are_cut_to_the_limits(key):
    columns = columns_of([ODD[5], ODD[6]])
    encoder = make(key, max_nodes=50, max_edges=200)
    encoder.fit(columns)
    arrays = encoder.prepare(columns)
    assert arrays["count"].tolist() == [[50, 49], [50, 200]]
    assert arrays["edges"].shape == (2, 200, 2)
    assert all(array.dtype.itemsize <= 4 for array in arrays.values())


@pytest.mark.parametrize("key", TRAINED)
def test_edges_are_cut_in_training_only(key):
    columns = columns_of(fake_graph_column(12).to_list())
    encoder = make(key, drop_edges=0.5, dropout=0)
    encoder.fit(columns)
    module, batch = encoder.build().eval(), tensors(encoder.prepare(columns))
    with torch.no_grad():
        assert torch.equal(module(batch).values, module(batch).values)
        module.train()
        assert not torch.allclose(module(batch).values, module(batch).values)


@pytest.mark.parametrize("key", TRAINED)
def test_shapes_are_learned(key):
    """Rings and paths of the same sizes, without labels: only the edges tell them apart."""
    cells = []
    for row in range(60):
        count = 5 + row % 7
        cells.append(json.dumps({"nodes": count, "edges": [[node, (node + 1) % count] for node in range(count - row % 2)]}))
    columns, target = columns_of(cells), torch.arange(60) % 2
    encoder = make(key, hidden=16, width=16, layers=2)
    encoder.fit(columns)
    torch.manual_seed(0)
    module, head = encoder.build(), torch.nn.Linear(16, 2)
    batch = tensors(encoder.prepare(columns))
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(head(module(batch).pooled()), target).backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        assert (head(module(batch).pooled()).argmax(dim=1) == target).float().mean() > 0.9


def test_frozen_features_tell_real_molecules_apart():
    folder = os.environ.get("CONSILIENCE_DATA")
    if folder is None or not (Path(folder) / "mutag").is_dir():
        pytest.skip("CONSILIENCE_DATA names no folder with mutag")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pl.read_csv(Path(folder) / "mutag" / "train.csv")
    found = vectors("counts", columns_of(frame["graph"].to_list()))
    score = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500)), found, frame["label"].to_list(), cv=5).mean()
    assert score > 0.8
