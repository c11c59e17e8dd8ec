"""The command drift, as a person and as a program uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_for_a_person(run: Any, model: Path, data: Path) -> None:
    result = run("drift", data / "train.csv", data / "test.csv", "--model", model, "-q")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    for words in ("No column differs", "told apart?", "What to expect", "by confidence", "Measured accuracy", "were compared"):
        assert words in result.stdout


def test_for_a_program_with_other_words_and_no_answers(run: Any, model: Path, data: Path, tmp_path: Path) -> None:
    lines = (data / "train.csv").read_text(encoding="utf-8").splitlines()
    moved = ["size,colour,words", *(f"9{size},blue,quite another sentence about it" for _, size, _, _ in (line.split(",") for line in lines[1:]))]
    (tmp_path / "later.csv").write_text("\n".join(moved) + "\n", encoding="utf-8")
    result = run("drift", data / "train.csv", tmp_path / "later.csv", "--model", model, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert "words" in {one["column"] for one in found["columns"]}
    assert found["expected"]["measured"] is None
    assert min(test["p_value"] for test in found["modalities"] if test["p_value"] is not None) < 1e-4


def test_mistakes(run: Any, model: Path, data: Path) -> None:
    result = run("drift", data / "train.csv", data / "test.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--model" in result.stderr
    result = run("drift", data / "train.csv", data / "gone.csv", "--model", model)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "gone.csv" in result.stderr
