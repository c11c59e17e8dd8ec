"""Every kind of cell is cut into atoms that make up the whole, and masked without touching what was read."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from consilience.data.kinds._film import Film
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._signal import Signal
from consilience.data.kinds._sound import Sound
from consilience.data.kinds._volume import Volume
from consilience.judge.explain._anatomies import ANATOMIES
from consilience.judge.explain._anatomy import Anatomy
from consilience.judge.explain._in_image import LARGEST, ImageAnatomy, named
from consilience.judge.explain._in_text import TextAnatomy

dice = np.random.default_rng(0)
SERIES = dice.normal(size=(50, 3)).astype(np.float32)
SERIES[4:9, 1] = np.nan
LABELS = np.array(["C", "N", "C", "O", "C", "C"], dtype=object)
EDGES = np.array([[0, 1], [1, 2], [2, 3], [4, 5]])
CELLS: dict[str, list[Any]] = {
    "text": ["It's a red cube, 12.5 kg!", "很好 的 天气 today", "。", "x"],
    "image": [dice.integers(0, 256, (37, 50, 3), dtype=np.uint8), np.zeros((1, 2, 3), dtype=np.uint8)],
    "audio": [Sound(dice.normal(0, 0.1, 16000).astype(np.float32)), Sound(np.ones(1, dtype=np.float32))],
    "video": [Film(dice.integers(0, 256, (9, 8, 8, 3), dtype=np.uint8), np.arange(9, dtype=np.float32) / 4, 2.25)],
    "volume": [Volume(dice.normal(size=(12, 8, 8)).astype(np.float32))],
    "series": [Signal(SERIES), Signal(SERIES[:1, :1]), Signal(SERIES, np.arange(50) * 0.5)],
    "points": [dice.normal(size=(200, 3)).astype(np.float32), np.zeros((5, 3), dtype=np.float32)],
    "graph": [Graph(6, EDGES, LABELS), Graph(1, np.zeros((0, 2), dtype=np.int64)), Graph(3, EDGES[:2], None, np.ones((3, 2), dtype=np.float32))],
}
CASES = [(kind, place) for kind, cells in CELLS.items() for place in range(len(cells))]


def made(kind: str, place: int) -> tuple[Anatomy, Any]:
    decoded = CELLS[kind][place]
    return ANATOMIES[kind](decoded, np.random.default_rng(0)), decoded


def same(one: Any, two: Any) -> bool:
    return np.array_equal(one, two, equal_nan=True) if isinstance(one, np.ndarray) and one.dtype.kind == "f" else bool(np.all(one == two))


def test_every_kind_is_tried() -> None:
    assert set(CELLS) == set(ANATOMIES)


@pytest.mark.parametrize(("kind", "place"), CASES)
def test_groups_make_up_the_whole(kind: str, place: int) -> None:
    anatomy, _ = made(kind, place)
    assert anatomy.atoms >= 1
    groups = anatomy.divide(np.arange(anatomy.atoms), 16)
    assert sorted(np.concatenate(groups).tolist()) == list(range(anatomy.atoms))
    for group in groups[:3]:
        parts = anatomy.divide(group, 4)
        assert sorted(np.concatenate(parts).tolist()) == sorted(group.tolist())
        name, where = anatomy.place(group)
        assert isinstance(name, str)
        assert where


@pytest.mark.parametrize(("kind", "place"), CASES)
def test_nothing_masked_is_the_cell_and_masking_leaves_it_alone(kind: str, place: int) -> None:
    anatomy, decoded = made(kind, place)
    before = deepcopy(decoded)
    whole = anatomy.masked(np.ones(anatomy.atoms, dtype=bool))
    assert same(whole, decoded)
    half = np.arange(anatomy.atoms) % 2 == 0
    anatomy.masked(half)
    assert same(decoded, before)


@pytest.mark.parametrize("kind", ["image", "audio", "video", "volume", "series"])
def test_masked_atoms_leave_no_trace(kind: str) -> None:
    """Where only one atom is left, everything else holds one value for each channel."""
    anatomy, _ = made(kind, 0)
    kept = np.arange(anatomy.atoms) == 0
    parts = {"audio": "samples", "video": "frames", "volume": "voxels", "series": "values"}
    first, other = (anatomy.masked(kept if one else ~kept) for one in (True, False))
    array, rest = (getattr(one, parts[kind]) if kind in parts else one for one in (first, other))
    changed = array != rest
    assert 0 < changed.mean() <= 1
    if kind == "image":
        hidden = array[8:, 8:].reshape(-1, 3)
    elif kind == "series":
        hidden = array[1:][~np.isnan(array[1:]).any(axis=1)]
    else:
        hidden = array[len(array) // anatomy.atoms + 1 :].reshape(-1, 3 if kind == "video" else 1)
    assert len(np.unique(hidden, axis=0)) == 1


def test_words_are_left_out() -> None:
    anatomy = TextAnatomy("a red, red cube", np.random.default_rng(0))
    assert anatomy.masked(np.array([True, False, True, True])) == "a red cube"
    assert anatomy.place(np.array([1, 2])) == ("red, red", {"start": 2, "end": 10})


def test_chinese_is_cut_finer_than_by_blanks() -> None:
    anatomy = TextAnatomy("左转弯箭头", np.random.default_rng(0))
    assert 2 <= anatomy.atoms <= 5
    assert anatomy.masked(np.ones(anatomy.atoms, dtype=bool)) == "左转弯箭头"


def test_gaps_of_a_series_stay_gaps() -> None:
    anatomy, decoded = made("series", 0)
    made_of = anatomy.masked(np.zeros(anatomy.atoms, dtype=bool)).values
    assert np.array_equal(np.isnan(made_of), np.isnan(decoded.values))


def test_a_graph_loses_nodes_with_their_edges() -> None:
    anatomy, _ = made("graph", 0)
    less = anatomy.masked(np.array([True, False, True, True, True, True]))
    assert less.nodes == 5
    assert less.edges.tolist() == [[1, 2], [3, 4]]


def test_large_pictures_are_made_smaller_and_patches_lie_where_they_say() -> None:
    pixels = np.zeros((900, 1300, 3), dtype=np.uint8)
    pixels[:450, 650:] = 200
    anatomy = ImageAnatomy(pixels, np.random.default_rng(0))
    assert min(anatomy.decoded.shape[:2]) == LARGEST
    groups = anatomy.divide(np.arange(anatomy.atoms), 4)
    places = [anatomy.place(group)[0] for group in groups]
    assert places == ["top left", "top right", "bottom left", "bottom right"]
    bright = anatomy.masked(np.isin(np.arange(anatomy.atoms), groups[1]))
    assert bright[:300, 700:].min() == 200
    assert bright[400:].max() == 0


def test_places_in_words() -> None:
    assert [named(0.1, 0.1), named(0.5, 0.1), named(0.9, 0.5)] == ["top left", "top", "right"]
