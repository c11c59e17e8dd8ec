"""Categories: spellings of yes and no, codes, stripped names."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("category")()
SPELLINGS = [("true", "false"), ("True", "False"), ("yes", "no"), ("Y", "N"), ("t", "f"), ("1", "0"), ("on", "off"), ("是", "否")]


@pytest.mark.parametrize("pair", SPELLINGS)
def test_every_spelling_of_yes_and_no_is_a_category_and_stays_as_written(pair):
    column = pl.Series("x", list(pair) * 20)
    assert max(KINDS, key=lambda key: KINDS.get(key)().sniff(Profile("x", column)).score) == "category"
    assert set(KIND.parse(column).values) == set(pair)


@pytest.mark.parametrize("learned", SPELLINGS)
@pytest.mark.parametrize("given_later", SPELLINGS)
def test_another_spelling_is_read_as_the_learned_one(learned, given_later):
    form = KIND.form(pl.Series(list(learned)))
    assert KIND.parse_as(pl.Series(list(given_later)), None, form).values.tolist() == list(learned)


def test_native_booleans_are_read_as_the_learned_spelling():
    form = KIND.form(pl.Series(["Yes", "No"]))
    assert KIND.parse_as(pl.Series([True, False, None]), None, form).values.tolist() == ["Yes", "No", None]


def test_mixed_spellings_become_one():
    assert KIND.parse(pl.Series(["yes", "NO", "True", "f", "1"])).values.tolist() == ["true", "false", "true", "false", "true"]


def test_whole_numbers_have_no_decimals():
    assert KIND.parse(pl.Series([3, None])).values.tolist() == ["3", None]
    assert KIND.parse(pl.Series([3.0, None, 2.5, float("nan")])).values.tolist() == ["3", None, "2.5", None]
    assert KIND.parse(pl.Series(["3.0", "4.0", "zip"])).values.tolist() == ["3", "4", "zip"]
    assert KIND.parse(pl.Series(["02134"])).values.tolist() == ["02134"]


def test_missing_words():
    parsed = KIND.parse(pl.Series([" a ", "NA", "n/a", "null", "", None, "none", "unknown", "#N/A"]))
    assert parsed.values.tolist() == ["a", None, None, None, None, None, "none", "unknown", None]
    assert parsed.present.tolist() == [value is not None for value in parsed.values]
    assert not parsed.problems


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["a", "b"])])
def test_typed_categories(dtype):
    column = pl.Series(["a", "b", None] * 5, dtype=dtype)
    assert KIND.parse(column).values.tolist()[:3] == ["a", "b", None]
    assert KIND.sniff(Profile("x", column)).score > 0.9


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=30))
def test_values_are_stripped_texts(cells):
    parsed = KIND.parse(pl.Series("x", cells, dtype=pl.String))
    assert len(parsed.values) == len(cells)
    for value, there in zip(parsed.values, parsed.present, strict=True):
        assert (value is not None) == there
        if there:
            assert value == value.strip() != ""


@given(st.lists(st.sampled_from(["red", "green", "blue fish", "北京"]), min_size=1))
def test_names_come_back(cells):
    assert KIND.parse(pl.Series(cells)).values.tolist() == cells


def test_one_row_alone_is_read():
    assert KIND.parse(pl.Series(["yes"])).values.tolist() == ["yes"]


def test_html_is_escaped():
    for key in ("category", "text"):
        assert "<b>" not in KINDS.get(key)().thumbnail("<b>" * 400)
        assert len(KINDS.get(key)().thumbnail("x" * 4000)) < 300
