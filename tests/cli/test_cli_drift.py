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


def test_what_could_not_be_compared_is_said_with_the_reason(run: Any, model: Path, data: Path, tmp_path: Path) -> None:
    """colour is gone, words is empty, and a third of the answers is known."""
    lines = (data / "train.csv").read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines[1:]]
    later = ["label,size,words", *(f"{label if place % 3 == 0 else ''},{size}," for place, (label, size, _, _) in enumerate(cells))]
    (tmp_path / "later.csv").write_text("\n".join(later) + "\n", encoding="utf-8")
    words = ("drift", data / "test.csv", tmp_path / "later.csv", "--model", model, "-q")
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "The column 'colour' was not compared: the second table lacks it." in said
    assert "The cells of the column 'words' were not compared: none is filled in the second table." in said
    assert "The target 'label' was not compared: the answer is known in 20 of 60 rows of the second table." in said
    assert "The second table has answers in 20 of 60 rows only, fewer than half, so its accuracy cannot be measured." in said
    found = json.loads(run(*words, "--json").stdout)
    assert {one["column"]: (one["why"], one["first"], one["second"]) for one in found["uncompared"]} == {
        "colour": ("absent", False, True),
        "words": ("empty", False, True),
        "label": ("unanswered", False, True),
    }
    assert found["answered"] == [20, 20]
    backwards = " ".join(run("drift", tmp_path / "later.csv", data / "test.csv", "--model", model, "-q").stdout.split())
    assert "The column 'colour' was not compared: the first table lacks it." in backwards
    both = " ".join(run("drift", tmp_path / "later.csv", tmp_path / "later.csv", "--model", model, "-q").stdout.split())
    assert "The column 'colour' was not compared: both tables lack it." in both
    assert "known in 20 of 60 rows of the first and 20 of 60 rows of the second table." in both


def test_a_score_on_some_of_the_rows_says_so(run: Any, model: Path, data: Path, tmp_path: Path) -> None:
    lines = (data / "train.csv").read_text(encoding="utf-8").splitlines()
    some = [lines[0], *(line if place % 4 else "," + line.partition(",")[2] for place, line in enumerate(lines[1:]))]
    (tmp_path / "later.csv").write_text("\n".join(some) + "\n", encoding="utf-8")
    result = run("drift", data / "test.csv", tmp_path / "later.csv", "--model", model, "-q")
    assert "That is on the 45 rows of the second table whose answer is known." in " ".join(result.stdout.split())
