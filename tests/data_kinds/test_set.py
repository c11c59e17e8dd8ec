"""Sets of labels in a cell."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("set")()
ROWS = [["red", "blue"], ["blue"], ["green", "red", "blue"], ["green"], ["red", "green"]]


@pytest.mark.parametrize("mark", ["|", " | ", ";", "; ", ", ", ",", "、", "，"])
def test_the_mark_is_found(mark):
    assert KIND.parse(pl.Series([mark.join(row) for row in ROWS])).values.tolist() == ROWS


@pytest.mark.parametrize("write", [json.dumps, str, lambda row: "{" + ", ".join(row) + "}"])
def test_written_lists(write):
    assert KIND.parse(pl.Series([write(row) for row in ROWS])).values.tolist() == ROWS


def test_native_lists():
    parsed = KIND.parse(pl.Series([["b", "a", "b"], [], None, [" c", None]]))
    assert parsed.values.tolist() == [["b", "a"], [], None, ["c"]]
    assert parsed.present.tolist() == [True, True, False, True]
    assert KIND.parse(pl.Series([[1, 2], [3]])).values.tolist() == [["1", "2"], ["3"]]


def test_gaps_and_empty_lists():
    parsed = KIND.parse(pl.Series(["[]", "", None, "NA", '["a"]']))
    assert parsed.values.tolist() == [[], None, None, None, ["a"]]


def test_one_row_alone_is_read_with_the_learned_mark():
    form = KIND.form(pl.Series(["; ".join(row) for row in ROWS]))
    assert KIND.parse_as(pl.Series(["red; a, b"]), None, form).values.tolist() == [["red", "a, b"]]


@given(st.lists(st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1, max_size=4, unique=True), min_size=1, max_size=20))
def test_sets_come_back(rows):
    rows = [["alpha", "beta"], ["beta", "gamma"], *rows]
    assert KIND.parse(pl.Series(["|".join(row) for row in rows])).values.tolist() == rows


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_text_makes_it_raise(cells):
    parsed = KIND.parse(pl.Series("x", cells, dtype=pl.String))
    assert all(isinstance(value, list) == there for value, there in zip(parsed.values, parsed.present, strict=True))


@pytest.mark.parametrize(
    ("cells", "sure"),
    [
        (["|".join(row) for row in ROWS] * 5, True),
        ([", ".join(row) for row in ROWS] * 5, True),
        (["Austin, TX", "Salem, OR", "Salem, MA", "Dallas, TX", "Reno, NV", "Boston, MA"] * 5, False),
        ([f"Well, the number {value} came, saw and left, as did {value * 7}." for value in range(30)], False),
        ([f"{value},{value % 900 + 100}" for value in range(1, 50)], False),
        (["High school, no diploma", "Master", "PhD"] * 10, False),
    ],
)
def test_evidence(cells, sure):
    assert (KIND.sniff(Profile("x", pl.Series(cells))).score > 0.6) == sure
