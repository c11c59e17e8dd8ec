"""A small clean table to put something nasty into, a fit that takes a second, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import consilience
from consilience.cli import app

Columns = dict[str, list[Any]]
Fit = Callable[..., consilience.Model]
FAST: dict[str, Any] = {"learners": ("linear",), "encoders": {"text": "bow"}, "presets": "fast", "progress": False}


def columns(rows: int = 24) -> Columns:
    """Two classes that a number and a word both tell."""
    random = np.random.default_rng(0)
    return {
        "size": [f"{row % 2 * 2 + random.normal():.3f}" for row in range(rows)],
        "words": [f"a {'fine nice' if row % 2 else 'poor weak'} thing number {row} of them all" for row in range(rows)],
        "y": [("bad", "good")[row % 2] for row in range(rows)],
    }


@pytest.fixture
def clean() -> Columns:
    return columns()


@pytest.fixture(scope="session")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """``consilience.fit`` with the linear learner alone, and features kept between tests."""
    cache = tmp_path_factory.mktemp("store")

    def call(data: Any, target: str = "y", **settings: Any) -> consilience.Model:
        return consilience.fit(data, target, cache=cache, **{**FAST, **settings})

    return call


@pytest.fixture(scope="session")
def model(fit: Fit) -> consilience.Model:
    """A model of the clean table."""
    return fit(columns())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Runs a command in this process: result.stdout, result.stderr, result.exit_code."""
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CONSILIENCE_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call
