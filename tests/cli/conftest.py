"""Tables, a runner and one small fitted model that the tests of the command line share."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consilience.cli import app

Run = Callable[..., Any]
WORDS = {"good": ["nice", "fine", "lovely"], "bad": ["poor", "broken", "awful"]}


def rows(number: int, seed: int) -> list[tuple[str, str, str, str]]:
    """label, size, colour, words: both size and words tell the label."""
    dice = random.Random(seed)
    made = []
    for index in range(number):
        label = ("good", "bad")[index % 2]
        words = " ".join(dice.choice([*WORDS[label], "thing", "box", "very"]) for _ in range(6))
        made.append((label, f"{dice.gauss(3 if label == 'good' else 1, 1):.2f}", dice.choice(["red", "green"]), words))
    return made


def write_rows(path: Path, made: list[tuple[str, str, str, str]]) -> Path:
    path.write_text("label,size,colour,words\n" + "".join(",".join(row) + "\n" for row in made), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _quiet_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CONSILIENCE_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run() -> Run:
    """Runs a command in this process: result.stdout, result.stderr, result.exit_code."""

    def call(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


def own_environment() -> dict[str, str]:
    """For a process of its own that finds what this one finds, wherever it starts."""
    found = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": found, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}


@pytest.fixture
def environment() -> dict[str, str]:
    """For a process of its own."""
    return own_environment()


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs Python code in a process of its own."""

    def call(code: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env={**own_environment(), **extra}, check=False
        )

    return call


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv (60 rows) and test.csv (20 rows)."""
    folder = tmp_path_factory.mktemp("cli-data")
    write_rows(folder / "train.csv", rows(60, 1))
    write_rows(folder / "test.csv", rows(20, 2))
    return folder


@pytest.fixture(scope="session")
def fitted(data: Path) -> subprocess.CompletedProcess[str]:
    """``fit --json`` in a process of its own; the model is in ``data / "model"``."""
    (data / "recipe.yaml").write_text("learners: [linear]\nencoders: {words: bow}\n", encoding="utf-8")
    words = ["fit", "train.csv", "--target", "label", "--recipe", "recipe.yaml", "--out", "model", "--cache", "cache", "--json"]
    return subprocess.run([sys.executable, "-m", "consilience", *words], capture_output=True, text=True, cwd=data, env=own_environment(), check=False)


@pytest.fixture(scope="session")
def model(data: Path, fitted: subprocess.CompletedProcess[str]) -> Path:
    assert fitted.returncode == 0, fitted.stderr
    return data / "model"
