"""``predict`` with sets, with rows that are not answered, and with rows unlike the others."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run, rows, write_rows


def test_sets_hold_the_prediction(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    found = run("predict", model, data / "test.csv", "--sets", 0.9, "--out", tmp_path / "p.jsonl")
    assert found.exit_code == 0, found.stderr
    made = pl.read_ndjson(tmp_path / "p.jsonl")
    assert all(row["prediction"] == row["set"][0] for row in made.to_dicts())


def test_abstained_rows_are_empty_counted_and_explained(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    found = run("predict", model, data / "test.csv", "--abstain", 0.3, "--json", "--out", tmp_path / "p.csv")
    assert found.exit_code == 0, found.stderr
    counts = json.loads(found.stdout)
    made = pl.read_csv(tmp_path / "p.csv")
    assert counts["num_abstained"] == made["abstained"].sum() == made["prediction"].null_count()
    assert counts["num_quarantined"] == 0
    assert made.filter("abstained")["note"].str.starts_with("Abstained: ").all()
    assert f"Abstained from {counts['num_abstained']} of 20 rows to keep the risk at 0.3" in " ".join(found.stderr.split())


def test_a_risk_that_cannot_be_kept_is_an_error_before_anything_is_written(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    found = run("predict", model, data / "test.csv", "--abstain", 0.0001, "--out", tmp_path / "p.csv")
    assert found.exit_code != 0
    assert "No threshold keeps the risk" in " ".join(found.stderr.split())
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"), [(("--sets", 90), "Sets or intervals of level 90 cannot be promised."), (("--abstain", 2), "A risk of 2")]
)
def test_other_levels_are_refused(run: Run, model: Path, data: Path, words: tuple[object, ...], said: str) -> None:
    found = run("predict", model, data / "test.csv", *words)
    assert found.exit_code != 0
    assert said in " ".join(found.stderr.split())


def test_too_few_training_rows_cannot_tell_what_is_unfamiliar(run: Run, model: Path, data: Path) -> None:
    found = run("predict", model, data / "test.csv", "--unfamiliar")
    assert found.exit_code != 0
    assert "too few rows" in " ".join(found.stderr.split())


def test_one_example_shows_its_set(run: Run, model: Path) -> None:
    found = run("predict", model, "--cell", "words=nice lovely", "--sets", 0.9)
    assert found.exit_code == 0, found.stderr
    assert "90 % set: " in found.stdout


@pytest.mark.slow
def test_an_unfamiliar_row_is_noted_and_not_answered(run: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "train.csv", rows(300, 1))
    (tmp_path / "recipe.yaml").write_text("learners: [linear]\nencoders: {words: bow}\npresets: fast\n", encoding="utf-8")
    fitted = run("fit", tmp_path / "train.csv", "--target", "label", "--recipe", tmp_path / "recipe.yaml", "--out", tmp_path / "model", "-q")
    assert fitted.exit_code == 0, fitted.stderr
    new = rows(40, 2)
    write_rows(tmp_path / "new.csv", [(label, "90000" if row == 3 else size, colour, words) for row, (label, size, colour, words) in enumerate(new)])
    found = run("predict", tmp_path / "model", tmp_path / "new.csv", "--unfamiliar", "--abstain", 0.3, "--json", "-q")
    assert found.exit_code == 0, found.stderr
    made = json.loads(found.stdout)["predictions"]
    assert made[3]["unfamiliar"] > 0.99
    assert made[3]["prediction"] is None
    assert "Unlike the rows that were learned from: table." in made[3]["note"]
    assert sum(row["unfamiliar"] > 0.99 for row in made) <= 5


@pytest.mark.parametrize(
    "words",
    [("--sets", 0.3), ("--sets", 90), ("--abstain", 0), ("--abstain", 1), ("--abstain", -2), ("--abstain", 0.0001), ("--unfamiliar",)],
)
def test_a_refusal_is_whole_sentences_that_end_in_what_to_do(run: Run, model: Path, data: Path, words: tuple[object, ...]) -> None:
    found = run("predict", model, data / "test.csv", *words, "-q")
    said = " ".join(found.stderr.split()).removeprefix("Error: ")
    assert (found.exit_code, found.stdout) == (2, "")
    what, _, hint = said.rpartition(". ")
    assert what[:1].isupper()
    assert said.endswith(".")
    assert hint.split()[0] in ("Give", "Allow", "Leave")
