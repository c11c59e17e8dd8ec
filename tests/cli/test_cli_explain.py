"""The command ``explain``: what it prints, its JSON, its page, and what it says of mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def explain(run: Run, model: Path, data: Path) -> Run:
    def call(*words: object) -> Any:
        return run("explain", model, data / "test.csv", "--cache", data / "cache", *words)

    return call


def test_it_says_what_a_prediction_rests_on(explain: Run) -> None:
    done = explain("--row", 2, "-q")
    assert done.exit_code == 0, done.stderr
    assert "Row 2: label = good" in done.stdout
    assert "words: word" in done.stdout
    assert re.search(r"(nice|fine|lovely) +\+", done.stdout)
    assert "The most alike of 19 rows of test.csv" in done.stdout


def test_json_and_page_and_the_training_table(explain: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.html"
    done = explain("--row", 1, "--out", out, "--like", data / "train.csv", "--nearest", 3, "--json", "-q")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["prediction"] == "bad"
    assert found["base"] + sum(one["weight"] for one in found["modalities"]) == pytest.approx(found["value"])
    assert len(found["nearest"]) == 3
    assert found["like"] == {"source": "train.csv", "rows": 60, "same_table": False}
    page = out.read_text(encoding="utf-8")
    assert "Why this label?" in page
    assert "<mark" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "http" not in page.replace("http-equiv", "")


def test_a_page_in_chinese(explain: Run, tmp_path: Path) -> None:
    done = explain("--row", 0, "--out", tmp_path / "why.html", "--lang", "zh", "--nearest", 0, "-q")
    assert done.exit_code == 0, done.stderr
    assert "模型的回答是" in (tmp_path / "why.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--row", 20], "no row 20: its 20 rows are 0 to 19"),
        (["--row", -1], "no row -1"),
        (["--row", 0, "--class", "goood"], "Did you mean 'good'?"),
        (["--row", 0, "--out", "why.pdf"], "no name of a page"),
        (["--row", 0, "--out", "nowhere/deep/why.html", "--lang", "xx"], "There is no language of reports 'xx'"),
        ([], "--row"),
    ],
)
def test_mistakes_are_said_before_much_is_done(explain: Run, words: list[object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = explain(*words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("why*"))
