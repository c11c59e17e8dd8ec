"""Dates: many spellings, one order per column, zones."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("date")()
DAY = 17584 * 86400.0  # 2018-02-22


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("2018-02-22", 0),
        ("2018/2/22", 0),
        ("22/02/2018", 0),
        ("22.2.18", 0),
        ("22-02-18", 0),
        ("(22/02/2018)", 0),
        ("2018年2月22日", 0),
        ("2018年2月22日 下午3:04", 15 * 3600 + 240),
        ("22 Feb 2018", 0),
        ("22 FEB 18", 0),
        ("22-FEB-2018", 0),
        ("Feb 22, 2018", 0),
        ("February 22nd, 2018 3:04 PM", 15 * 3600 + 240),
        ("Thu, 22 Feb 2018 10:00:00 GMT", 36000),
        ("20180222", 0),
        ("2018-02-22T13:04:05Z", 13 * 3600 + 245),
        ("2018-02-22 13:04:05.250+08:00", 5 * 3600 + 245.25),
        ("2018-02-22T00:00:00-0530", 5.5 * 3600),
        ("22/02/2018 12:30:00 AM", 1800),
        ("2018-02", -21 * 86400),
        ("Feb 2018", -21 * 86400),
    ],
)
def test_spellings(cell, seconds):
    parsed = KIND.parse(pl.Series([cell]))
    assert not parsed.problems
    assert parsed.values[0] == DAY + seconds


@pytest.mark.parametrize("cell", ["30/02/2018", "2018-13-01", "soon", "12:30", "3.14", "25:99", "2018-02-22 25:00", "1519257600"])
def test_what_is_no_date_is_absent_with_a_problem(cell):
    parsed = KIND.parse(pl.Series([cell, "2018-02-22"]))
    assert parsed.present.tolist() == [False, True]
    assert parsed.problems[0] == f"{cell!r} is not a date."


@pytest.mark.parametrize(("settling", "month"), [("13/02/2018", 2), ("02/13/2018", 1)])
def test_one_cell_settles_the_order_of_all(settling, month):
    seconds = KIND.parse(pl.Series(["01/02/2018", settling])).values[0]
    assert datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).month == month


def test_the_form_of_another_table_is_kept():
    assert KIND.form(pl.Series(["02/13/2018", "01/02/2018"])) == "mdy"
    assert KIND.parse_as(pl.Series(["01/02/2018"]), None, "mdy").values[0] == KIND.parse(pl.Series(["2018-01-02"])).values[0]


def test_typed_cells():
    zone = pl.Series([datetime.datetime(2018, 2, 22), None]).dt.replace_time_zone("Asia/Shanghai")
    assert KIND.parse(zone).values[0] == DAY - 8 * 3600
    assert np.isnan(KIND.parse(zone).values[1])
    assert KIND.parse(pl.Series([datetime.date(2018, 2, 22), datetime.date(1950, 1, 1)])).values.tolist() == [DAY, -7305 * 86400.0]
    assert KIND.parse(pl.Series([datetime.datetime(2018, 2, 22)], dtype=pl.Datetime("ns"))).values[0] == DAY


def test_gaps():
    parsed = KIND.parse(pl.Series(["-", "unknown", "NA", None, "?"]))
    assert not parsed.present.any()
    assert not parsed.problems


@given(st.lists(st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(2999, 1, 1)), min_size=1, max_size=10))
def test_iso_is_read_back(moments):
    parsed = KIND.parse(pl.Series([moment.isoformat() for moment in moments]))
    expected = [(moment - datetime.datetime(1970, 1, 1)).total_seconds() for moment in moments]
    np.testing.assert_allclose(parsed.values, expected, rtol=0, atol=1e-3)


@given(
    st.lists(st.dates(datetime.date(1970, 1, 1), datetime.date(2060, 1, 1)), min_size=1, max_size=10),
    st.sampled_from(["%d/%m/%Y", "%d.%m.%y", "%d %b %Y", "%Y年%m月%d日"]),
)
def test_day_first_is_read_back_when_one_cell_settles_it(days, form):
    cells = [day.strftime(form) for day in [*days, datetime.date(2001, 1, 31)]]
    assert KIND.parse(pl.Series(cells)).values[:-1].tolist() == [(day - datetime.date(1970, 1, 1)).days * 86400.0 for day in days]


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_text_makes_it_raise(cells):
    parsed = KIND.parse(pl.Series("x", cells, dtype=pl.String))
    assert np.isfinite(parsed.values[parsed.present]).all()


@pytest.mark.parametrize(
    ("cells", "sure"),
    [
        ([f"{day:02d}/03/2018" for day in range(1, 29)], True),
        ([f"201803{day:02d}" for day in range(1, 29)], True),
        ([str(year) for year in range(1990, 2020)], False),
        ([str(value) for value in range(20181300, 20181330)], False),
        ([f"1.{value}" for value in range(30)], False),
    ],
)
def test_evidence(cells, sure):
    assert (KIND.sniff(Profile("x", pl.Series(cells))).score > 0.5) == sure


def test_thumbnail_is_a_day():
    assert KIND.thumbnail(DAY) == "2018-02-22"
