"""Tables in memory, from every library that people keep them in."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from consilience.core.errors import TableError
from consilience.data.table import read_table

Shade = Enum("Shade", {"dark": "dark", "light": "light"})


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def column(cells: list[Any]) -> pl.Series:
    return read_table({"a": cells}).frame["a"]


@pytest.mark.parametrize(
    ("cells", "dtype", "want"),
    [
        ([1, None], pl.Int64, [1, None]),
        ([1, 2.5, float("nan")], pl.Float64, [1.0, 2.5, None]),
        ([True, None], pl.Boolean, [True, None]),
        ([1, "a", None, 2.5], pl.String, ["1", "a", None, "2.5"]),
        ([True, 1], pl.String, ["True", "1"]),
        ([None, None], pl.String, [None, None]),
        ([2**70, 1], pl.String, [str(2**70), "1"]),
        ([np.float32(1.5), np.int8(2)], pl.Float64, [1.5, 2.0]),
        ([np.datetime64("2024-01-02"), None], pl.Datetime("us"), [datetime(2024, 1, 2), None]),
        ([np.datetime64("NaT"), 1], pl.Int64, [None, 1]),
        ([date(2024, 1, 2), None], pl.Date, [date(2024, 1, 2), None]),
        ([date(2024, 1, 2), datetime(2024, 1, 2, 3)], pl.Datetime("us"), [datetime(2024, 1, 2), datetime(2024, 1, 2, 3)]),
        ([timedelta(minutes=1)], pl.Float64, [60.0]),
        ([Decimal("1.5"), 1], pl.Float64, [1.5, 1.0]),
        ([Path("a/b.png"), "c.png"], pl.String, [str(Path("a/b.png")), "c.png"]),
        ([Shade["dark"], None], pl.String, ["dark", None]),
        ([["a", "b"], None, []], pl.List(pl.String), [["a", "b"], None, []]),
        ([("a", 1)], pl.List(pl.String), [["a", "1"]]),
        ([{"b", "a"}], pl.List(pl.String), [["a", "b"]]),
        ([np.array([1.5, 2.5])], pl.List(pl.Float64), [[1.5, 2.5]]),
        (["a", ["b", "c"]], pl.String, ["a", '["b", "c"]']),
        ([{"k": (1, float("nan"))}], pl.String, ['{"k": [1, null]}']),
        ([[[1, 2], [3, 4]]], pl.String, ["[[1, 2], [3, 4]]"]),
        ([np.array([[-1.5]])], pl.String, ["[[-1.5]]"]),
        ([b"x", bytearray(b"y"), None], pl.Binary, [b"x", b"y", None]),
        ([{"bytes": b"x", "path": "p"}, {"bytes": None, "path": None}], pl.Binary, [b"x", None]),
        ([{"bytes": None, "path": "p"}], pl.String, ["p"]),
        (["\ud800x"], pl.String, ["\ufffdx"]),
        ([1j], pl.String, ["1j"]),
    ],
)
def test_cells_of_every_sort(cells: list[Any], dtype: Any, want: list[Any]) -> None:
    got = column(cells)
    assert got.dtype == dtype
    assert got.to_list() == want


def test_moments_with_and_without_zone() -> None:
    east = timezone(timedelta(hours=8))
    assert column([datetime(2024, 1, 2, 8, tzinfo=east)]).to_list() == [datetime(2024, 1, 2, tzinfo=timezone.utc)]
    assert column([datetime(2024, 1, 2, 8, tzinfo=east), datetime(2024, 1, 2)]).dtype == pl.String


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.one_of(
                *(
                    st.none(),
                    st.booleans(),
                    st.integers(),
                    st.floats(),
                    st.text(),
                    st.binary(),
                    st.dates(),
                    st.times(),
                    st.timedeltas(),
                    st.decimals(),
                ),
                st.datetimes(timezones=st.none() | st.timezones()),
            ),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
            max_leaves=4,
        ),
        max_size=4,
    )
)
def test_no_mixture_crashes_and_no_row_is_lost(cells: list[Any]) -> None:
    got = column(cells)
    assert len(got) == len(cells)
    for cell, there in zip(cells, got.is_not_null(), strict=True):
        if isinstance(cell, (bool, int, str, bytes, date, list)):
            assert there


def test_pictures_become_png() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    colour = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    alpha = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for array in (grey, colour, alpha):
        got = column([array, None, Image.fromarray(array)])
        assert got.dtype == pl.Binary
        assert got[1] is None
        assert np.array_equal(pixels(got[0]), array)
        assert np.array_equal(pixels(got[2]), array)
    assert np.array_equal(pixels(column([grey / 255.0])[0]), grey)
    assert np.array_equal(pixels(column([grey.astype(float)])[0]), grey)
    assert np.array_equal(pixels(column([grey.astype(np.int64)])[0]), grey)
    assert np.array_equal(pixels(column([np.moveaxis(np.repeat(colour, 2, axis=1), 2, 0)])[0]), np.repeat(colour, 2, axis=1))
    assert np.array_equal(pixels(column([grey > 100])[0]), (grey > 100) * np.uint8(255))
    assert pixels(column([Image.new("CMYK", (2, 2))])[0]).shape == (2, 2, 3)


def test_the_scale_of_pictures_belongs_to_the_column() -> None:
    dark, bright = np.ones((2, 2)), np.full((2, 2), 200.0)
    assert pixels(column([dark, bright])[0]).max() == 1
    assert pixels(column([dark])[0]).max() == 255


def test_pictures_of_an_array_and_of_polars_arrays() -> None:
    batch = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    for source in ({"a": batch}, pl.DataFrame({"a": pl.Series(batch)}), pl.DataFrame({"a": pl.Series(batch[..., 0])})):
        got = read_table(source).frame["a"]
        want = batch if pixels(got[0]).ndim == 3 else batch[..., 0]
        assert np.array_equal(pixels(got[1]), want[1])


def test_bytes_beside_paths(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"content")
    assert column([b"x", str(tmp_path / "a.bin"), "gone.png"]).to_list() == [b"x", b"content", b"gone.png"]


def test_polars_frames() -> None:
    frame = pl.DataFrame({"a": ["x", None], "t": pl.Series([timedelta(1), None]), "n": pl.Series([None, None])})
    for source in (frame, frame.lazy()):
        table = read_table(source)
        assert table.frame.rows() == [("x", 86400.0, None), (None, None, None)]
        assert table.bases == {}
        assert table.source == "the table"
    assert read_table(pl.DataFrame(schema={"a": pl.String})).frame.height == 0
    with pytest.raises(TableError, match="cannot be taken"):
        read_table(frame.lazy().select("gone"))


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    source = pd.DataFrame(
        {
            "s": ["a", None, pd.NA],
            "i": pd.array([1, None, 3], dtype="Int64"),
            "f": [1.5, float("nan"), 2.0],
            "b": [True, False, True],
            "o": [1, "x", None],
            "d": pd.to_datetime(["2024-01-02", None, "2024-01-03"]),
            "z": pd.to_datetime(["2024-01-02T08:00+08:00"] * 3, utc=False),
            "c": pd.Categorical(["u", "v", None]),
            "l": [["x"], None, ["y", "z"]],
            "m": [pd.Timestamp("2024-01-02"), pd.NaT, None],
            "t": pd.to_timedelta([1, 2, None], unit="s"),
            3: [1, 2, 3],
        },
        index=[5, 5, 7],
    )
    frame = read_table(source).frame
    noon = datetime(2024, 1, 2, tzinfo=timezone.utc)
    assert frame.row(0) == ("a", 1, 1.5, True, "1", datetime(2024, 1, 2), noon, "u", ["x"], datetime(2024, 1, 2), 1.0, 1)
    assert frame.row(1) == (None, None, None, False, "x", None, noon, "v", None, None, 2.0, 2)
    assert frame.row(2) == (None, 3, 2.0, True, None, datetime(2024, 1, 3), noon, None, ["y", "z"], None, None, 3)
    assert frame.columns[-1] == "3"
    with pytest.raises(TableError, match="more than once: 'a'"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(TableError, match="to_frame"):
        read_table(pd.Series([1]))


def test_pyarrow() -> None:
    pa = pytest.importorskip("pyarrow")
    source = pa.table({"a": ["x", None], "c": pa.array(["u", "v"]).dictionary_encode(), "l": [["p"], None], "s": [{"k": 1}, None]})
    assert read_table(source).frame.rows() == [("x", "u", ["p"], '{"k": 1}'), (None, "v", None, None)]
    assert read_table(source.to_batches()[0]).frame.height == 2
    with pytest.raises(TableError, match="more than once: 'a'"):
        read_table(pa.table([[1], [2]], names=["a", "a"]))


def test_hugging_face_data_sets() -> None:
    pytest.importorskip("pyarrow")
    datasets = pytest.importorskip("datasets")
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    tags = datasets.Sequence(datasets.ClassLabel(names=["x", "y"]))
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"]), "tags": tags, "text": datasets.Value("string")}
    )
    source = datasets.Dataset.from_dict({"image": [picture, None], "label": [1, 0], "tags": [[0, 1], []], "text": ["a", None]}, features=features)
    frame = read_table(source).frame
    assert np.array_equal(pixels(frame["image"][0]), np.asarray(picture))
    assert frame.drop("image").rows() == [("dog", ["x", "y"], "a"), ("cat", [], None)]
    assert read_table(source.select([1])).frame["label"].to_list() == ["cat"]
    with pytest.raises(TableError, match="'train'"):
        read_table(datasets.DatasetDict({"train": source}))
    with pytest.raises(TableError, match="streamed"):
        read_table(source.to_iterable_dataset())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "'a' 2, 'b' 1"),
        ({"a": "x.png", "b": 1}, "single values"),
        ({"a": [1], 1: [2], "1": [3]}, "more than once: '1'"),
        ({}, "no columns"),
        ([], "empty"),
        ([1, 2], "A list is no table"),
        (3, "A int is no table"),
        (b"a,b", "A bytes is no table"),
        (pl.DataFrame(), "no columns"),
        (pl.Series("a", [1]), "to_frame"),
    ],
)
def test_what_is_no_table(source: Any, said: str) -> None:
    with pytest.raises(TableError) as caught:
        read_table(source)
    assert said in str(caught.value)
    assert caught.value.hint


def test_records_with_different_keys() -> None:
    assert read_table([{"a": 1, "b": "x"}, {"c": None, "a": 2}]).frame.rows() == [(1, "x", None), (2, None, None)]


def test_a_column_without_a_name_gets_one() -> None:
    assert read_table(pl.DataFrame({"": [1], "a": [2]})).frame.columns == ["column_1", "a"]


def test_reading_imports_no_other_table_library(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    code = (
        "import sys; from consilience.data.table import read_table; read_table(sys.argv[1]); read_table({'a': [1, 'x', [2]]});"
        "print(sorted({'pandas', 'pyarrow', 'datasets', 'torch', 'python_calamine'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "t.csv")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
