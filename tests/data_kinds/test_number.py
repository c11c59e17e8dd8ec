"""Numbers as they are written in real tables."""

from __future__ import annotations

import decimal
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("number")()


def parse(cells):
    return KIND.parse(pl.Series("x", cells))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["12 kg", "3.5 kg", "1"], [12, 3.5, 1]),
        (["$1,200.50", "($5)", "-$3", "$7k"], [1200.5, -5, -3, 7000]),
        (["€ 3,5k", "€ 1.200,50"], [3500, 1200.5]),
        (["1.234,56", "1.234", "7"], [1234.56, 1234, 7]),
        (["1,234.56", "1,234", "7"], [1234.56, 1234, 7]),
        (["1,234,567", "12,34,567"], [1234567, 1234567]),
        (["12 345,5", "1'000"], [12345.5, 1000]),
        (["45%", "7 %"], [45, 7]),
        (["1e5", "2.5E-3", "-.5", "+3", "−4"], [1e5, 2.5e-3, -0.5, 3, -4]),
        (["１２", "3万"], [12, 30000]),
        (["5km", "7km", "2 km"], [5, 7, 2]),
        (["1e308", "-1e308"], [1e308, -1e308]),
        (["1.5", "2,5", "3,25"], [math.nan, 2.5, 3.25]),
    ],
)
def test_written_numbers(cells, values):
    parsed = parse(cells)
    np.testing.assert_allclose(parsed.values, values)
    assert parsed.present.tolist() == [not math.isnan(value) for value in values]


def test_gaps_are_no_problems_and_nonsense_is_one():
    parsed = parse(["", None, "NA", "n/a", "-", "?", "unknown", "<NA>", "nan", "abc", "3/4", "12-15", "inf", "-Infinity", "1e999", "4"])
    assert parsed.present.tolist() == [False] * 15 + [True]
    assert sorted(parsed.problems) == [9, 10, 11, 12, 13, 14]
    assert parsed.problems[9] == "'abc' is not a number."
    assert "not finite" in parsed.problems[12]


def test_a_cell_with_another_unit_is_absent():
    parsed = parse(["12 kg", "3 kg", "500 g", "4"])
    assert parsed.present.tolist() == [True, True, False, True]
    assert "'kg'" in parsed.problems[2]


def test_thousands_with_units_agree_with_the_slow_way():
    cells = [f"${value:,.2f}" for value in np.random.default_rng(0).lognormal(9, 2, 300)]
    np.testing.assert_allclose(parse(cells).values, [float(cell[1:].replace(",", "")) for cell in cells])


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([1, None, 3]),
        pl.Series([1.0, math.nan, 3.0]),
        pl.Series([decimal.Decimal("1.0"), None, decimal.Decimal("3.0")]),
        pl.Series([True, None, True]).cast(pl.Int8).cast(pl.Float32),
    ],
)
def test_typed_cells(column):
    parsed = KIND.parse(column)
    assert parsed.present.tolist() == [True, False, True]
    assert parsed.values.dtype == np.float64
    assert not parsed.problems


def test_native_infinity_is_absent_with_a_problem():
    parsed = KIND.parse(pl.Series([1.0, math.inf, -math.inf]))
    assert parsed.present.tolist() == [True, False, False]
    assert sorted(parsed.problems) == [1, 2]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_what_python_writes_is_read_back(values):
    parsed = parse([repr(value) for value in values])
    assert parsed.values.tolist() == values
    assert not parsed.problems


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20), st.sampled_from([",", " ", "'", ""]))
def test_thousands_marks_are_read_back(values, mark):
    assert parse([f"{value:,}".replace(",", mark) for value in values]).values.tolist() == values


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), min_size=1, max_size=20))
def test_european_numbers_are_read_back_when_one_cell_settles_it(values):
    cells = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in values]
    np.testing.assert_allclose(parse([*cells, "1.234.567,89"]).values[:-1], values)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_text_makes_it_raise(cells):
    parsed = parse(pl.Series("x", cells, dtype=pl.String))
    assert np.isfinite(parsed.values[parsed.present]).all()
    assert np.isnan(parsed.values[~parsed.present]).all()


@pytest.mark.parametrize(
    ("name", "cells", "sure"),
    [
        ("price", [f"{value / 7:.2f}" for value in range(50)], True),
        ("weight", [f"{value} kg" for value in range(50)], True),
        ("gaps", ["1.5", "", "NA", "-", "2.5", "3.5"] * 10, True),
        ("zip", ["02134", "90210", "10001"] * 10, False),
        ("zip", ["92134", "90210", "10001"] * 10, False),
        ("flag", ["0", "1"] * 10, False),
        ("street", [f"{value} {['Main', 'Oak', 'Elm', 'Pine'][value % 4]} Street" for value in range(40)], False),
        ("note", ["12", "maybe", "often"] * 10, False),
    ],
)
def test_evidence(name, cells, sure):
    assert (KIND.sniff(Profile(name, pl.Series(cells))).score > 0.5) == sure
