"""Writing: the suffix says the format, and a file is whole or not there."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.core.errors import UsageError
from consilience.data.table import check_suffix, read_table, write_table

FRAME = pl.DataFrame({"p": ["a,b", '"名"\n', None], "x": [0.5, None, 1.0], "v": [[1.0, float("nan")], None, []], "d": [date(2024, 1, 2), None, None]})
CELL = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
SUFFIXES = [".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".arrow", ".feather"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_read_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"preds{suffix.upper()}"
    assert check_suffix(path) == suffix
    write_table(FRAME, path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    got = read_table(path).frame
    assert got.columns == FRAME.columns
    assert got["p"].to_list() == FRAME["p"].to_list()
    if suffix in {".parquet", ".arrow", ".feather"}:
        assert got["d"].to_list() == FRAME["d"].to_list()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELL, max_size=4), st.sampled_from(SUFFIXES))
def test_texts_come_back(tmp_path: Path, cells: list[str | None], suffix: str) -> None:
    frame = pl.DataFrame({"a": pl.Series(cells, dtype=pl.String), "b": pl.Series(cells[::-1], dtype=pl.String)})
    path = tmp_path / f"t{suffix}"
    write_table(frame, path)
    if cells or suffix not in {".jsonl", ".ndjson"}:  # JSON lines of no rows name no columns
        assert read_table(path).frame.equals(frame)


def test_lists_are_json_in_csv(tmp_path: Path) -> None:
    write_table(FRAME.with_columns(b=pl.lit(b"\xff"), s=pl.struct(k=pl.lit("名"))), tmp_path / "t.csv")
    frame = read_table(tmp_path / "t.csv").frame
    assert [None if cell is None else json.loads(cell) for cell in frame["v"]] == [[1.0, None], None, []]
    assert frame["b"][0] == "/w=="
    assert frame["s"][0] == '{"k": "名"}'
    write_table(FRAME.with_columns(b=pl.lit(b"\xff")), tmp_path / "t.jsonl")
    assert read_table(tmp_path / "t.jsonl").frame["b"][0] == "/w=="


def test_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert check_suffix("-") == "-"
    write_table(FRAME.select("p", "x"), "-")
    assert capsysbinary.readouterr().out.decode() == 'p,x\n"a,b",0.5\n"""名""\n",\n,1.0\n'


@pytest.mark.parametrize("name", ["preds.xlsx", "preds", "preds.csv.gz"])
def test_unknown_suffix_is_refused_early(name: str, tmp_path: Path) -> None:
    for call in (lambda: check_suffix(name), lambda: write_table(FRAME, tmp_path / name)):
        with pytest.raises(UsageError) as caught:
            call()
        assert all(suffix in str(caught.value) for suffix in SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "preds.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_suffix(tmp_path / "preds.csv")


def test_the_old_file_survives_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    write_table(FRAME, path)
    before = path.read_bytes()

    def fail(*args: object, **words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write_table(FRAME.head(1), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be written"):
        write_table(FRAME, tmp_path / "file" / "t.csv")
