"""``consilience inspect``: real tables, real pictures, real damage."""

from __future__ import annotations

import json

import pytest
from PIL import Image


@pytest.fixture
def pictures(tmp_path):
    lines = ["icon,summary,label"]
    for index in range(8):
        Image.new("RGB", (8, 8), (index * 30, 0, 0)).save(tmp_path / f"{index}.png")
    (tmp_path / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "5.png").unlink()
    for index in range(8):
        lines.append(f"{index}.png,{'a map of the town' if index % 2 else 'two people talk'} number {index},{'ab'[index % 2]}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "table.csv"


def test_unreadable_files_are_named_with_their_reason(run, pictures):
    result = run("inspect", pictures, "--target", "label", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [(bad["column"], bad["row"]) for bad in found["unreadable"]] == [("icon", 3), ("icon", 5)]
    assert found["unreadable"][0]["file"].endswith("3.png")
    assert all(bad["reason"] and bad["table"] == "table.csv" for bad in found["unreadable"])
    assert "Read icon: 7 of 7 files" in result.stderr
    assert {column["name"]: column["kind"] for column in found["columns"]}["icon"] == "image"
    assert found["target"]["task"] == "binary"
    assert found["num_rows"] == 8


def test_table_of_columns_fits_80_columns(run, pictures):
    result = run("inspect", pictures, "--target", "label", "--quiet")
    assert result.stderr == ""
    shown = result.stdout
    assert max(map(len, shown.splitlines())) <= 80
    for words in ("icon", "image", "target", "Task: binary", "Classes: a, b", "Unreadable: 2 cells of the column 'icon'", "row 3:", "row 5:"):
        assert words in shown


def test_readable_files_are_said_to_be_so_and_tables_without_files_say_nothing(run, tmp_path, data):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("icon,x\na.png,1\na.png,2\n")
    assert "Every file can be read." in run("inspect", tmp_path / "t.csv", "--kind", "icon=image").stdout
    assert "file" not in run("inspect", data / "train.csv").stdout


def test_the_same_file_is_read_once(run, tmp_path, monkeypatch):
    from consilience.data.kinds import KINDS

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("icon\n" + "a.png\n" * 5)
    read = []
    monkeypatch.setattr(KINDS.get("image"), "read", lambda self, value: read.append(value))
    run("inspect", tmp_path / "t.csv", "--kind", "icon=image")
    assert len(read) == 1


def test_a_column_that_is_left_out_is_not_read(run, pictures):
    assert json.loads(run("inspect", pictures, "--ignore", "icon", "--json").stdout)["unreadable"] == []


def test_kind_group_valid_and_join(run, data, tmp_path):
    result = run(
        "inspect", data / "train.csv", "--target", "label", "--kind", "size=category", "--group", "colour", "--valid", data / "test.csv", "--json"
    )
    assert result.exit_code == 0, result.stderr
    columns = {column["name"]: column for column in json.loads(result.stdout)["columns"]}
    assert (columns["size"]["kind"], columns["colour"]["role"]) == ("category", "group")
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    (tmp_path / "b.csv").write_text("y\n3\n4\n")
    both = run("inspect", tmp_path / "a.csv", tmp_path / "b.csv", "--join", "order", "--json")
    assert [column["name"] for column in json.loads(both.stdout)["columns"]] == ["x", "y"]
    alone = run("inspect", tmp_path / "a.csv", tmp_path / "b.csv")
    assert (alone.exit_code, alone.stdout) == (2, "")
    assert "--join" in alone.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "labl"], "Did you mean 'label'"),
        (["--kind", "size"], "--kind COLUMN=KIND"),
        (["--kind", "size=numbr"], "number"),
        (["--ignore", "nothing"], "nothing"),
    ],
)
def test_mistakes(run, data, words, said):
    result = run("inspect", data / "train.csv", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_names_from_a_table_cannot_steer_the_terminal(run, tmp_path):
    (tmp_path / "t.csv").write_text("a\x1b[31mb,[bold]c\n1,2\n3,4\n")
    shown = run("inspect", tmp_path / "t.csv").stdout
    assert "\x1b" not in shown
    assert "[bold]c" in shown
