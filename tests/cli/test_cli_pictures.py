"""Two tables as the field's tutorials have them: one with picture paths, one with texts and labels."""

from __future__ import annotations

import json

import polars as pl
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    icons, texts = ["icon"], ["words,label"]
    for index in range(30):
        red = index % 2
        Image.new("RGB", (16, 16), (200, index, 20) if red else (20, index, 200)).save(place / f"{index}.png")
        icons.append(f"{index}.png")
        texts.append(f"{'warm fire' if red else 'cold sea'} number {index % 7},{'red' if red else 'blue'}")
    (place / "7.png").write_bytes(b"junk")
    (place / "images.csv").write_text("\n".join(icons) + "\n")
    (place / "texts.csv").write_text("\n".join(texts) + "\n")
    return place


@pytest.fixture
def model(run, folder, monkeypatch):
    monkeypatch.chdir(folder)
    if not (folder / "m").exists():
        words = [
            "--join",
            "order",
            "--target",
            "label",
            "--learner",
            "linear",
            "--encoder",
            "icon=hog",
            "--encoder",
            "words=bow",
            "--out",
            "m",
            "--json",
        ]
        result = run("fit", "images.csv", "texts.csv", *words)
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["num_quarantined"] == 1
    return "m"


def test_tables_are_joined_again_to_predict_and_unreadable_rows_keep_their_place(run, model):
    result = run("predict", model, "images.csv", "texts.csv", "--keep", "icon", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["num_quarantined"] == 1
    assert [row["icon"] for row in found["predictions"]] == [f"{index}.png" for index in range(30)]
    assert found["predictions"][7]["prediction"] is None
    assert found["predictions"][7]["note"]
    strict = run("predict", model, "images.csv", "texts.csv", "--strict")
    assert (strict.exit_code, strict.stdout) == (2, "")
    assert "row 7" in strict.stderr


def test_one_picture_and_one_sentence(run, model):
    answer = json.loads(run("predict", model, "--cell", "icon=3.png", "--cell", "words=warm fire", "--json").stdout)
    assert (answer["prediction"], answer["note"]) == ("red", "")


def test_one_picture_that_is_gone_or_broken(run, model):
    gone = json.loads(run("predict", model, "--cell", "icon=none.png", "--cell", "words=warm fire", "--json").stdout)
    assert gone["prediction"] == "red"
    assert "none.png" in gone["note"]
    broken = run("predict", model, "--cell", "icon=7.png", "--cell", "words=warm fire")
    assert broken.exit_code == 0
    assert "label: no prediction" in broken.stdout


def test_a_table_without_the_pictures(run, model):
    result = run("predict", model, "texts.csv", "--out", "-")
    assert result.exit_code == 0
    assert "'icon' is not in texts.csv" in result.stderr
    assert pl.read_csv(result.stdout.encode())["prediction"].null_count() == 0
