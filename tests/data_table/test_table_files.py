"""The other formats, and files that are not there or not what they say."""

from __future__ import annotations

import builtins
import json
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.core.errors import MissingExtra, TableError
from consilience.data.table import read_table

TEXTS = st.lists(st.none() | st.text(max_size=6), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.sampled_from(["parquet", "jsonl", "arrow", "feather", "json"]))
def test_strings_come_back(tmp_path: Path, cells: list[str | None], suffix: str) -> None:
    frame = pl.DataFrame({"a": cells, "名 称": cells[::-1]}, schema={"a": pl.String, "名 称": pl.String})
    path = tmp_path / f"t.{suffix}"
    writers: dict[str, Callable[[Path], object]] = {"parquet": frame.write_parquet, "jsonl": frame.write_ndjson, "json": frame.write_json}
    writers.get(suffix, frame.write_ipc)(path)
    assert read_table(path).frame.equals(frame)


def test_types_stay_in_parquet_and_arrow(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "int": [1, None],
            "float": [1.5, float("nan")],
            "bool": [True, None],
            "date": [date(2024, 1, 2), None],
            "moment": [datetime(2024, 1, 2, 3), None],
            "list": [["a", "b"], None],
            "bytes": [b"\x89PNG", None],
            "image": [{"bytes": b"x", "path": "a.png"}, None],
            "nested": [{"k": [1]}, None],
            "category": pl.Series(["a", None], dtype=pl.Categorical),
        }
    )
    writers: dict[str, Callable[[Path], object]] = {"t.parquet": frame.write_parquet, "t.arrow": frame.write_ipc, "s.arrow": frame.write_ipc_stream}
    for name, write in writers.items():
        path = tmp_path / name
        write(path)
        got = read_table(path)
        assert got.frame.row(0) == (1, 1.5, True, date(2024, 1, 2), datetime(2024, 1, 2, 3), ["a", "b"], b"\x89PNG", b"x", '{"k": [1]}', "a")
        assert got.frame.row(1) == (None,) * 10
        assert got.bases["image"] == tmp_path


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('{"a": 1, "tags": ["x"]}\n\n{"b": "\u2028", "a": 2.5}\r\n{"a": NaN, "c": {"k": null}}\n', encoding="utf-8")
    frame = read_table(path).frame
    assert frame.columns == ["a", "tags", "b", "c"]
    assert frame.rows() == [(1.0, ["x"], None, None), (2.5, None, "\u2028", None), (None, None, None, '{"k": null}')]


def test_json_of_lists(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"a": [1, 2], "b": [None, "x"]}))
    assert read_table(tmp_path / "t.json").frame.rows() == [(1, None), (2, "x")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.jsonl", '{"a": 1}\n{"a": \n', "Line 2 is no JSON"),
        ("t.jsonl", '{"a": 1}\n[1]\n', "Line 2 is JSON, but no record"),
        ("t.jsonl", "\n", "empty"),
        ("t.json", '{"a": 1}\n{"a": 2}\n', ".jsonl"),
        ("t.json", '{"a": 1}', "list of records"),
        ("t.json", "[1]", "list of records"),
        ("t.json", "[]", "empty"),
        ("t.json", "[{}]", "no columns"),
        ("t.json", '{"a": [1], "b": []}', "'a' 1, 'b' 0"),
        ("t.parquet", "a,b\n1,2\n", "no Parquet file"),
        ("t.feather", "a,b\n1,2\n", "no Arrow file"),
        ("t.arrow", "ARROW1 and then nothing", "no Arrow file"),
        ("t.xlsx", "a,b\n1,2\n", "workbook cannot be read"),
        ("t.csv", "", "0 bytes"),
        ("t.doc", "x", "suffix '.doc' is no table format"),
        ("table", "x", "no suffix"),
    ],
)
def test_errors(name: str, content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_file_that_was_cut_off(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    frame = pl.DataFrame({"a": ["x", None] * 50})
    (frame.write_parquet if suffix == "parquet" else frame.write_ipc)(path)
    whole = path.read_bytes()
    for part in range(1, 10):
        path.write_bytes(whole[: len(whole) * part // 10])
        with pytest.raises(TableError, match="can be read"):
            read_table(path)


def test_the_suffixes_are_listed(tmp_path: Path) -> None:
    (tmp_path / "t.docx").write_text("x")
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "t.docx")
    suffixes = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather", ".xlsx", ".gz")
    assert [suffix for suffix in suffixes if suffix not in caught.value.hint] == []


def test_missing_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a\n1\n")
    (tmp_path / "notes.md").write_text("x")
    for path, said in (
        (tmp_path / "trian.csv", "Did you mean 'train.csv'?"),
        (tmp_path / "zzzzzzz.parquet", "Tables in that folder: train.csv."),
        (tmp_path / "nowhere" / "t.csv", "The folder"),
        (tmp_path, "It holds: train.csv."),
        ("https://example.org/t.csv", "fetch it first"),
        ("-", "no such file"),
    ):
        with pytest.raises(TableError) as caught:
            read_table(path)
        assert said in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(TableError, match=r"cannot be read \(Permission denied\)"):
        read_table(path)


def cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def write_workbook(path: Path, rows: list[list[object]]) -> None:
    """The smallest .xlsx: one sheet, numbers and inline strings."""
    lines = "".join(
        f'<row r="{number}">' + "".join(cell(f"{'ABCDEFG'[place]}{number}", value) for place, value in enumerate(row)) + "</row>"
        for number, row in enumerate(rows, 1)
    )
    head, main = '<?xml version="1.0" encoding="UTF-8"?>', "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    part = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{part}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{part}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, head + text)


def test_workbook(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "t.xlsx"
    write_workbook(path, [["name", "price", None, "zip"], ["a", 1.5, "x", 94501], [None, None, None, None], ["名", None, None, 501]])
    frame = read_table(path).frame
    assert frame.columns == ["name", "price", "column_3", "zip"]
    assert frame.rows() == [("a", 1.5, "x", 94501), ("名", None, None, 501)]
    assert frame["zip"].dtype == pl.Int64
    write_workbook(path, [])
    with pytest.raises(TableError, match="empty"):
        read_table(path)
    write_workbook(path, [["a", "a"], [1, 2]])
    with pytest.raises(TableError, match="more than once: 'a'"):
        read_table(path)


def test_workbook_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(tmp_path / "t.xlsx", [["a"], [1]])
    real = builtins.__import__

    def without(name: str, *rest: Any, **words: Any) -> Any:
        if name == "python_calamine":
            raise ImportError(name)
        return real(name, *rest, **words)

    monkeypatch.delitem(sys.modules, "python_calamine", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"consilience\[excel\]"):
        read_table(tmp_path / "t.xlsx")
