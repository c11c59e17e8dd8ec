"""Files of numbers: what they hold, and that no file makes the reader ask for much memory, run code or fail otherwise than by a cell error."""

from __future__ import annotations

import io
import pickle
from contextlib import suppress

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import _arrays
from consilience.data.kinds._arrays import peek, peek_shape, read_array, read_named
from consilience.data.kinds._paths import Outside


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "<i2", ">i8", "|u1", "|b1"])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_come_back(dtype, shape, order):
    array = np.asarray(np.arange(int(np.prod(shape))).reshape(shape) % 2, dtype=dtype, order=order)
    made = read_array(npy(array))
    np.testing.assert_array_equal(made, array)
    assert made.dtype.isnative
    assert peek_shape(npy(array)) == shape


@pytest.mark.parametrize(
    ("text", "values", "names"),
    [
        ("1 2 3\n4 5 6\n", [[1, 2, 3], [4, 5, 6]], ()),
        ("time,x\n0,1\n1,\n2,nan\n", [[0, 1], [1, None], [2, None]], ("time", "x")),
        ("1\n2\n3\n", [1, 2, 3], ()),
        ("1,2,3", [1, 2, 3], ()),
        ("value\n1\n2\n", [1, 2], ()),
        ("2024-01-01T00:00:00,5\n1970-01-02,6\n", [[1704067200, 5], [86400, 6]], ()),
        ("1;2,5\n2;3,5\n", [[1, 2.5], [2, 3.5]], ()),
        ("# said\n\n 1\t 2\n3\t4\n", [[1, 2], [3, 4]], ()),
        ("\ufeff1,2\n3,4", [[1, 2], [3, 4]], ()),
        ('"a","b"\n"1","2"\n"3","4"', [[1, 2], [3, 4]], ("a", "b")),
        ("lat,lon\n1,2\n", [[1, 2]], ("lat", "lon")),
        ("1e308,1\n-2,3\n", [[1e308, 1], [-2, 3]], ()),
    ],
)
def test_texts(text, values, names):
    made, seen = read_named(text.encode()), peek(text.encode())
    np.testing.assert_array_equal(made.values, np.array(values, dtype=np.float64))
    assert made.names == names
    assert seen is not None
    assert (seen.shape, seen.names) == (made.values.shape, names)


def test_texts_of_two_bytes_a_letter():
    assert read_array("1 2\n3 4".encode("utf-16")).tolist() == [[1, 2], [3, 4]]


def test_parquet_with_times_and_gaps():
    body = parquet(Time=pl.Series([0, 1_500_000], dtype=pl.Datetime("us")), x=[None, 2])
    made = read_named(body)
    np.testing.assert_array_equal(made.values, [[0, np.nan], [1.5, 2]])
    assert made.names == ("time", "x")
    assert peek_shape(body) == (2, 2)


def test_a_long_file_is_peeked_at_by_its_first_lines(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "1.25,3.5\n" * 50_000)
    rows, columns = peek_shape(path)
    assert columns == 2
    assert 45_000 < rows < 55_000
    path.write_text(",".join(["1.25"] * 100_000))
    assert 90_000 < peek_shape(path)[0] < 110_000
    assert read_array(path).shape == (100_000,)


class Trap:
    """Unpickling it would fail the test."""

    def __reduce__(self):
        return pytest.fail, ("The file was unpickled.",)


BROKEN = {
    "objects": npy(np.array([Trap()], dtype=object)),
    "words": npy(np.array(["a"])),
    "complex": npy(np.zeros(3, dtype=complex)),
    "records": npy(np.zeros(3, dtype=[("a", float), ("b", float)])),
    "cut off": npy(np.arange(50.0))[:-4],
    "no header": b"\x93NUMPY",
    "header cut off": npy(np.arange(5))[:20],
    "header of 64 KiB": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
    "header of 4 GiB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 100,
    "header without sense": b"\x93NUMPY\x01\x00\x10\x00" + b"{'descr': 1 / 0}",
    "deep header": b"\x93NUMPY\x01\x00\x00\x0f" + b"(" * 3840,
    "many minus signs": b"\x93NUMPY\x01\x00\x00\x0f" + b"-" * 3839 + b"1",
    "negative shape": npy(np.arange(5)).replace(b"(5,)", b"(-5)"),
    "shape that lies": npy(np.arange(5)).replace(b"(5,), }       ", b"(49999999,), }"),
    "too many": npy(np.arange(5)).replace(b"(5,), }          ", b"(99999999999,), }"),
    "overflowing shape": npy(np.arange(5)).replace(b"(5,), }                ", b"(2**62, 2**62, 4,), }  "),
    "pickle": pickle.dumps(Trap()),
    "empty": b"",
    "blank": b" \n \n",
    "names only": b"a,b\n",
    "text among numbers": b"a,b\n1,2\n3,x\n",
    "unlike lines": b"1,2\n3,4,5\n",
    "zip": b"PK\x03\x04\0\0\0\0",
    "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "parquet cut off": parquet(a=[1, 2, 3])[:-20],
    "parquet without a body": b"PAR1",
    "parquet of words": parquet(a=["x", "y"]),
    "parquet without rows": parquet(a=pl.Series([], dtype=pl.Float64)),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_cell_error_with_the_file(body, tmp_path):
    with pytest.raises(CellError):
        read_array(body)
    (tmp_path / "file.npy").write_bytes(body)
    with pytest.raises(CellError) as caught:
        read_array(tmp_path / "file.npy")
    assert "file.npy" in str(caught.value)
    peek_shape(tmp_path / "file.npy")


def test_text_among_numbers_is_named_with_its_place():
    with pytest.raises(CellError) as caught:
        read_array(b"a,b\n1,2\n3,x\n")
    assert "column 'b', line 3" in str(caught.value)
    assert "'x'" in str(caught.value)


def test_more_numbers_than_allowed_are_refused(monkeypatch):
    monkeypatch.setattr(_arrays, "MAX_NUMBERS", 10)
    for body in (npy(np.arange(11)), b"1\n" * 11, parquet(a=list(range(11)))):
        with pytest.raises(CellError, match="more than 10"):
            read_array(body)


def test_a_file_with_too_many_bytes_is_not_read(monkeypatch, tmp_path):
    monkeypatch.setattr(_arrays, "MAX_BYTES", {"npy": 100, "parquet": 100, "text": 100})
    (tmp_path / "a.csv").write_text("1\n" * 100)
    for value in (tmp_path / "a.csv", b"1\n" * 100):
        with pytest.raises(CellError, match="200 bytes"):
            read_array(value)


def test_what_is_gone_or_outside(tmp_path):
    for value in (tmp_path / "gone.npy", Outside("../x.npy"), tmp_path):
        with pytest.raises(CellError):
            read_array(value)
        assert peek_shape(value) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PAR1", b"1,2\n"]))
def test_no_bytes_make_it_fail_otherwise(body, start):
    peek_shape(start + body)
    with suppress(CellError):
        assert read_array(start + body).dtype.kind in "biuf"
