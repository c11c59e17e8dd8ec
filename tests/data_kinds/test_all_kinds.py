"""What every kind promises."""

from __future__ import annotations

import datetime
import math

import numpy as np
import polars as pl
import pytest

from consilience.data.kinds import KINDS, Cells, Profile

COLUMNS = {
    "texts": pl.Series(["a", None, "", " NA ", "12", "2018-02-22", "x|y", "p.png"]),
    "nothing": pl.Series([None, None], dtype=pl.String),
    "null": pl.Series([None, None], dtype=pl.Null),
    "no_rows": pl.Series([], dtype=pl.String),
    "ints": pl.Series([1, None, 3]),
    "floats": pl.Series([1.5, math.nan, None, math.inf]),
    "booleans": pl.Series([True, None, False]),
    "dates": pl.Series([datetime.date(2020, 1, 1), None]),
    "moments": pl.Series([datetime.datetime(2020, 1, 1, 3), None]),
    "clock": pl.Series([datetime.time(3, 4), None]),
    "spans": pl.Series([datetime.timedelta(seconds=90), None]),
    "lists": pl.Series([["a"], [], None]),
    "bytes": pl.Series([b"\xff\x00", None, b""]),
    "records": pl.Series([{"a": 1}, None]),
    "categories": pl.Series(["a", None], dtype=pl.Categorical),
}


def test_which_there_are_and_their_cards_are_literals():
    assert KINDS.keys() == ["audio", "category", "date", "graph", "image", "number", "points", "series", "set", "text", "video", "volume"]
    assert all(KINDS.card(key).summary for key in KINDS)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("key", KINDS.keys())
def test_any_column_can_be_sniffed_and_parsed(key, name):
    column, kind = COLUMNS[name], KINDS.get(key)()
    evidence = kind.sniff(Profile("x", column))
    assert 0 <= evidence.score <= 1
    assert evidence.reason
    parsed = kind.parse(column)
    assert len(parsed.values) == len(parsed.present) == len(column)
    assert parsed.present.dtype == bool
    assert not any(parsed.present[row] for row in parsed.problems)
    assert parsed.values.dtype == (np.float64 if key in ("number", "date") else object)
    cells = Cells("x", kind, parsed.values, parsed.present)
    for row in np.flatnonzero(parsed.present):
        assert cells.key(row) == cells.key(row)
        assert isinstance(kind.thumbnail(parsed.values[row]), str)
        if not kind.media:
            assert cells.read(row) is not None


@pytest.mark.parametrize("key", KINDS.keys())
def test_keys_differ_with_the_content(key):
    kind = KINDS.get(key)()
    pairs = {"number": (1.0, 2.0), "date": (1.0, 2.0), "set": (["a", "b"], ["a,b"])}
    pair = (b"a", b"b") if kind.media else pairs.get(key, ("a", "b"))
    assert kind.key(pair[0]) != kind.key(pair[1])
