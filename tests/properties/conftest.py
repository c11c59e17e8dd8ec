"""How many examples properties are tried on, and one model that the tests of rows share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.pipeline.conftest import FAST, make_table

import consilience

__all__ = ["MANY", "examples"]

collect_ignore = ["fuzzing.py", "mutations.py"]  # a program of its own

MANY = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
"""Many examples where nobody waits for them."""


def examples(few: int) -> settings:
    """So many examples, five times as many on a machine that only runs tests. Without a clock: a busy machine is no failure."""
    return settings(
        max_examples=5 * few if MANY else few,
        deadline=None,
        database=None,
        derandomize=not os.environ.get("CONSILIENCE_RANDOM"),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv, test.csv and pictures, also a broken one."""
    folder = tmp_path_factory.mktemp("made")
    make_table(folder).write_csv(folder / "train.csv")
    make_table(folder, rows=40, seed=1).write_csv(folder / "test.csv")
    (folder / "images" / "broken.png").write_bytes(b"\x89PNG no more")
    (folder / "images" / "empty.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def fitted(made: Path, tmp_path_factory: pytest.TempPathFactory) -> consilience.Model:
    """A linear model of pictures, words and the rest."""
    return consilience.fit(made / "train.csv", target="label", cache=tmp_path_factory.mktemp("store"), **FAST)
