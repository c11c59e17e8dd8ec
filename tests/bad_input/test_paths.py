"""A table that a stranger sent names files outside its folder: nothing of them is opened, and the row is set aside with that reason."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

import consilience
from consilience.core.errors import TableError
from consilience.data.kinds import KINDS
from consilience.data.table import Table, join_tables, read_table, read_tables

Fit = Callable[..., consilience.Model]
OUT = "leads out of the table's folder, where nothing of this table may be read."


def png(colour: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (colour, 255 - colour, 40)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """A folder with pictures and links; what lies beside it is secret."""
    folder = tmp_path / "upload"
    (folder / "sub").mkdir(parents=True)
    for row in range(20):
        (folder / f"{row}.png").write_bytes(png(row * 12))
    (folder / "sub" / "in.png").write_bytes(png(3))
    (tmp_path / "secret.png").write_bytes(png(9))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "chain.png").symlink_to(folder / "link.png")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "good.png").symlink_to(folder / "0.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder


def bad_names(upload: Path) -> list[str]:
    secret = str(upload.parent / "secret.png")
    return [
        "../secret.png",
        "sub/../../secret.png",
        "..\\secret.png",
        secret,
        f"file://{secret}",
        str(upload / "0.png"),
        "C:\\secret.png",
        "\\\\server\\share\\secret.png",
        "link.png",
        "chain.png",
        "folder/secret.png",
        "../gone.png",
        "../upload/0.png",
        "sub/../../upload/0.png",
    ]


@pytest.fixture
def opened(upload: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files outside the upload that anything opens."""
    seen: list[str] = []
    real: dict[str, Callable[..., Any]] = {"open": builtins.open, "io": io.open}

    def spy(which: str) -> Callable[..., Any]:
        def call(file: Any, *rest: Any, **words: Any) -> Any:
            if isinstance(file, (str, os.PathLike)) and "secret" in os.path.realpath(file):
                seen.append(str(file))
            return real[which](file, *rest, **words)

        return call

    monkeypatch.setattr(builtins, "open", spy("open"))
    monkeypatch.setattr(io, "open", spy("io"))
    return seen


def test_the_spy_sees_what_is_opened(upload: Path, opened: list[str]) -> None:
    KINDS.get("image")().read(upload / "link.png")
    assert opened


def test_rows_with_paths_out_of_the_folder_are_set_aside(upload: Path, opened: list[str], fit: Fit) -> None:
    bad = bad_names(upload)
    names = [f"{row}.png" for row in range(20)] + bad
    pl.DataFrame({"pic": names, "y": ["a", "b"] * (len(names) // 2)}).write_csv(upload / "t.csv")
    table = read_table(upload / "t.csv", confined=True)
    model = fit(table, encoders={"image": "hog"})
    assert [item["row"] for item in model.facts["quarantine"]] == list(range(20, 20 + len(bad)))
    assert [item["reason"] for item in model.facts["quarantine"]] == [f"The path {name!r} {OUT}" for name in bad]
    found = model.predict_table(table)
    assert found["prediction"].is_null().to_list() == [False] * 20 + [True] * len(bad)
    assert found["note"][20] == f"Column 'pic': The path '../secret.png' {OUT}"
    model.report(upload / "report.html", table)
    assert opened == []


def test_without_it_paths_lead_anywhere(upload: Path) -> None:
    (upload / "t.csv").write_text("pic\n../secret.png\nlink.png\n")
    parsed = KINDS.get("image")().parse(*cells(read_table(upload / "t.csv")))
    assert parsed.values.tolist() == [upload.parent / "secret.png", upload / "link.png"]


def cells(table: Table) -> tuple[pl.Series, Path | None]:
    return table.frame["pic"], table.bases.get("pic")


def test_what_stays_inside_is_read(upload: Path) -> None:
    (upload / "t.csv").write_text("pic\n./0.png\nsub/in.png\nsub/../0.png\ngood.png\nsub\\in.png\nnowhere.png\nloop.png\n\n")
    parsed = KINDS.get("image")().parse(*cells(read_table(upload / "t.csv", confined=True)))
    inside = [upload / "0.png", upload / "sub" / "in.png", upload / "0.png", upload / "0.png", upload / "sub" / "in.png"]
    assert parsed.values.tolist()[:5] == inside
    assert parsed.present.tolist() == [True] * 5 + [False] * 3
    assert parsed.problems == {5: "The file 'nowhere.png' is not there.", 6: "The file 'loop.png' is not there."}


def test_nothing_is_told_of_files_outside(upload: Path) -> None:
    """Whether a file is there is itself a secret."""
    (upload / "t.csv").write_text("pic\n../secret.png\n../gone.png\n")
    kind, (column, base) = KINDS.get("image")(), cells(read_table(upload / "t.csv", confined=True))
    parsed = kind.parse(column, base)
    said = [kind.thumbnail(value).replace("secret", "gone") for value in parsed.values]
    assert said[0] == said[1]
    assert "<img" not in said[0]


def test_the_mark_survives_joins_pieces_and_the_table_itself(upload: Path, tmp_path: Path) -> None:
    (upload / "t.csv").write_text("pic,k\n../secret.png,1\n")
    (tmp_path / "own.csv").write_text("own,k\nsecret.png,1\n")
    whole = join_tables([read_table(tmp_path / "own.csv"), read_table(upload / "t.csv", confined=True)], "order")
    again = read_table(whole)
    assert again is whole
    kind = KINDS.get("image")()
    for table in (whole, whole.take(pl.Series([0]).to_numpy()), read_tables([upload / "t.csv", tmp_path / "own.csv"], "order", confined=True)):
        with pytest.raises(Exception, match="leads out"):
            kind.key(kind.parse(*cells(table)).values[0])
    assert kind.parse(whole.frame["own"], whole.bases["own"]).values[0] == tmp_path / "secret.png"
    assert read_table(read_table(upload / "t.csv"), confined=True).bases["pic"] == upload


def test_a_table_in_memory_names_files_of_its_folder_or_none(upload: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(upload)
    records = [{"pic": "0.png"}, {"pic": str(upload / "0.png")}, {"pic": "../secret.png"}]
    kind = KINDS.get("image")()
    parsed = kind.parse(*cells(read_table(records, confined=True)))
    assert [type(value).__name__ for value in parsed.values] == ["NoneType", "Outside", "Outside"]
    parsed = kind.parse(*cells(read_table(records, folder=upload, confined=True)))
    assert parsed.values[0] == upload / "0.png"
    assert [type(value).__name__ for value in parsed.values[1:]] == ["Outside", "Outside"]
    # Beside bytes, a path is read at once.
    mixed = [{"pic": png(1)}, {"pic": {"bytes": None, "path": "../secret.png"}}, {"pic": "link.png"}, {"pic": "5.png"}, {"pic": "nul\0.png"}]
    frame = read_table(mixed, folder=upload, confined=True).frame
    assert frame["pic"].to_list() == [png(1), b"../secret.png", b"link.png", (upload / "5.png").read_bytes(), b"nul\0.png"]
    frame = read_table([{"pic": png(1)}, {"pic": "5.png"}], confined=True).frame
    assert frame["pic"].to_list() == [png(1), b"5.png"]
    assert opened == []


def test_the_table_itself_may_not_be_a_link_out(upload: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (upload / "t.csv").symlink_to(tmp_path / "secret.csv")
    assert len(read_table(upload / "t.csv")) == 1
    with pytest.raises(TableError, match=r"t\.csv': The table is a link that leads out of its folder\. Put the file itself there\."):
        read_table(upload / "t.csv", confined=True)
