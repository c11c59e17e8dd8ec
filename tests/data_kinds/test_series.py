"""Series: what cells mean, what belongs to other kinds, and what is said of cells that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._signal import Signal, stack
from consilience.testing._fake_series import fake_series_column
from consilience.testing.kind_checks import check_kind

KIND = KINDS.get("series")()
NAN = float("nan")


def read(cell) -> list:
    return KIND.read(cell).values.tolist()


def problem(cell) -> str:
    parsed = KIND.parse(pl.Series("x", [cell, "1 2 3"]) if isinstance(cell, str) else pl.Series("x", [cell], dtype=pl.List(pl.Float64)))
    assert not parsed.present[0]
    return parsed.problems[0]


def test_the_kind_keeps_its_contract(tmp_path):
    check_kind(KIND, fake_series_column())
    check_kind(KIND, fake_series_column(folder=tmp_path))


def test_the_kind_keeps_its_contract_with_lists_and_several_channels():
    draw = np.random.default_rng(0)
    cells = [None, *(draw.normal(size=(9 + row, 2)).tolist() for row in range(8))]
    check_kind(KIND, pl.Series("x", cells, dtype=pl.List(pl.List(pl.Float64))))
    check_kind(KIND, pl.Series("x", [None if cell is None else json.dumps(cell) for cell in cells]))


@pytest.mark.parametrize(
    "cell",
    ["1 2.5 3", "1, 2.5, 3", "1,2.5,3", "1;2.5;3", "1; 2.5; 3;", "1\n2.5\n3", "1\t2.5\t3", "[1, 2.5, 3]", "[1 2.5 3]", "(1, 2.5, 3)", "1,0 2,5 3,0",
     "1,0;2,5;3",      '{"value": [1, 2.5, 3]}', '[{"v": 1}, {"v": 2.5}, {"v": 3}]', [1, 2.5, 3], [[1], [2.5], [3]], {"v": [1, 2.5, 3]}],
)  # fmt: skip
def test_one_series_in_many_spellings(cell):
    assert read(cell) == [[1.0], [2.5], [3.0]]


@pytest.mark.parametrize(
    "cell", ["1 2; 3 4; 5 6", "1,2.0\n3,4\n5,6", "[[1, 2], [3, 4], [5, 6]]", '{"a": [1, 3, 5], "b": [2, 4, 6]}', [[1, 2], [3, 4], [5, 6]]]
)
def test_several_channels(cell):
    assert read(cell) == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    "cell", ["1 nan 3", "1,,3", "1; ;3", "1 ? 3", "1 NA 3", "[1, null, 3]", "[1, NaN, 3]", "1 inf 3", "1 1e999 3", [1, None, 3], [1, NAN, 3]]
)
def test_gaps_stay_gaps(cell):
    values = KIND.read(cell).values
    np.testing.assert_array_equal(values, np.array([[1], [np.nan], [3]], dtype=np.float32))


def test_times_give_the_order_and_rows_without_one_are_left_out():
    signal = KIND.read('{"time": [3, 1, null, 2], "value": [30, 10, 99, 20]}')
    assert signal.times.tolist() == [1, 2, 3]
    assert signal.values[:, 0].tolist() == [10, 20, 30]
    written = KIND.read('{"timestamp": ["2024-01-01 00:00:10", "2024-01-01"], "value": [2, 1]}')
    assert np.diff(written.times).tolist() == [10]
    assert written.values[:, 0].tolist() == [1, 2]


def test_times_since_1970_in_parts_of_a_second_become_seconds():
    signal = KIND.read('{"t": [1700000000000, 1700000000500], "v": [1, 2]}')
    assert np.diff(signal.times).tolist() == [0.5]


def test_a_track_gets_speed_and_turn():
    # A degree of longitude on the equator is 111,195 m; 100 s east, then 100 s north: 90 degrees to the left in 100 s.
    signal = KIND.read('{"lat": [0, 0, 1], "lon": [0, 1, 1], "time": [0, 100, 200]}')
    assert signal.values.shape == (3, 4)
    np.testing.assert_allclose(signal.values[:, 2], 1111.95, rtol=1e-4)
    np.testing.assert_allclose(signal.values[:, 3], [0, 0, -0.9], atol=0.01)


def test_a_track_over_the_date_line_standing_still_and_without_times():
    over = KIND.read('{"lat": [0, 0], "lon": [179.9995, -179.9995], "time": [0, 1]}')
    np.testing.assert_allclose(over.values[:, 2], 111.2, rtol=1e-3)
    still = KIND.read('{"lat": [48, 48, 48.01], "lon": [11, 11, 11]}')
    assert still.values[:, 3].tolist() == [0, 0, 0]
    assert still.values[0, 2] == 0
    again = KIND.read('{"lat": [48, 48.01], "lon": [11, 11], "time": [5, 5]}')
    assert np.isnan(again.values[1, 2])


def test_a_track_in_a_file(tmp_path):
    (tmp_path / "a.csv").write_text("Time,Lat,Lon,pulse\n10,0,0.001,71\n0,0,0,70\n")
    signal = KIND.read(tmp_path / "a.csv")
    assert signal.times.tolist() == [0, 10]
    assert signal.values.shape == (2, 5)
    np.testing.assert_allclose(signal.values[:, 3], 11.12, rtol=1e-3)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 2 abc 4", "'abc'"),
        ("nan nan nan", "All 3 values"),
        ("[null]", "only value"),
        ("[]", "no values"),
        ("{}", "no list"),
        ("[[1, 2], [3]]", "unlike numbers"),
        ("1 2;3", "unlike numbers"),
        ('{"a": [1], "b": [1, 2]}', "unlike lengths"),
        ('{"a": [1, "x"]}', "'x'"),
        ("[1, 2", "'[1'"),
        ("{1, 2", "none"),
        ('["a"]', "'a'"),
        ("[[[1]]]", "list"),
        ("[{}]", "no list"),
        ("[" * 5000 + "]" * 5000, "nested too deep"),
        ("gone.csv", "not there"),
    ],
)
def test_bad_cells_are_absent_and_the_reason_is_said(cell, said):
    assert said in problem(cell)


@pytest.mark.parametrize("cell", [[], [None, None], [NAN]])
def test_bad_lists_are_absent(cell):
    assert problem(cell)


def test_missing_words_are_no_problem():
    parsed = KIND.parse(pl.Series(["nan", "NA", "", " ", None]))
    assert not parsed.present.any()
    assert not parsed.problems


def test_one_value_huge_values_and_very_many():
    assert read("5") == [[5.0]]
    assert np.isfinite(KIND.read("1e308 -1e308 3").values).all()
    assert KIND.read("[1" + "0" * 400 + ", 1, 2]").values[1, 0] == 1
    many = KIND.read(" ".join(["1.5"] * 1_000_000))
    assert many.values.shape == (1_000_000, 1)
    assert len(KIND.thumbnail(" ".join(["1.5 2"] * 50_000))) < 20_000


def test_files_and_bytes_hold_what_cells_hold(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    pl.DataFrame({"a": [0.0, 2, 4], "b": [1.0, 3, 5]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("a,b\n0,1\n2,3\n4,5\n")
    parsed = KIND.parse(pl.Series(["a.npy", "a.parquet", "a.csv", "0 1;2 3;4 5"]), tmp_path)
    assert parsed.present.all()
    first = KIND.read(parsed.values[0])
    assert all(KIND.read(value) == first for value in parsed.values[1:])
    assert KIND.read((tmp_path / "a.npy").read_bytes()) == first


def test_a_volume_or_a_broken_file_sets_the_row_aside_with_the_file(tmp_path):
    np.save(tmp_path / "volume.npy", np.zeros((3, 3, 3)))
    (tmp_path / "text.csv").write_text("a,b\n1,x\n")
    for name in ("volume.npy", "text.csv"):
        with pytest.raises(CellError) as caught:
            KIND.read(tmp_path / name)
        assert name in str(caught.value)


def test_channels_are_joined():
    one, two = KIND.read("1 2 3"), KIND.read('{"time": [0, 1], "v": [5, 6]}')
    joined = stack([one, None, two])
    np.testing.assert_array_equal(joined.values, np.array([[1, np.nan, 5], [2, np.nan, 6], [3, np.nan, np.nan]], dtype=np.float32))
    assert joined.times is None
    assert stack([two, two]).times.tolist() == [0, 1]
    assert stack([]).values.shape == (1, 1)


def test_a_drawing_breaks_at_gaps():
    html = KIND.thumbnail("1 2 nan 4 5")
    assert html.count("M") == 2
    assert "currentColor" in html
    assert "no series" in KIND.thumbnail("1 <b> 2")
    assert "<b>" not in KIND.thumbnail("1 <b> 2")


@pytest.mark.parametrize("name", KIND.corruptions)
def test_damage_grows_and_series_of_one_point_survive(name):
    whole = KIND.read(" ".join(f"{place / 100:.4f}" for place in range(200)))
    differences = []
    for severity in range(6):
        made = KIND.corruptions[name](whole, severity, np.random.default_rng(3)).values
        differences.append(float(np.abs(np.nan_to_num(made, nan=9.0) - whole.values).mean()))
    assert differences == sorted(differences)
    assert differences[5] > 0
    for cell in ("5", "nan 5", "0 0 0", "1e308 -1e308"):
        made = KIND.corruptions[name](KIND.read(cell), 5, np.random.default_rng(0))
        assert np.isfinite(made.values).any()
        assert not np.isinf(made.values).any()


@pytest.mark.parametrize("name", KIND.augmentations)
def test_small_changes_keep_a_value(name):
    for cell in ("5", "nan 5", "0 0 0", "1e308 -1e308 1", '{"time": [0, 1, 5], "v": [1, 2, 3]}'):
        for seed in range(5):
            made = KIND.augmentations[name](KIND.read(cell), np.random.default_rng(seed))
            assert np.isfinite(made.values).any()
            assert made.times is None or len(made.times) == len(made.values)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_text_makes_it_raise(cells):
    column = pl.Series("x", cells, dtype=pl.String)
    parsed = KIND.parse(column)
    assert all(isinstance(KIND.read(value), Signal) for value in parsed.values[parsed.present] if not isinstance(value, Path))
    assert 0 <= KIND.sniff(Profile("x", column)).score <= 1


@given(st.text(alphabet='0123456789.,;- \n[]{}e"ntaul:', max_size=60))
def test_nothing_that_looks_like_numbers_makes_it_raise(cell):
    parsed = KIND.parse(pl.Series("x", [cell]))
    assert parsed.present[0] or parsed.problems or not cell.strip() or cell.strip().lower() in ("nan", "na", "null")
    KIND.sniff(Profile("x", pl.Series("x", [cell] * 3)))


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=30))
def test_numbers_come_back(values):
    for cell in (" ".join(map(repr, values)), json.dumps(values), values):
        assert KIND.read(cell).values[:, 0].tolist() == values
