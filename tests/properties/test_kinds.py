"""Kinds take any cell: they understand it, or say why not; equal content has an equal key; what was written comes back."""

from __future__ import annotations

import datetime
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from tests.properties.conftest import examples
from tests.properties.tables import BINARY, NASTY_TEXT, NESTED, PLAIN, explained, frames

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Kind, Profile
from consilience.data.kinds._forms import Formed
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import read_table

MORSELS = """
1 12 123 1,234 1.234,5 1'234 0012 3.0 -0.0 - + ( ) $ € US$ kg % ‰ m² e5 E+400 e-999 万 亿 k M bn ０１２ ， inf nan NaN Infinity n/a 1e308
99999999999999999999 Jan March sept. 2024 24 '24 13 31 30 60 00 : . / , ; | 、 ； T Z UTC +08:00 -12:00 am p.m. 下午 年 月 日 号 Monday, of 1st
1000 9999 0000 [ ] { } " ' \\ [1,2] ["a"] {} [null] true false yes no 是 否 on a b 名称 🙂 a.png ../x.jpg file:// http://x.png C:\\p.gif
"""
GRAMMAR = st.lists(st.sampled_from([*MORSELS.split(), " ", "  ", "\n", "9" * 400, "9" * 5000, "[" * 2000]), max_size=7).map("".join)
TEXTS = st.one_of(GRAMMAR, GRAMMAR, NASTY_TEXT)


def kind_of(name: str) -> Kind:
    return KINDS.get(name)()


def check(kind: Kind, column: pl.Series, base: Path | None) -> None:
    """The contract of a kind, on a column that may not be its own."""
    evidence = kind.sniff(Profile("x", column, base))
    assert 0 <= evidence.score <= 1
    assert evidence.reason
    parsed = kind.parse(column, base)
    assert len(parsed.values) == len(parsed.present) == len(column)
    assert parsed.present.dtype == bool
    assert not (parsed.present & column.is_null().to_numpy()).any()
    assert not any(parsed.present[row] for row in parsed.problems)
    assert all(text.strip() for text in parsed.problems.values())
    for value, there in zip(parsed.values, parsed.present, strict=True):
        assert there != (value is None or (isinstance(value, float) and math.isnan(value)))
        if there:
            assert not isinstance(value, float) or math.isfinite(value)
            assert isinstance(kind.thumbnail(value), str)
            try:
                assert kind.read(value) is not None
                assert isinstance(kind.key(value), bytes)
            except CellError as error:
                explained(error)
    if isinstance(kind, Formed) and len(column):
        form = kind.form(column)
        for row in range(len(column)):  # a row that comes alone is read as it was among the others
            alone = kind.parse_as(column[row : row + 1], base, form)
            assert alone.present[0] == parsed.present[row]
            assert not alone.present[0] or alone.values[0] == parsed.values[row]


@examples(120)
@given(st.lists(st.none() | TEXTS, max_size=8), st.sampled_from(KINDS.keys()))
def test_any_text(tmp_path: Path, cells: list[str | None], name: str) -> None:
    check(kind_of(name), pl.Series("x", cells, dtype=pl.String), tmp_path)


@examples(100)
@given(frames([*PLAIN, *NESTED, BINARY], names=st.just("x"), max_columns=1))
def test_any_type(frame: pl.DataFrame) -> None:
    column = read_table(frame).frame["x"]
    for name in KINDS:
        check(kind_of(name), column, None)


@examples(80)
@given(st.lists(st.tuples(*[st.none() | TEXTS] * 3), min_size=1, max_size=12))
def test_a_schema_of_any_texts(rows: list[tuple[str | None, ...]]) -> None:
    table = read_table(pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "zip code": pl.String}, orient="row"))
    schema = infer_schema(table)
    assert [column.name for column in schema.columns] == table.columns
    if schema.features():
        made = build_dataset(table, schema, with_target=False)
        assert np.array_equal(made.rows, np.arange(len(rows)))


@examples(100)
@given(st.lists(TEXTS, min_size=2, max_size=8), st.sampled_from(["text", "category", "set", "number", "date"]))
def test_keys_are_the_content(cells: list[str], name: str) -> None:
    kind = kind_of(name)
    parsed = kind.parse(pl.Series("x", cells + cells))
    values = list(parsed.values[parsed.present])
    for one in values:
        for other in values:
            assert (kind.key(one) == kind.key(other)) == (one == other), (one, other)


def test_keys_of_zeros() -> None:
    number = kind_of("number")
    values = number.parse(pl.Series(["0", "-0", "-0.0", "0.00"])).values
    assert len({number.key(value) for value in values}) == 1
    assert len({number.key(value) for value in number.parse(pl.Series([0.0, -0.0])).values}) == 1


@examples(30)
@given(st.binary(min_size=1, max_size=12), st.binary(min_size=1, max_size=12))
def test_keys_of_pictures(tmp_path: Path, one: bytes, other: bytes) -> None:
    kind = kind_of("image")
    (tmp_path / "a.png").write_bytes(one)
    assert kind.key(tmp_path / "a.png") == kind.key(one)
    assert (kind.key(one) == kind.key(other)) == (one == other)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e308, 5e-324, 1 / 3, 1e22, 123456789.125])


@examples(120)
@given(st.lists(NUMBERS, min_size=1, max_size=6), st.sampled_from(["{!r}", "{:.17g}", " {!r} ", "+{!r}", "{!r} kg", "${!r}", "{:,}", "{:e}"]))
def test_numbers_come_back_to_the_bit(values: list[float], form: str) -> None:
    if form.startswith(("+", "$")):
        values = [abs(value) for value in values]
    if form == "{:e}":
        values = [float(form.format(value)) for value in values]
    cells = [form.format(value) for value in values]
    if form == "{:,}":
        assume(all("e" not in cell for cell in cells))
    found = kind_of("number").parse(pl.Series("x", cells))
    assert found.problems == {}
    assert found.values.tolist() == values


@examples(60)
@given(st.lists(st.integers(-(10**15), 10**15).map(lambda cents: cents / 100), min_size=1, max_size=6))
def test_numbers_with_a_comma_come_back(values: list[float]) -> None:
    cells = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in [*values, 1234567.89, 0.5]]
    assert kind_of("number").parse(pl.Series("x", cells)).values.tolist()[: len(values)] == values


@examples(100)
@given(st.lists(st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(2999, 12, 31)), min_size=1, max_size=6), st.integers(0, 7))
def test_moments_come_back(moments: list[datetime.datetime], form: int) -> None:
    spelled = [
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%d %H:%M:%S.%fZ",
        "%d.%m.%Y %H:%M:%S.%f",
        "%Y年%m月%d日 %H:%M:%S.%f",
        "%d %B %Y, %H:%M:%S",
        "%Y/%m/%d",
        "%Y%m%d",
        "%b %d, %Y",
    ]
    if form == 4:
        moments = [moment.replace(microsecond=0) for moment in moments]
    if form > 4:
        moments = [datetime.datetime(moment.year, moment.month, moment.day) for moment in moments]
    cells = [moment.strftime(spelled[form]).replace(f"{moment:%Y}", f"{moment.year:04d}", 1) for moment in moments]
    if form == 2:
        cells.append("31.12.2020")
    found = kind_of("date").parse(pl.Series("x", cells))
    assert found.problems == {}
    zero = datetime.datetime(1970, 1, 1)
    wanted = [(moment - zero).total_seconds() for moment in moments]
    assert found.values[: len(moments)] == pytest.approx(wanted, rel=0, abs=2e-5)  # float64 has no more digits so far from 1970


@examples(60)
@given(
    st.lists(st.none() | st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)), min_size=1, max_size=6),
    st.sampled_from(["us", "ms", "ns"]),
)
def test_typed_moments_come_back(moments: list[datetime.datetime | None], unit: Any) -> None:
    utc = pl.Series("x", moments, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC").dt.cast_time_unit(unit)
    kind = kind_of("date")
    for column in (utc, utc.dt.convert_time_zone("America/St_Johns")):
        found = kind.parse(column)
        for value, moment in zip(found.values, moments, strict=True):
            assert math.isnan(value) if moment is None else abs(value - moment.replace(tzinfo=datetime.timezone.utc).timestamp()) < 2e-3


ITEM = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6).filter(
    lambda item: item.strip("'\"").strip() == item
)


@examples(100)
@given(st.lists(st.lists(ITEM.filter(lambda item: item[0] not in "[{(" and item[-1] not in "]})"), unique=True, max_size=4), min_size=1, max_size=6))
def test_sets_come_back(cells: list[list[str]]) -> None:
    kind = kind_of("set")
    assert kind.parse(pl.Series("x", cells, dtype=pl.List(pl.String))).values.tolist() == cells
    assert kind.parse(pl.Series("x", [json.dumps(cell, ensure_ascii=False) for cell in cells])).values.tolist() == cells


@examples(100)
@given(st.lists(NASTY_TEXT, min_size=1, max_size=6))
def test_texts_come_back(cells: list[str]) -> None:
    found = kind_of("text").parse(pl.Series("x", cells))
    assert found.values.tolist() == [cell.strip() or None for cell in cells]
    assert found.problems == {}
    flags = {"true", "false", "yes", "no", "y", "n", "t", "f", "1", "0", "on", "off", "是", "否"}
    names = [cell for cell in cells if cell.strip().lower() not in {"", "na", "n/a", "nan", "null", "<na>", "#n/a", *flags}]
    wanted = [cell.strip() for cell in names]
    assume(not any(cell.replace("-", "").replace(".", "").isdigit() for cell in wanted))
    assert kind_of("category").parse(pl.Series("x", names, dtype=pl.String)).values.tolist() == wanted


@examples(20)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
def test_pictures_come_back_to_the_pixel(tmp_path: Path, height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    (tmp_path / "名 称.png").write_bytes(out.getvalue())
    kind = kind_of("image")
    for column, base in ((pl.Series("x", [out.getvalue()]), None), (pl.Series("x", ["名 称.png"]), tmp_path)):
        parsed = kind.parse(column, base)
        assert np.array_equal(kind.read(parsed.values[0]), pixels)
    frame = read_table({"x": [pixels]}).frame
    assert np.array_equal(kind.read(frame["x"][0]), pixels)


@pytest.mark.parametrize("text", ["9" * 400, "9" * 5000, "-" + "9" * 320, "9999-12-31 23:59:00-12:00", "1" + "0" * 308])
def test_columns_of_extremes(text: str) -> None:
    for filler in (["1", "2", "7"] * 10, ["2024-01-01"] * 10):
        column = pl.Series("zip code", [text, *filler])
        for name in KINDS:
            check(kind_of(name), column, None)
        infer_schema(read_table(column.to_frame()))


def test_years_that_python_has_no_dates_for() -> None:
    column = pl.Series("x", [3_000_000, -3_000_000, 0, None], dtype=pl.Int32).cast(pl.Date)
    for name in KINDS:
        check(kind_of(name), column, None)
    infer_schema(read_table(pl.DataFrame({"x": column, "y": [1.5, 2.5, 3.5, 4.5]})))
