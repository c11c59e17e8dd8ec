"""The command robustness, as a person and as a program uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_for_a_person(run: Any, model: Path, data: Path, tmp_path: Path) -> None:
    result = run("robustness", model, data / "test.csv", "--out", tmp_path / "sheet.html", "-q")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    for words in ("as they are", "keyboard", "missing", "area", "Without text"):
        assert words in result.stdout
    assert (tmp_path / "sheet.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_for_a_program(run: Any, model: Path, data: Path) -> None:
    result = run("robustness", model, data / "test.csv", "--kind", "text", "--family", "ocr", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found["modalities"]) == ["text"]
    assert list(found["modalities"]["text"]["families"]) == ["ocr", "missing"]


def test_mistakes(run: Any, model: Path, data: Path, tmp_path: Path) -> None:
    for words, said in (
        (["--kind", "image"], "does not use a modality 'image'"),
        (["--family", "fgo"], "There is no damage 'fgo'"),
        (["--out", tmp_path / "sheet.txt"], "ends in .html"),
    ):
        result = run("robustness", model, data / "test.csv", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
    (tmp_path / "bare.csv").write_text("size,colour,words\n1,red,nice\n")
    result = run("robustness", model, tmp_path / "bare.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "label" in result.stderr
