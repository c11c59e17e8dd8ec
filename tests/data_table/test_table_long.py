"""Long tables: every id gets its own rows in the order of time, and what cannot be read or matched is said."""

from __future__ import annotations

import datetime
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import ColumnError, TableError
from consilience.data.kinds import KINDS
from consilience.data.table import Table
from consilience.data.table.long import gather_long


def wide(*keys, **columns):
    return Table(pl.DataFrame({"id": list(keys), **columns}), source="people.csv")


def long(source="log.csv", **columns):
    return Table(pl.DataFrame(columns), source=source)


def cells(table, name="log"):
    return [None if cell is None else json.loads(cell) for cell in table.frame[name].to_list()]


def test_numbers_become_a_series_in_the_order_of_time():
    table = gather_long(
        wide("a", "b", "c", y=[1, 2, 3]), long(id=["b", "a", "a", "b"], t=[5, 2, 1, 4], x=[1.5, 2, 3, None], z=[1, 2, 3, 4]), "id", "t"
    )
    assert cells(table) == [{"time": [1, 2], "x": [3, 2], "z": [3, 2]}, {"time": [4, 5], "x": [None, 1.5], "z": [4, 1]}, None]
    assert table.frame["y"].to_list() == [1, 2, 3]
    assert table.columns == ["id", "y", "log"]
    assert table.source == "people.csv + log.csv"


def test_without_a_time_the_rows_keep_their_order():
    assert cells(gather_long(wide("a"), long(id=["a"] * 3, x=[3, 1, 2]), "id")) == [{"x": [3, 1, 2]}]


def test_events_become_words_and_gaps():
    events = long(
        id=["1", "1", "2", "1", "9"],
        when=["2024-01-02 10:00", "2024-01-01 10:00", "2024-01-01 00:00", "2024-01-02 10:00", "2024-01-01 00:00"],
        item=["red shoes", "hat", None, "bag", "x"],
        amount=["10", "5.5", "NA", "", "1"],
    )
    table = gather_long(wide(1, 2, 3), events, "id", "when", "shop")
    assert table.frame["shop: item"].to_list() == ["hat red_shoes bag", None, None]
    first, second, third = cells(table, "shop")
    assert first["amount"] == [5.5, 10, None]
    assert first["gap"] == [0, 86400, 0]
    assert second["gap"] == [0]
    assert third is None


def test_events_without_times_have_words_alone():
    table = gather_long(wide("a", "b"), long(id=["a", "a"], item=["x", "y"]), "id")
    assert table.columns == ["id", "log: item"]
    assert table.frame["log: item"].to_list() == ["x y", None]


def test_the_cells_are_series_to_the_kind():
    track = long(id=["a"] * 5, at=[0, 10, 20, 30, 40], lat=[0.0, 0, 0, 0, 0], lon=[0.0, 0.001, 0.002, 0.003, 0.004], source="gps.csv")
    table = gather_long(wide("a", "b"), track, "id", "at")
    kind = KINDS.get("series")()
    parsed = kind.parse(table.frame["gps"])
    assert parsed.present.tolist() == [True, False]
    signal = kind.read(parsed.values[0])
    assert signal.times.tolist() == [0, 10, 20, 30, 40]
    assert signal.values[:, 2].tolist() == pytest.approx([11.12] * 5, rel=1e-3)


@pytest.mark.parametrize(
    "times",
    [
        [datetime.datetime(2024, 5, 1, 12), datetime.datetime(2024, 5, 1, 12, 0, 30)],
        ["2024-05-01 12:00:00", "2024-05-01 12:00:30"],
        ["2024-05-01T12:00:00Z", "2024-05-01T12:00:30+00:00"],
        ["2024-05-01T14:00:00+02:00", "2024-05-01T12:00:30+00:00"],
        ["01.05.2024 12:00:00", "01.05.2024 12:00:30"],
        [1714564800, 1714564830],
        [1714564800000, 1714564830000],
        ["1714564800000000", "1714564830000000"],
    ],
)
def test_times_in_many_spellings_are_seconds_since_1970(times):
    table = gather_long(wide("a"), long(id=["a", "a"], t=times, x=[1, 2]), "id", "t")
    assert cells(table)[0]["time"] == [1714564800, 1714564830]


def test_rows_without_a_key_or_a_time_are_left_out_and_keys_compare_as_text():
    many = long(id=[" 1", "1 ", None, "1"], t=["1", "", "2", "0"], x=["5", "6", "7", "8"])
    assert cells(gather_long(wide(1.0, 1.0), many, "id", "t")) == [{"time": [0, 1], "x": [8, 5]}] * 2


def test_numbers_that_are_not_finite_are_gaps():
    assert cells(gather_long(wide("a"), long(id=["a"] * 3, x=[float("nan"), float("inf"), 1.0]), "id")) == [{"x": [None, None, 1]}]


def test_columns_called_time_and_gap_are_kept():
    many = long(id=["a", "a"], at=[0, 1], time=[7, 8], gap=[3, 4], item=["x", "y"])
    assert cells(gather_long(wide("a"), many, "id", "at")) == [{"time": [0, 1], "time_": [7, 8], "gap": [3, 4], "gap_": [0, 1]}]


def test_empty_tables():
    many = long(id=pl.Series([], dtype=pl.String), x=pl.Series([], dtype=pl.Float64))
    assert cells(gather_long(wide("a"), many, "id")) == [None]
    empty = Table(pl.DataFrame({"id": pl.Series([], dtype=pl.String)}))
    assert gather_long(empty, long(id=["a"], x=[1]), "id").frame.height == 0


@pytest.mark.parametrize(
    ("many", "key", "time", "error", "said"),
    [
        (long(id=["a"], x=[1]), "ids", None, ColumnError, "Did you mean"),
        (long(id=["a"], x=[1]), "id", "when", ColumnError, "time column is not in this table"),
        (long(id=["z"], x=[1]), "id", None, TableError, "people.csv has 'a', log.csv has 'z'"),
        (long(id=["a"]), "id", None, TableError, "no column beside"),
        (long(id=["a", "a"], t=["2024-01-01", "soon"], x=[1, 2]), "id", "t", ColumnError, "row 1"),
        (long(id=["a"], x=[[1]]), "id", None, ColumnError, "not List"),
        (long(id=["a"], x=[1], source="id"), "id", None, ColumnError, "already"),
    ],
)
def test_what_cannot_be_is_refused(many, key, time, error, said):
    with pytest.raises(error) as caught:
        gather_long(wide("a"), many, key, time)
    assert said in str(caught.value)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 20), st.floats(-1e6, 1e6)), max_size=40))
def test_no_row_is_lost_or_given_to_another(rows):
    many = long(
        id=pl.Series([row[0] for row in rows], dtype=pl.String), t=[row[1] for row in rows], x=pl.Series([row[2] for row in rows], dtype=pl.Float64)
    )
    if rows and not any(row[0] in "abc" for row in rows):
        return
    found = cells(gather_long(wide("a", "b", "c"), many, "id", "t")) if rows else [None] * 3
    for key, cell in zip("abc", found, strict=True):
        mine = sorted(((row[1], place, row[2]) for place, row in enumerate(rows) if row[0] == key), key=lambda row: row[:2])
        assert (cell or {"x": []})["x"] == [row[2] for row in mine]
