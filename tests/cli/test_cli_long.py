"""Long tables beside the table, from fit to predict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from consilience.cli import app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose rows are told by their readings alone, in another file and in no order."""
    draw = np.random.default_rng(0)
    pl.DataFrame({"id": [f"r{row}" for row in range(40)], "label": ["calm", "busy"] * 20}).write_csv(tmp_path / "train.csv")
    readings = [
        {"id": f"r{row}", "time": second, "pulse": round(float((0 if row % 2 == 0 else 3 * (second % 2)) + draw.normal(0, 0.3)), 3)}
        for row in range(40)
        for second in range(10)
    ]
    pl.DataFrame(readings).sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "readings.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path / "store"))
    return tmp_path


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_readings_tell_the_rows(folder: Path):
    shown = json.loads(run("inspect", "train.csv", "--target", "label", "--long", "readings.csv:id:time", "--json", "--quiet"))
    assert {column["name"]: column["kind"] for column in shown["columns"]}["readings"] == "series"
    run("fit", "train.csv", "--target", "label", "--long", "readings.csv:id:time", "--learner", "linear", "--out", "model", "--quiet")
    found = json.loads(run("evaluate", "model", "train.csv", "--long", "readings.csv:id:time", "--json", "--quiet"))
    assert found["metrics"]["accuracy"]["value"] > 0.9
    run("predict", "model", "train.csv", "--long", "readings.csv:id:time", "--out", "preds.csv", "--keep", "id", "--quiet")
    assert (pl.read_csv("preds.csv")["prediction"] == pl.read_csv("train.csv")["label"]).mean() > 0.9


@pytest.mark.parametrize("spec", ["readings.csv", "readings.csv:", "readings.csv:id:time:more"])
def test_what_cannot_be_read_is_said(folder: Path, spec: str):
    assert "FILE:KEY" in run("inspect", "train.csv", "--long", spec, code=2)
