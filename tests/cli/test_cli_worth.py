"""``consilience worth``: what a person reads, one object for programs, and mistakes that are explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from consilience.cli import _worth

Run = Callable[..., Any]


def test_a_person_reads_patterns_shares_interaction_and_columns(run: Run, model: Path, data: Path) -> None:
    done = run("worth", model, data / "test.csv", "--prune", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    for words in ("present", "nothing", "share of accuracy", "interaction", "cost in log_loss", "colour", "Measured on 20 rows.", "Can be dropped"):
        assert words in done.stdout, words
    line = next(line for line in done.stdout.splitlines() if line.startswith("consilience fit TRAIN --recipe "))
    assert " --ignore " in line
    assert line.endswith(" --out cheaper/")
    assert max(len(each) for each in done.stdout.splitlines() if not each.startswith(("consilience", "Can be"))) <= 80


def test_the_line_that_is_printed_makes_the_cheaper_model(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    found = json.loads(run("worth", model, data / "test.csv", "--prune", "--json", "--quiet").stdout)["spare"]
    assert found["dropped"]
    settings = yaml.safe_load((model / "recipe.yaml").read_text(encoding="utf-8"))
    for setting, _, key in (name.partition(".") for name in found["named"]):
        del settings[setting][key]
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings), encoding="utf-8")
    fitted = run("fit", data / "train.csv", "--recipe", recipe, *found["options"].split(), "--out", tmp_path / "cheaper", "--quiet", "--json")
    assert fitted.exit_code == 0, fitted.stderr
    used = {column["name"] for column in json.loads(fitted.stdout)["schema"]["columns"] if column["role"] == "feature"}
    assert used == {"size", "colour", "words"} - set(found["dropped"])


def test_one_object_for_programs(run: Run, model: Path, data: Path) -> None:
    found = json.loads(run("worth", model, data / "test.csv", "--json", "--quiet").stdout)
    assert {"metric", "proper", "modalities", "patterns", "shapley", "interaction", "alone", "fusion_gain", "columns", "spare"} <= set(found)
    assert found["modalities"] == ["table", "text"]
    assert len(found["patterns"]) == 4
    evaluated = json.loads(run("evaluate", model, data / "test.csv", "--json", "--quiet").stdout)
    assert found["patterns"][0]["metrics"] == evaluated["metrics"]


def test_one_row(run: Run, model: Path, data: Path) -> None:
    done = run("worth", model, data / "test.csv", "--row", 3, "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Row 3: ")
    assert "where nothing is known" in done.stdout
    found = json.loads(run("worth", model, data / "test.csv", "--row", 3, "--quiet", "--json").stdout)
    assert sum(part["value"] for part in found["modalities"].values()) == pytest.approx(found["value"] - found["nothing"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--row", 20), "has no row 20. It has rows 0 to 19"),
        (("--row", -1), "has no row -1"),
        (("--row", 1, "--prune"), "--prune looks at all rows, --row at one"),
    ],
)
def test_mistakes_are_explained(run: Run, model: Path, data: Path, words: tuple[object, ...], said: str) -> None:
    done = run("worth", model, data / "test.csv", *words, "--quiet")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_a_table_without_the_target_is_a_mistake_but_not_for_a_row(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    pl.read_csv(data / "test.csv").drop("label").write_csv(tmp_path / "new.csv")
    done = run("worth", model, tmp_path / "new.csv", "--quiet")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "label" in done.stderr
    assert run("worth", model, tmp_path / "new.csv", "--row", 0, "--quiet").exit_code == 0


def test_seeds_are_said(run: Run, data: Path, tmp_path: Path) -> None:
    words = ["fit", data / "train.csv", "--target", "label", "--learner", "linear", "--encoder", "words=bow", "--out", tmp_path / "m", "--quiet"]
    done = run(*words, "--seeds", 2, "--json")
    assert done.exit_code == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["fusion_gain"]["seeds"] == 2
    assert "seeds" in facts["seconds"]
    assert run(*words, "--seeds", 0).exit_code == 2


def test_many_patterns_and_columns_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"m{number}" for number in range(5)]
    interval = {"value": 0.5, "low": 0.4, "high": None}
    patterns = [
        {"modalities": names[:count] + names[5 - extra :], "metrics": {"accuracy": interval}, "cost": interval, "rows": 1}
        for count in range(5, -1, -1)
        for extra in range(5)
        if count + extra <= 5
    ]
    found = {
        "metric": "accuracy",
        "proper": "log_loss",
        "num_rows": 5000,
        "num_quarantined": 0,
        "rows": 2000,
        "patterns": [patterns[0], *patterns * 2],
        "shapley": {"metrics": {"accuracy": {"all": 1.0, "none": 0.5, "modalities": dict.fromkeys(names, interval)}}},
        "interaction": None,
        "alone": [],
        "fusion_gain": {"verdict": "None."},
        "columns": [
            {"column": f"c\x1b{n}", "modality": "table", "used": n > 0, "present": 1.0, "cost": {"accuracy": interval, "log_loss": interval}}
            for n in range(40)
        ],
        "spare": {"dropped": []},
    }
    _worth.show_worth(found, "model")
    said = capsys.readouterr().out
    assert "patterns were scored; --json shows all" in said
    assert "and 10 cheaper columns" in said
    assert "not used" in said
    assert "2,000 rows of 5,000, drawn at random" in said
    assert "No column can be dropped" in said
    assert "\x1b" not in said
