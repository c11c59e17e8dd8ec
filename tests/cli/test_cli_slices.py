"""``slices`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_slices_are_shown_worst_first(run: Run, data: Path, model: Path) -> None:
    done = run("slices", model, data / "test.csv", "--least", 4)
    assert done.exit_code == 0, done.stderr
    assert "colour = red" in done.stdout
    assert "worse by" in done.stdout
    assert "labels" in done.stdout
    assert "training row" not in done.stdout


def test_json_is_one_object(run: Run, data: Path, model: Path) -> None:
    done = run("slices", model, data / "test.csv", "--least", 4, "--train", data / "train.csv", "--json")
    found = json.loads(done.stdout)
    assert found["metric"] == "accuracy"
    assert found["looks"] == len(found["slices"]) > 2
    assert {"name", "of", "columns", "rows", "metric", "gap", "p", "adjusted", "worse", "also", "terms", "cannot_tell"} == set(found["slices"][0])
    assert found["labels"]["rows"] == 20
    assert found["twins"]["training_rows"] == 60


def test_the_training_table_itself_is_found_out(run: Run, data: Path, model: Path) -> None:
    done = run("slices", model, data / "train.csv", "--train", data / "train.csv")
    assert "60 of 60 rows are the same or nearly the same as a training row" in " ".join(done.stdout.split())
    assert "no other rows are left to measure on" in " ".join(done.stdout.split())


def test_mistakes_are_told(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    done = run("slices", model, data / "test.csv", "--by", "region")
    assert done.exit_code == 2
    assert "'region'" in done.stderr
    assert "There is no such column to cut by." in done.stderr
    blind = tmp_path / "blind.csv"
    blind.write_text("size,colour,words\n1.0,red,nice thing\n", encoding="utf-8")
    done = run("slices", model, blind)
    assert done.exit_code == 2
    assert "label" in done.stderr
    assert run("slices", model, data / "test.csv", "--least", 1).exit_code == 2


def test_the_page_shows_rows_that_the_model_has_met(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = run("report", model, "--data", data / "test.csv", "--train", data / "train.csv", "--out", page, "-q")
    assert done.exit_code == 0, done.stderr
    assert 'id="twins"' in page.read_text(encoding="utf-8")
    done = run("report", model, "--train", data / "train.csv", "--out", page, "-q")
    assert done.exit_code == 2
    assert "--train needs other rows to compare with. Name a table" in " ".join(done.stderr.split())
