"""Which columns are series, and which belong to other kinds."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("series")()


def score(cells, base=None) -> float:
    return KIND.sniff(Profile("x", pl.Series("x", cells), base)).score


def best(cells, base=None) -> str:
    profile = Profile("x", pl.Series("x", cells), base)
    return max(KINDS, key=lambda key: KINDS.get(key)().sniff(profile).score)


def lists(count=40, size=20, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=size).round(3).tolist() for _ in range(count)]


def tags(count=40):
    draw = np.random.default_rng(1)
    return [draw.choice(20, int(draw.integers(2, 8)), replace=False).tolist() for _ in range(count)]


SERIES = {
    "blanks": [" ".join(map(str, cell)) for cell in lists()],
    "commas": [", ".join(map(str, cell)) for cell in lists()],
    "json": [json.dumps(cell) for cell in lists()],
    "lists": lists(),
    "nested": [np.reshape(cell, (10, 2)).tolist() for cell in lists()],
    "whole numbers": [" ".join(map(str, range(100 + row, 120 + row))) for row in range(40)],
    "counts": [",".join(str(row * place % 7) for place in range(20)) for row in range(1, 41)],
    "records": [json.dumps({"time": [0, 1], "v": cell[:2]}) for cell in lists()],
    "track": [json.dumps({"lat": cell, "lon": cell}) for cell in lists()],
}
OTHERS = {
    "number": [f"{value}" for cell in lists(4) for value in cell],
    "thousands marks": [f"{10**9 + 7919 * row:,}" for row in range(40)],
    "set": [",".join(map(str, cell)) for cell in tags()],
    "set of lists": tags(),
    "phone": [f"+49 {100 + row} {1000 + 37 * row} {10 + row}" for row in range(40)],
    "phone in pairs": [f"0{100 + row} {10 + row} {50 + row} {10 + row} {99 - row}" for row in range(40)],
    "card": [f"{1000 + row} {2000 + row} {3000 + row} {4000 + row}" for row in range(40)],
    "address": [f"192.168.{row}.1" for row in range(40)],
    "pair": [f"{row}.5, {row}.7" for row in range(40)],
    "date": [f"2020 01 {row % 28 + 1:02d} 12" for row in range(40)],
    "words": ["the cat sat on 3 mats at 5 today"] * 40,
    "graph": ['{"nodes": [1, 2], "edges": [[0, 1]]}'] * 40,
    "points": [json.dumps(np.reshape(cell, (40, 3)).tolist()) for cell in lists(size=120)],
    "words in lists": [["a", "b", "c", "d"]] * 40,
}


@pytest.mark.parametrize("cells", SERIES.values(), ids=SERIES.keys())
def test_series_are_known(cells):
    assert best(cells) == "series"
    assert score(cells) > 0.8


@pytest.mark.parametrize("cells", OTHERS.values(), ids=OTHERS.keys())
def test_other_columns_are_left_to_their_kinds(cells):
    assert best(cells) != "series"


def test_files_are_told_apart_by_their_shape(tmp_path):
    draw = np.random.default_rng(0)
    shapes = {"vector": (50,), "channels": (50, 6), "points": (50, 3), "volume": (8, 8, 8), "wide": (8, 300)}
    for name, shape in shapes.items():
        for row in range(4):
            np.save(tmp_path / f"{name}_{row}.npy", draw.normal(size=shape))
    kinds = {name: score([f"{name}_{row}.npy" for row in range(4)], tmp_path) > 0.5 for name in shapes}
    assert kinds == {"vector": True, "channels": True, "points": False, "volume": False, "wide": False}


def test_a_text_file_with_a_time_is_a_series_and_a_letter_is_not(tmp_path):
    for row in range(4):
        (tmp_path / f"{row}.csv").write_text("time,x,y,z\n" + "".join(f"{place},1,2,{place}\n" for place in range(40)))
        (tmp_path / f"{row}.txt").write_text("Dear Sir, we have written\nto you twice.\n")
    assert best([f"{row}.csv" for row in range(4)], tmp_path) == "series"
    assert score([f"{row}.txt" for row in range(4)], tmp_path) < 0.1
