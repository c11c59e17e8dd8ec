"""CSV and its relatives: every cell comes back as it was written, or the error names the line."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import TableError
from consilience.data.table import _rows as rows_module
from consilience.data.table import read_table
from consilience.data.table._delimited import read_delimited

TRICKY = st.sampled_from([*",;\t|\n\r\"\\' #", '""', "\r\n", "\ufeff", "名称", "é", "🙂", "a,b", '"x', 'x"', "NULL", "NA", "sep=;", "0012"])
CELL = st.none() | st.lists(TRICKY | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4), max_size=4).map("".join)
CELLS = st.lists(CELL, min_size=6, max_size=6)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    width, height = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    return pl.DataFrame({f"name{place}": pl.Series(draw(CELLS)[:height], dtype=pl.String) for place in range(width)})


def without_empty(frame: pl.DataFrame) -> pl.DataFrame:
    """In CSV an empty cell is a missing one."""
    return frame.with_columns(pl.when(pl.all() == "").then(None).otherwise(pl.all()).name.keep())


@settings(max_examples=100, deadline=None)
@given(frames(), st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_what_polars_writes_is_read_back(frame: pl.DataFrame, separator: str, mark: bool) -> None:
    if frame.width == 1:  # nothing shows what another separator was
        separator = ","
    data = frame.write_csv(separator=separator, include_bom=mark).encode()
    assert read_delimited(data, "t.csv").equals(without_empty(frame))


@settings(max_examples=60, deadline=None)
@given(frames(), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
def test_what_python_writes_is_read_back(frame: pl.DataFrame, quoting: int, end: str) -> None:
    out = io.StringIO(newline="")
    if any("\r" in cell for row in frame.rows() for cell in row if cell):  # Python leaves a return unquoted, as if it belonged to the line's end
        quoting = csv.QUOTE_ALL
    writer = csv.writer(out, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow(frame.columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in frame.rows()])
    assert read_delimited(out.getvalue().encode(), "t.csv").equals(without_empty(frame))


@settings(max_examples=60, deadline=None)
@given(frames())
def test_the_slow_way_reads_the_same(frame: pl.DataFrame) -> None:
    body = frame.write_csv(quote_style="always").encode()
    text = rows_module.Text(body, "t.csv", 0, ",")
    fast = rows_module.read_fast(text)
    assert fast is not None
    assert without_empty(fast).equals(without_empty(rows_module.read_slow(text)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_chinese_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("名称,评论\n一,这个商品很好，我很喜欢\n二,一般般\n".encode(encoding))
    assert read_table(path).frame.rows() == [("一", "这个商品很好，我很喜欢"), ("二", "一般般")]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Zürich,café"),
        ("cp1252", "it’s,“good”"),
        ("utf-16-le", "Москва,город"),
        ("cp1251", "Москва,город"),
        ("big5", "臺北很好的商品,我喜歡"),
        ("cp949", "서울정말좋은상품이에요,부산안녕하세요정말좋은"),
        ("utf-8", "Zürich,名"),
    ],
)
def test_other_encodings(encoding: str, text: str) -> None:
    assert read_delimited(f"a,b\n{text}\n".encode(encoding), "t.csv").rows() == [tuple(text.split(","))]


@pytest.mark.parametrize(
    ("data", "suffix", "columns", "rows"),
    [
        (b"a", ".csv", ["a"], []),
        (b"a,b", ".csv", ["a", "b"], []),
        (b"a\nx\n\ny\n", ".csv", ["a"], [("x",), (None,), ("y",)]),
        (b"a,b\r\n1,\r\n\r\n   \r\n3,4", ".csv", ["a", "b"], [("1", None), ("3", "4")]),
        (b"\n\na;b\n1,5;2\n", ".csv", ["a", "b"], [("1,5", "2")]),
        (b"a\tb\nx, y\tz, w\n", ".csv", ["a", "b"], [("x, y", "z, w")]),
        (b"a|b\n1|2\n", ".txt", ["a", "b"], [("1", "2")]),
        (b"text\nHello, world\nno comma\n", ".txt", ["text"], [("Hello, world",), ("no comma",)]),
        (b"sep=;\r\na;b\r\n1;2\r\n", ".csv", ["a", "b"], [("1", "2")]),
        (b"a,,c,\n1,2,3,4\n", ".csv", ["a", "column_2", "c", "column_4"], [("1", "2", "3", "4")]),
        (b" a , b\n 1 ,2\n", ".csv", ["a", "b"], [(" 1 ", "2")]),
        (b'"a\nx",b\n1,2\n', ".csv", ["a\nx", "b"], [("1", "2")]),
        (b'a,b\n5" pipe,say "hi"\n', ".csv", ["a", "b"], [('5" pipe', 'say "hi"')]),
        (b'a\tb\n"Hi\tx\nyo\t"z\n', ".tsv", ["a", "b"], [('"Hi', "x"), ("yo", '"z')]),
        (b"a,b\r1,2\r3,4\r", ".csv", ["a", "b"], [("1", "2"), ("3", "4")]),
        (b"a,b\n1,\x002\n", ".csv", ["a", "b"], [("1", "2")]),
        (b"zip,b\n00501,1e5\n", ".csv", ["zip", "b"], [("00501", "1e5")]),
        (b"a,b\n,\n1,2\n", ".csv", ["a", "b"], [(None, None), ("1", "2")]),
    ],
)
def test_layouts(data: bytes, suffix: str, columns: list[str], rows: list[tuple[str | None, ...]]) -> None:
    frame = read_delimited(data, "t" + suffix, suffix)
    assert frame.columns == columns
    assert frame.rows() == rows
    assert set(frame.dtypes) <= {pl.String}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\r\n\n", "nothing but blank lines"),
        (b"a,b\n1,2\n1,2,3\n4\n", "Line 3 has 3 cells, the header has 2 (separated by comma). 1 more line does not fit either. Found: '1,2,3'."),
        (b"\n\na;b\n1;2;3\n", "Line 4 has 3 cells, the header has 2 (separated by semicolon)."),
        (b'a,b\n"x\ny",2\n1\n', "Line 4 has 1 cell, the header has 2"),
        (b'a,b\nx "q",2\n\n1\n', "Line 4 has 1 cell, the header has 2"),
        (b"text\nHello, world\n", "Line 2 has 2 cells, the header has 1 (separated by comma)."),
        (b"a,b,a,b,c\n", "more than once: 'a', 'b'."),
        (b'a,b\n1,2\n"open,2\n3,4\n', "record that begins in line 3"),
        (b'a,b\n"abc" d,3\n', "record that begins in line 2"),
        (b"PK\x03\x04rest", "xlsx or zip"),
        (b"\x89PNG\r\n", "PNG"),
        (bytes(range(256)) * 3, "not a text"),
        ("é,ü\n".encode() * 9 + b"\xff,1\n", "Line 10 holds bytes that are no UTF-8 text: ff."),
        ("a,b\n1,2\n".encode("utf-16") + b"\0", "no UTF-16-LE text"),
    ],
)
def test_errors_name_the_place(data: bytes, said: str) -> None:
    with pytest.raises(TableError) as caught:
        read_delimited(data, "folder/t.csv")
    assert said in str(caught.value)
    assert "folder/t.csv" in str(caught.value)
    assert caught.value.hint


def test_many_rows_with_quotes_and_line_breaks() -> None:
    cells = ["a,b", "x\ny", "\n\n\n", 'q "q" q', "plain" * 5, '"\n,"', None, "名\n称"]
    frame = pl.DataFrame({"a": cells * 20_000, "b": cells[::-1] * 20_000})
    assert read_delimited(frame.write_csv().encode(), "t.csv").equals(frame)


def test_long_cells_and_many_slow_rows() -> None:
    rows = 60_001
    data = b"a,b\n" + b'say "hi",1\n' * rows + b'x"y' + b"z" * 200_000 + b",2\n"
    frame = read_delimited(data, "t.csv")
    assert frame.height == rows + 1
    assert frame["a"].str.len_chars().max() == 200_003
    assert csv.field_size_limit() == 131_072


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(str(path)).frame.rows() == [("1", "2")]
    path.write_bytes(gzip.compress(b"a,b\n1,2\n" * 100)[:-20])
    with pytest.raises(TableError, match="compressed file is damaged"):
        read_table(path)


def test_bases_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("icon,text\na.png,x\n")
    monkeypatch.chdir(tmp_path)
    table = read_table("t.csv")
    assert table.bases == {"icon": tmp_path, "text": tmp_path}
    assert table.source == "t.csv"
    assert read_table(table) is table


def test_numbers_on_request(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n,f,zip,s,e\n1,1.5,012,x,\n,2,2,3,\n")
    frame = read_table(tmp_path / "t.csv", columns_as_text=False).frame
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String, pl.String, pl.String]
    assert frame["n"].to_list() == [1, None]
