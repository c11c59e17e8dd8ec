"""From a table and a schema to rows that can be used."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from PIL import Image

from consilience.core.errors import CellError, ColumnError, TargetError
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import Table

NOTES = [f"the small note number {place} says much" for place in range(30)]
FRAME = pl.DataFrame(
    {
        "size": [f"{value}.5 kg" for value in range(30)],
        "note": NOTES,
        "who": [f"p{place // 3}" for place in range(30)],
        "tags": ["a;b", "b;c", "c"] * 10,
        "day": [f"{1 + place % 28:02d}/03/2018" for place in range(30)],
        "y": ["cat", "dog", "cow"] * 10,
    }
)


@pytest.fixture
def schema():
    return infer_schema(Table(FRAME), "y", group="who")


def test_all_rows_of_a_clean_table(schema):
    data = build_dataset(Table(FRAME), schema, with_target=True)
    assert list(data.cells) == ["size", "note", "tags", "day"]
    assert len(data) == data.num_table_rows == 30
    assert data.rows.tolist() == list(range(30))
    assert data.target.tolist() == FRAME["y"].to_list()
    assert not data.quarantine
    assert not data.notes
    assert data.absent_columns == ()
    assert all(data.groups[left] == data.groups[right] for left, right in [(0, 1), (3, 5)])
    assert len(set(data.groups.tolist())) == 10


def test_bad_rows_are_set_aside_with_the_reason(schema):
    frame = FRAME.with_columns(
        y=pl.Series(["", "bird", None, "cow", *FRAME["y"][4:]]), size=pl.Series(["abc", "1 kg", "2 g", "huge", *FRAME["size"][4:]])
    )
    data = build_dataset(Table(frame), schema, with_target=True)
    assert [(bad.row, bad.column) for bad in data.quarantine] == [(0, "y"), (1, "y"), (2, "y")]
    assert data.quarantine[0].reason == "The target 'y' is empty."
    assert "'bird'" in data.quarantine[1].reason
    assert len(data) + len(data.quarantine) == data.num_table_rows
    assert data.rows[0] == 3
    assert data.notes[3] == ["Column 'size': 'huge' is not a number."]
    assert not data.cells["size"].present[0]
    assert len(data.groups) == len(data.target) == len(data.cells["note"]) == 27


def test_without_the_target_no_row_is_lost(schema):
    data = build_dataset(Table(FRAME.drop("y", "who")), schema, with_target=False)
    assert (len(data), data.target, data.groups) == (30, None, None)
    with pytest.raises(ColumnError, match="target"):
        build_dataset(Table(FRAME.drop("y")), schema, with_target=True)


def test_absent_columns_are_all_absent(schema):
    data = build_dataset(Table(FRAME.select("note", "y").with_columns(extra=pl.lit(1))), schema, with_target=True)
    assert data.absent_columns == ("size", "tags", "day")
    assert list(data.cells) == ["size", "note", "tags", "day"]
    for name in data.absent_columns:
        assert len(data.cells[name]) == 30
        assert not data.cells[name].present.any()
    assert data.cells["size"].values.dtype == np.float64


def test_no_feature_at_all_is_an_error_with_both_sides(schema):
    with pytest.raises(ColumnError, match=r"'size'.*'other'"):
        build_dataset(Table(pl.DataFrame({"other": ["x"], "y": ["cat"]})), schema, with_target=False)


def test_a_row_of_nothing_stays(schema):
    empty = pl.DataFrame({name: [None] for name in FRAME.columns}, schema=FRAME.schema)
    data = build_dataset(Table(empty), schema, with_target=False)
    assert len(data) == 1
    assert not any(cells.present.any() for cells in data.cells.values())


def test_one_row_is_read_as_the_learned_table_was():
    learned = pl.DataFrame(
        {
            "us": [f"{1 + place % 12:02d}/{1 + place % 28:02d}/2018" for place in range(30)],
            "eu": [f"{place + 1}.000,{place + 10}" for place in range(30)],
            "tags": ["a, b", "b, c", "c"] * 10,
            "flag": ["Yes", "No", "Yes"] * 10,
            "y": ["True", "False"] * 15,
        }
    )
    schema = infer_schema(Table(learned), "y")
    row = pl.DataFrame({"us": ["01/02/2018"], "eu": ["1.234"], "tags": ["a, z"], "flag": [True], "y": [True]})
    data = build_dataset(Table(row), schema, with_target=True)
    assert data.cells["us"].values[0] == 17533 * 86400.0
    assert data.cells["eu"].values[0] == 1234
    assert data.cells["tags"].values[0] == ["a", "z"]
    assert data.cells["flag"].values[0] == "Yes"
    assert data.target.tolist() == ["True"]


def test_a_rare_form_is_remembered():
    """One cell in thousands says that the month comes first; a later row has to be read that way."""
    days = ["03/04/2018"] * 2500 + ["02/25/2018"] + ["05/06/2018"] * 2500
    schema = infer_schema(Table(pl.DataFrame({"day": days, "x": [f"{place}.5" for place in range(5001)]})))
    data = build_dataset(Table(pl.DataFrame({"day": ["01/02/2018"]})), schema, with_target=False)
    assert data.cells["day"].values[0] == 17533 * 86400.0


def test_regression_targets():
    schema = infer_schema(Table(pl.DataFrame({"y": np.random.default_rng(0).lognormal(3, 1, 99), "x": list("abc") * 33})), "y")
    assert schema.target.log
    data = build_dataset(Table(pl.DataFrame({"y": ["5", "0", "-1", "x", None], "x": list("abcab")})), schema, with_target=True)
    assert data.target.tolist() == [5.0]
    assert ["logarithm" in bad.reason for bad in data.quarantine] == [True, True, False, False]
    assert "not understood: 'x' is not a number" in data.quarantine[2].reason


def test_multilabel_targets():
    schema = infer_schema(Table(pl.DataFrame({"y": ["a|b", "b", "c|a"] * 9, "x": list("abc") * 9})), "y")
    data = build_dataset(Table(pl.DataFrame({"y": ["c|b", "a|zebra", "", "a"], "x": list("abca")})), schema, with_target=True)
    assert data.target.tolist() == [["c", "b"], ["a"]]
    assert [bad.row for bad in data.quarantine] == [1, 2]
    assert "'zebra'" in data.quarantine[0].reason


def test_strict_raises_for_the_first_problem(schema, tmp_path):
    bad_cell = FRAME.with_columns(size=pl.Series([*FRAME["size"][:5], "abc", *FRAME["size"][6:]]))
    with pytest.raises(CellError) as cell:
        build_dataset(Table(bad_cell, source="t.csv"), schema, with_target=True, strict=True)
    assert (cell.value.column, cell.value.row, cell.value.table) == ("size", 5, "t.csv")
    both = bad_cell.with_columns(y=pl.Series([*FRAME["y"][:2], None, *FRAME["y"][3:]]))
    with pytest.raises(TargetError) as target:
        build_dataset(Table(both), schema, with_target=True, strict=True)
    assert (target.value.column, target.value.row) == ("y", 2)
    with pytest.raises(CellError):
        build_dataset(Table(both), schema, with_target=False, strict=True)
    build_dataset(Table(FRAME), schema, with_target=True, strict=True)


def test_strict_names_the_file(tmp_path):
    for place in range(4):
        Image.new("RGB", (2, 2), (place, 0, 0)).save(tmp_path / f"{place}.png")
    table = Table(pl.DataFrame({"pic": ["0.png", "1.png", "gone.png", "3.png"]}), {"pic": tmp_path})
    schema = infer_schema(table)
    assert build_dataset(table, schema, with_target=False).notes == {2: ["Column 'pic': The file 'gone.png' is not there."]}
    with pytest.raises(CellError) as caught:
        build_dataset(table, schema, with_target=False, strict=True)
    assert (caught.value.row, caught.value.file) == (2, "gone.png")


def test_each_row_without_a_group_is_a_group_by_itself(schema):
    frame = FRAME.with_columns(who=pl.Series(["p0", None, "p0", "", "p1", *FRAME["who"][5:]]))
    groups = build_dataset(Table(frame), schema, with_target=True).groups
    assert groups.dtype.kind == "i"
    assert groups[0] == groups[2]
    assert len({groups[0], groups[1], groups[3], groups[4]}) == 4
    assert (groups < 0).sum() == 2
    other = build_dataset(Table(frame[::-1]), schema, with_target=True).groups
    assert other[-1] == groups[0]


def test_join_counts_the_other_rows_on(schema):
    frame = FRAME.with_columns(who=pl.Series([None, *FRAME["who"][1:]]), y=pl.Series([*FRAME["y"][:29], None]))
    data = build_dataset(Table(frame), schema, with_target=True)
    both = data.join(data)
    assert both.rows.tolist() == [*range(29), *range(30, 59)]
    assert [bad.row for bad in both.quarantine] == [29, 59]
    assert (both.num_table_rows, len(both.target), len(both.cells["note"])) == (60, 58, 58)
    assert both.groups[0] != both.groups[29]
    assert both.groups[1] == both.groups[30]


def test_take_and_set_aside(schema):
    data = build_dataset(Table(FRAME), schema, with_target=True)
    part = data.take(np.array([5, 2, 9]))
    assert part.rows.tolist() == [5, 2, 9]
    assert part.target.tolist() == [FRAME["y"][place] for place in (5, 2, 9)]
    assert part.cells["note"].values.tolist() == [NOTES[place] for place in (5, 2, 9)]
    assert part.num_table_rows == 30
    less = part.set_aside({0: ("pic", "It is damaged."), 2: ("pic", "So is this.")})
    assert less.rows.tolist() == [2]
    assert [(bad.row, bad.reason) for bad in less.quarantine] == [(5, "It is damaged."), (9, "So is this.")]
    assert not part.quarantine
    assert len(part) == 3
    assert len(data.take(np.array([], dtype=int))) == 0


def test_a_table_without_rows(schema):
    assert len(build_dataset(Table(FRAME.head(0)), schema, with_target=False)) == 0
