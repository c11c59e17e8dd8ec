"""Whatever polars writes is read back the same, in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.properties.conftest import examples
from tests.properties.tables import ANY_NAME, BINARY, NESTED, PLAIN, as_read, frames, same_cell

from consilience.core.errors import TableError
from consilience.data.table import read_table

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
WRITABLE = [part for part in PLAIN if not isinstance(part[0], pl.Duration)]


def check(found: pl.DataFrame, wanted: dict[str, list[Any]], what: object) -> None:
    assert found.columns == list(wanted), what
    for name, cells in wanted.items():
        got = found[name].to_list()
        assert len(got) == len(cells), (what, name)
        assert all(map(same_cell, got, cells)), (what, name, got, cells)


@examples(150)
@given(frames([*PLAIN, BINARY, *NESTED]), st.sampled_from(["parquet", "arrow", "feather", "stream.arrow"]))
def test_typed_formats(tmp_path: Path, frame: pl.DataFrame, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    {"parquet": frame.write_parquet, "stream.arrow": frame.write_ipc_stream}.get(suffix, frame.write_ipc)(path)
    wanted = {column.name: [as_read(cell, column.dtype) for cell in column.to_list()] for column in frame.iter_columns()}
    check(read_table(path).frame, wanted, frame)
    check(read_table(frame).frame, wanted, frame)


def from_json(cells: list[Any], dtype: pl.DataType) -> list[Any]:
    """What the reader makes of JSON values of one column: more than 64 bits are text, nested cells JSON."""
    flat = [item for cell in cells if cell is not None for item in cell] if isinstance(dtype, pl.List) else cells
    if any(isinstance(item, (list, dict)) for item in flat):
        return [None if cell is None else ("json", cell) for cell in cells]
    if any(isinstance(item, int) and not -(2**63) <= item < 2**63 for item in flat):
        if isinstance(dtype, pl.List):
            return [None if cell is None else [None if item is None else str(item) for item in cell] for cell in cells]
        return [None if cell is None else str(cell) for cell in cells]
    return cells


@examples(150)
@given(frames([*PLAIN, *NESTED]), st.booleans())
def test_json(tmp_path: Path, frame: pl.DataFrame, lines: bool) -> None:
    path = tmp_path / ("t.jsonl" if lines else "t.json")
    try:
        text = frame.write_ndjson() if lines else frame.write_json()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        assume(False)  # what polars cannot write
    path.write_text(text, encoding="utf-8", newline="")
    if frame.is_empty():
        with pytest.raises(TableError, match="empty"):
            read_table(path)
        return
    records = [json.loads(line) for line in text.split("\n") if line] if lines else json.loads(text)
    wanted = {column.name: from_json([record[column.name] for record in records], column.dtype) for column in frame.iter_columns()}
    check(read_table(path).frame, wanted, text)


def written(frame: pl.DataFrame, separator: str, **options: Any) -> tuple[bytes, list[list[str]]]:
    """What polars writes, and its cells as the csv module finds them."""
    text = frame.write_csv(separator=separator, **options)
    records = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator))
    return text.encode(), [record or [""] for record in records]


@examples(200)
@given(
    frames(WRITABLE, names=ANY_NAME.filter(lambda name: name.strip() and not set(name) & set(",;|\t\r"))),
    st.sampled_from(list(SEPARATORS)),
    st.sampled_from(["necessary", "always", "non_numeric"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "NA", "null", "-"]),
    st.booleans(),
    st.sampled_from([".csv", ".tsv", ".txt"]),
)
def test_delimited(
    tmp_path: Path,
    frame: pl.DataFrame,
    separator: str,
    quotes: Literal["necessary", "always", "non_numeric"],
    end: str,
    null: str,
    mark: bool,
    suffix: str,
) -> None:
    assume(not frame.columns[0].startswith("\ufeff"))  # at the start of a file it is the mark itself; a second one is taken for it too
    if frame.width == 1:  # nothing shows what the separator is
        separator = "\t" if suffix in (".tsv", ".txt") else ","
    # Polars leaves a lone return outside quotes, where no reader can tell it from the end of a line.
    if any(isinstance(cell, str) and "\r" in cell for row in frame.rows() for cell in row):
        quotes = "always"
    data, records = written(frame, separator, quote_style=quotes, line_terminator=end, null_value=null, include_bom=mark)
    path = tmp_path / f"t{suffix}"
    path.write_bytes(data)
    found = read_table(path).frame
    assert found.columns == [name.strip() for name in frame.columns]
    assert set(found.dtypes) == {pl.String}
    assert found.rows() == [tuple(cell or None for cell in record) for record in records[1:]]
    assert found.height == frame.height


@examples(60)
@given(frames([part for part in PLAIN if part[0].is_numeric() or part[0] in (pl.Boolean, pl.Date)], names=st.sampled_from("abcdefgh"), max_columns=4))
def test_numbers_in_text_keep_their_value(tmp_path: Path, frame: pl.DataFrame) -> None:
    (tmp_path / "t.csv").write_text(frame.write_csv(), encoding="utf-8", newline="")
    found = read_table(tmp_path / "t.csv").frame
    for column in frame.iter_columns():
        for cell, text in zip(column.to_list(), found[column.name].to_list(), strict=True):
            if cell is None:
                assert text is None
            elif isinstance(cell, float):
                assert repr(pl.Series([float(text)], dtype=column.dtype)[0]) == repr(cell)
            else:
                assert {True: "true", False: "false"}[cell] == text if isinstance(cell, bool) else str(cell) == text


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize(("rows", "width"), [(0, 3), (1, 1), (1, 2000), (3, 2000), (5000, 2)])
def test_shapes(tmp_path: Path, suffix: str, rows: int, width: int) -> None:
    frame = pl.DataFrame({f"c{place}": pl.Series([f"{place}/{row}" for row in range(rows)], dtype=pl.String) for place in range(width)})
    path = tmp_path / f"t.{suffix}"
    writers = {
        "csv": frame.write_csv,
        "jsonl": frame.write_ndjson,
        "json": frame.write_json,
        "parquet": frame.write_parquet,
        "arrow": frame.write_ipc,
    }
    if suffix == "tsv":
        frame.write_csv(path, separator="\t")
    else:
        writers[suffix](path)
    if not rows and suffix.startswith("json"):
        with pytest.raises(TableError, match="empty"):
            read_table(path)
        return
    assert read_table(path).frame.equals(frame)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'[{{"a": {"9" * 5000}}}]', "9" * 5000),
        (f'[{{"a": {"9" * 400}}}, {{"a": 1.5}}]', "9" * 400),
        ('[{"a": "\\ud800x"}]', "\ufffdx"),
        ('[{"a": 1e400}]', float("inf")),
    ],
)
def test_values_that_python_has_no_place_for(tmp_path: Path, text: str, found: object) -> None:
    (tmp_path / "t.json").write_text(text)
    assert read_table(tmp_path / "t.json").frame["a"][0] == found


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('[{"\\ud800": 1, "": 2, "column_0": 3}]')
    assert read_table(tmp_path / "t.json").frame.rows(named=True) == [{"\ufffd": 1, "column_1": 2, "column_0": 3}]
    (tmp_path / "t.json").write_text('[{"\\ud800": 1, "\\udc00": 2}]')
    with pytest.raises(TableError, match="more than once"):
        read_table(tmp_path / "t.json")


@pytest.mark.parametrize("depth", [5, 500, 5000])
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_nesting_ends_somewhere(tmp_path: Path, depth: int, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    record = f'{{"a": {"[" * depth}{"]" * depth}}}'
    path.write_text(record if suffix == "jsonl" else f"[{record}]")
    if depth < 100:
        assert json.loads(read_table(path).frame["a"][0]) == json.loads(record)["a"]
        return
    with pytest.raises(TableError, match=r"nested too deeply|no JSON"):
        read_table(path)


def test_a_return_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a\rx,b\n1,2\n")
    with pytest.raises(TableError, match="line 1 a carriage return stands outside quotes"):
        read_table(tmp_path / "t.csv")
