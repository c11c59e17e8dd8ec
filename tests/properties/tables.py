"""Tables of any types that polars has, and what each cell has to be once it was read."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

__all__ = ["ANY_NAME", "BINARY", "NASTY_TEXT", "NESTED", "PLAIN", "as_read", "explained", "frames", "same_cell"]

NASTY_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.lists(
        st.sampled_from(
            [
                *",;\t|\n\r\"'\\ ",
                '""',
                "\r\n",
                "\ufeff",
                "\u2028",
                "\x85",
                "名称",
                "é",
                "e\u0301",
                "🙂",
                "👩\u200d👧",
                "سلام",
                "\u202eabc",
                "NA",
                "null",
                "nan",
                "1e5",
                "0012",
                "-0",
                "true",
                "[1]",
                '{"a": 1}',
                "a.png",
                "../x",
                "https://x/y.png",
                "2024-02-30",
                "=1+1",
                "\x1a",
                "\x7f",
                "x" * 70,
            ]
        ),
        max_size=4,
    ).map("".join),
)

FLOATS = st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 1e-310, 0.1, 1 / 3])
MOMENTS = st.datetimes(datetime(1677, 9, 22), datetime(2262, 4, 10))

PLAIN: list[tuple[pl.DataType, st.SearchStrategy[Any]]] = [
    *[
        (dtype(), st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
        for dtype, bits in ((pl.Int8, 8), (pl.Int16, 16), (pl.Int32, 32), (pl.Int64, 64))
    ],
    *[(dtype(), st.integers(0, 2**bits - 1)) for dtype, bits in ((pl.UInt8, 8), (pl.UInt16, 16), (pl.UInt32, 32), (pl.UInt64, 64))],
    (pl.Float64(), FLOATS),
    (pl.Float32(), st.floats(width=32)),
    (pl.Boolean(), st.booleans()),
    (pl.String(), NASTY_TEXT),
    (pl.Categorical(), NASTY_TEXT),
    (pl.Enum(["a", "b,c", "", "名"]), st.sampled_from(["a", "b,c", "", "名"])),
    (pl.Date(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    (pl.Datetime("us"), MOMENTS),
    (pl.Datetime("ms"), MOMENTS.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))),
    (pl.Datetime("ns"), MOMENTS),
    (pl.Datetime("us", "Asia/Shanghai"), MOMENTS),
    (pl.Duration("us"), st.timedeltas(timedelta(-(10**5)), timedelta(10**5))),
    (pl.Time(), st.times()),
    (pl.Decimal(12, 3), st.decimals(-(10**8), 10**8, places=3)),
    (pl.Null(), st.none()),
]
BINARY = (pl.Binary(), st.binary(max_size=8))


def _list_of(inner: tuple[pl.DataType, st.SearchStrategy[Any]]) -> tuple[pl.DataType, st.SearchStrategy[Any]]:
    return pl.List(inner[0]), st.lists(st.none() | inner[1], max_size=3)


LEAVES = [part for part in PLAIN if part[0] in (pl.Int64, pl.Float64, pl.Boolean, pl.String)]
RECORD = (
    pl.Struct({f"f{place}": dtype for place, (dtype, _) in enumerate(LEAVES)}),
    st.fixed_dictionaries({f"f{place}": st.none() | cells for place, (_, cells) in enumerate(LEAVES)}),
)
NESTED = [
    *(_list_of(part) for part in PLAIN),
    _list_of(_list_of(LEAVES[0])),
    _list_of(_list_of(LEAVES[1])),
    _list_of(RECORD),
    RECORD,
    _list_of(BINARY),
]
ANY_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5) | NASTY_TEXT.filter(bool)


@st.composite
def frames(
    draw: st.DrawFn,
    columns: list[tuple[pl.DataType, st.SearchStrategy[Any]]],
    names: st.SearchStrategy[str] = ANY_NAME,
    max_rows: int = 5,
    max_columns: int = 5,
) -> pl.DataFrame:
    """A table of such columns, a third of its cells missing."""
    rows = draw(st.integers(0, max_rows))
    taken = draw(st.lists(names, min_size=1, max_size=max_columns, unique_by=str.strip))
    made = []
    for name in taken:
        dtype, cells = draw(st.sampled_from(columns))
        values = draw(st.lists(st.one_of(cells, cells, st.none()), min_size=rows, max_size=rows))
        if dtype == pl.Datetime("us", "Asia/Shanghai"):
            made.append(pl.Series(name, values, dtype=pl.Datetime("us", "UTC")).cast(dtype))
        else:
            made.append(pl.Series(name, values, dtype=dtype))
    return pl.DataFrame(made)


def as_read(cell: Any, dtype: pl.DataType) -> Any:
    """What a reader of typed files makes of a cell: said here once more, in Python."""
    if cell is None:
        return None
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        if isinstance(inner, (pl.Struct, pl.List, pl.Duration)):
            return ("json", jsonable(cell))
        return [as_read(item, inner) if not isinstance(inner, pl.Time) else item for item in cell]
    if isinstance(dtype, pl.Struct):
        return ("json", jsonable(cell))
    if isinstance(cell, float):
        return None if math.isnan(cell) else cell
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, timedelta):
        return cell / timedelta(microseconds=1) / 1e6
    return ("time", cell) if isinstance(cell, time) else cell


def jsonable(cell: Any) -> Any:
    """As JSON has it: no NaN; what has no word is text."""
    if isinstance(cell, dict):
        return {key: jsonable(value) for key, value in cell.items()}
    if isinstance(cell, list):
        return [jsonable(item) for item in cell]
    if isinstance(cell, timedelta):
        return str(cell)
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def same_cell(found: Any, wanted: Any) -> bool:
    """Equal to the bit, also the sign of zero."""
    if isinstance(wanted, tuple) and wanted[0] == "json":
        return found is not None and json.dumps(json.loads(found)) == json.dumps(wanted[1])
    if isinstance(wanted, tuple):
        return time.fromisoformat(found) == wanted[1] if len(found) in (8, 12, 15) else False
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(same_cell, found, wanted))
    if isinstance(wanted, float):
        return isinstance(found, float) and found == wanted and math.copysign(1, found) == math.copysign(1, wanted)
    return type(found) is type(wanted) and bool(found == wanted)


def explained(error: Exception, *words: str) -> None:
    """An error has words, among them these."""
    assert str(error).strip()
    assert all(word in str(error) for word in words), error
