"""A small table of words, numbers and pictures, two models of it, and children that can be killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import consilience

WORDS = {"good": ["nice", "fine", "lovely"], "bad": ["poor", "broken", "awful"]}
FAST = ["--target", "label", "--learner", "linear", "--presets", "fast", "--folds", "2", "--kind", "words=text", "--encoder", "words=bow"]


def write_rows(path: Path, rows: int, seed: int) -> Path:
    """picture (a dozen), words, size, label: each tells the label a little."""
    dice = np.random.default_rng(seed)
    lines = ["picture,words,size,label"]
    for row in range(rows):
        label = ("bad", "good")[row % 2]
        picture = f"{seed}-{row}.png" if row < 12 else ""
        if picture:
            pixels = np.clip(dice.integers(0, 60, (24, 24, 3)) + 150 * (row % 2), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path.parent / picture)
        words = " ".join(dice.choice([*WORDS[label], "thing", "box", "very"]) for _ in range(6))
        lines.append(f"{picture},{words},{dice.normal() + 2 * (row % 2):.3f},{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv, test.csv and pictures that everybody may read."""
    folder = tmp_path_factory.mktemp("fault-data")
    write_rows(folder / "train.csv", 40, 0)
    write_rows(folder / "test.csv", 20, 1)
    return folder


@pytest.fixture(scope="session")
def words() -> list[str]:
    """Options of a fit that takes a second."""
    return [*FAST, "--kind", "picture=image", "--encoder", "picture=hog"]


class Forks:
    """Children of a process that has imported everything, see ``forks.py``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
        given = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
        line = [sys.executable, str(Path(__file__).parent / "forks.py")]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=given)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, job: str, words: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Runs one child to its end: ``code`` (negative: the signal that killed it), ``seconds``, ``out``, ``err``."""
        self.number += 1
        files = {name: str(self.folder / f"{self.number}.{name}") for name in ("out", "err")}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in words.items()}
        self.process.stdin.write(json.dumps({"job": job, "words": plain, **files, **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the process that forks has ended"
        return dict(json.loads(line))

    def fit(self, data: Path, *words: object, **more: Any) -> dict[str, Any]:
        """The command line, in the folder of the data."""
        return self("fit", {"words": [str(word) for word in words], "folder": data}, **more)

    def look(self, model: Path, data: Path) -> dict[str, Any]:
        """What the model is."""
        done = self("look", {"model": model, "table": data / "test.csv"})
        assert done["code"] == 0, done["err"]
        return dict(json.loads(done["out"]))

    def end(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory, data: Path, words: list[str]) -> Iterator[Forks]:
    """Warm: what a fit imports late is imported before the first child of a test."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    folder = tmp_path_factory.mktemp("forks")
    made = Forks(folder)
    try:
        done = made.fit(data, "fit", "train.csv", *words, "--out", folder / "warm", "--cache", folder / "cache", modules=str(folder / "modules"))
        assert done["code"] == 0, done["err"]
        yield made
    finally:
        made.end()


@pytest.fixture(scope="session")
def models(forks: Forks, data: Path, words: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two models that differ: by seed."""
    folder = tmp_path_factory.mktemp("models")
    for seed in (1, 2):
        done = forks.fit(data, "fit", "train.csv", *words, "--seed", seed, "--out", folder / str(seed), "--cache", folder / "cache")
        assert done["code"] == 0, done["err"]
    return {seed: folder / str(seed) for seed in (1, 2)}


@pytest.fixture
def copy(models: dict[int, Path], tmp_path: Path) -> Path:
    """A model folder that may be spoilt."""
    return Path(shutil.copytree(models[1], tmp_path / "model"))


@pytest.fixture
def seed_of() -> Callable[[Path], int]:
    """Loads a model and says which of the two it is."""
    return lambda folder: consilience.load(folder).pipeline.recipe.seed
