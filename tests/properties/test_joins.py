"""Joins against a dictionary in plain Python: no row is lost, moved or doubled, no cell changes its row."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.conftest import examples
from tests.properties.tables import NESTED, PLAIN, explained, frames

from consilience.core.errors import ConsilienceError, TableError
from consilience.data.table import Table, join_tables, read_table

NAMES = st.sampled_from(["a", "b", "c", "名", " d", "e,f"])
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text("aB 名\t", max_size=3),
    "int": st.integers(-3, 12),
    "big": st.integers(2**53, 2**53 + 3),
    "float": st.sampled_from([0.0, 1.0, 2.0, 1.5, -3.0, 1e16, 1e300, -1e300]),
    "digits": st.sampled_from(["1", "2", "3", "03", "1.0", " 2"]),
    "date": st.dates().map(lambda day: day.replace(year=2024, month=1)),
    "bool": st.booleans(),
}


def key_text(cell: Any) -> str | None:
    """How a key compares: as text, without blanks at its ends."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(cell).strip() or None


def key_columns(cells: list[Any]) -> list[str | None]:
    """Whole numbers that became fractions compare as whole ones, if all of the column are."""
    if any(isinstance(cell, float) for cell in cells) and all(cell is None or (cell.is_integer() and abs(cell) < 2**63) for cell in cells):
        return [None if cell is None else str(int(cell)) for cell in cells]
    return [key_text(cell) for cell in cells]


@examples(120)
@given(st.data())
def test_lookup_of_several_tables(data: st.DataObject) -> None:
    sorts = st.sampled_from([["text"], ["int", "digits"], ["big", "int"], ["float", "int"], ["date"], ["bool"], ["digits"]])
    sort = data.draw(sorts)
    left = data.draw(st.lists(st.none() | KEYS[data.draw(st.sampled_from(sort))], max_size=8))
    tables = [Table(pl.DataFrame({"k": pl.Series(left, strict=False), "n": range(len(left))}), source="left")]
    wanted: list[dict[str, Any]] = [{"k": key, "n": place} for place, key in enumerate(tables[0].frame["k"].to_list())]
    mine = key_columns(tables[0].frame["k"].to_list())
    refused = False
    for number in range(data.draw(st.integers(1, 3))):
        unique = data.draw(st.booleans())
        keys = KEYS[data.draw(st.sampled_from(sort))]
        right = data.draw(st.lists(st.none() | keys, max_size=8, unique_by=(lambda key: key_text(key)) if unique else None))
        frame = pl.DataFrame({f"x{number}": [f"{number}/{place}" for place in range(len(right))], "k": pl.Series(right, strict=False)})
        tables.append(Table(frame, source=f"right{number}"))
        theirs = key_columns(frame["k"].to_list())
        filled = [key for key in theirs if key is not None]
        refused |= len(set(filled)) < len(filled) or bool(mine and not set(mine) & set(filled))
        place_of = {key: place for place, key in enumerate(theirs) if key is not None}
        for row, key in zip(wanted, mine, strict=True):
            row[f"x{number}"] = f"{number}/{place_of[key]}" if key in place_of else None
    if refused:
        with pytest.raises(TableError) as caught:
            join_tables(tables, "k")
        assert caught.value.hint
        return
    joined = join_tables(tables, "k").frame
    assert joined.height == len(left)
    assert joined.rows(named=True) == wanted


@examples(120)
@given(frames([*PLAIN, *NESTED], names=NAMES), frames([*PLAIN, *NESTED], names=NAMES))
def test_order_of_any_types(left: pl.DataFrame, right: pl.DataFrame) -> None:
    tables = [read_table(left), read_table(right)]
    if left.height != right.height:
        with pytest.raises(TableError, match="number of rows"):
            join_tables(tables, "order")
        return
    shared = set(left.columns) & set(right.columns)
    try:
        joined = join_tables(tables, "order").frame
    except TableError as error:
        explained(error, "both have the column")
        refused = True
    else:
        refused = False
    if refused:
        assert shared
        return
    assert joined.height == left.height
    for table in tables:
        for column in table.frame.iter_columns():
            if column.dtype == joined[column.name].dtype:
                assert joined[column.name].equals(column, null_equal=True), column.name
    assert set(joined.columns) == {*left.columns, *right.columns}


@examples(120)
@given(frames([*PLAIN, *NESTED], names=NAMES), frames([*PLAIN, *NESTED], names=NAMES), NAMES)
def test_any_key_or_an_explained_error(left: pl.DataFrame, right: pl.DataFrame, key: str) -> None:
    tables = [read_table(left), read_table(right)]
    try:
        joined = join_tables(tables, key).frame
    except ConsilienceError as error:
        explained(error)
        return
    assert joined.height == left.height
    for column in tables[0].frame.iter_columns():
        if column.name == key or column.name not in right.columns:
            assert joined[column.name].equals(column, null_equal=True)


@examples(60)
@given(
    st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=12), st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=12), st.data()
)
def test_the_order_of_the_other_table_does_not_matter(mine: list[int], theirs: list[int], data: st.DataObject) -> None:
    theirs = [*theirs, mine[0]] if mine[0] not in theirs else theirs
    left = Table(pl.DataFrame({"k": mine}))
    other = data.draw(st.permutations(theirs))
    found = [join_tables([left, Table(pl.DataFrame({"k": keys, "x": [key * 10 for key in keys]}))], "k").frame for keys in (theirs, other)]
    assert found[0].equals(found[1])
    assert found[0].rows() == [(key, key * 10 if key in theirs else None) for key in mine]


def test_keys_beyond_64_bits_keep_their_partner() -> None:
    keys = [1e300, 1.0, -1e300, 1e16]
    left, right = Table(pl.DataFrame({"k": keys})), Table(pl.DataFrame({"k": keys[::-1], "x": [3, 2, 1, 0]}))
    assert join_tables([left, right], "k").frame["x"].to_list() == [0, 1, 2, 3]
