"""Killed at any moment, a fit leaves the old model or the new one, and the next run ends as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import consilience

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def killed_fits(forks: Any, data: Path, words: list[str], models: dict[int, Path], place: Path, number: int, seed: int) -> list[int]:
    """Kills fits at random moments of their whole duration; gives the seeds of the models that then stood there."""
    known = {which: forks.look(models[which], data) for which in models}
    assert known[1]["predictions"] != known[2]["predictions"]
    line = ["fit", "train.csv", *words, "--seed", 2]
    duration = forks.fit(data, *line, "--out", place / "m", "--cache", place / "c")["seconds"]
    assert forks.look(place / "m", data) == known[2]
    dice, stood = np.random.default_rng(seed), []
    for turn in range(number):
        here = place / str(turn)
        shutil.copytree(models[1], here / "model")
        whole = [*line, "--out", here / "model", "--cache", here / "cache"]
        done = forks.fit(data, *whole, after=float(dice.uniform(0, duration)), signal=int(signal.SIGKILL))
        assert done["code"] in (-signal.SIGKILL, 0), done["err"]
        found = forks.look(here / "model", data)
        stood.append(found["seed"])
        assert found == known[found["seed"]]
        done = forks.fit(data, *whole)
        assert done["code"] == 0, done["err"]
        assert forks.look(here / "model", data) == known[2]
        assert sorted(path.name for path in here.iterdir()) == ["cache", "model"]
        shutil.rmtree(here)
    return stood


def test_a_fit_that_was_killed_ends_the_same_when_it_is_run_again(forks, data, words, models, tmp_path):
    stood = killed_fits(forks, data, words, models, tmp_path, number=4, seed=3)
    assert 1 in stood


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_fit_that_was_killed_at_one_of_fifty_moments(forks, data, words, models, tmp_path):
    killed_fits(forks, data, words, models, tmp_path, number=50, seed=4)


def events_of(forks: Any, model: Path, place: Path, in_one_step: bool, old: Path) -> int:
    """How often a whole ``save`` touches a file."""
    shutil.copytree(old, place / "dry" / "model")
    given = {"model": model, "out": place / "dry" / "model", "in_one_step": in_one_step}
    done = forks("save", given, modules=str(place / "modules"))
    assert done["code"] == 0, done["err"]
    return int(done["events"])


def killed_saves(forks: Any, models: dict[int, Path], place: Path, seed_of: Callable[[Path], int], in_one_step: bool, step: int) -> set[int]:
    """Kills ``save`` before every ``step``-th time that it touches a file; gives the seeds of the models that then stood there."""
    events = events_of(forks, models[2], place, in_one_step, models[1])
    assert events > 50
    stood, new = set(), consilience.load(models[2])
    for moment in range(1, events + 1, step):
        out = place / str(moment) / "model"
        shutil.copytree(models[1], out)
        done = forks("save", {"model": models[2], "out": out, "in_one_step": in_one_step}, die_at=moment)
        assert done["code"] == -signal.SIGKILL
        assert in_one_step is False or out.is_dir()
        stood.add(seed_of(out))
        new.save(out)
        assert seed_of(out) == 2
        assert [path.name for path in out.parent.iterdir()] == ["model"]
        shutil.rmtree(out.parent)
    return stood


def test_a_save_that_is_killed_leaves_the_old_model_or_the_new_one(forks, models, tmp_path, seed_of):
    assert killed_saves(forks, models, tmp_path, seed_of, in_one_step=True, step=17) == {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("in_one_step", [True, False], ids=["in one step", "in two steps"])
def test_a_save_that_is_killed_at_every_file_that_it_touches(forks, models, tmp_path, seed_of, in_one_step):
    assert killed_saves(forks, models, tmp_path, seed_of, in_one_step, step=1) == {1, 2}


def test_a_save_in_a_loop_that_is_killed_at_random_moments(forks, models, tmp_path, seed_of):
    out = Path(shutil.copytree(models[1], tmp_path / "here" / "model"))
    dice = np.random.default_rng(5)
    for _ in range(10):
        given = {"model": models[1], "other": models[2], "out": out, "rounds": 1_000_000}
        done = forks("save", given, after=float(dice.uniform(0, 0.3)), signal=int(signal.SIGKILL))
        assert done["code"] == -signal.SIGKILL, done["err"]
        assert seed_of(out) in (1, 2)
    forks("save", {"model": models[1], "out": out})
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_a_model_is_loaded_while_another_process_replaces_it(forks, models, tmp_path, seed_of):
    """What is loaded is one of the two: never a part of each, never an error."""
    out = Path(shutil.copytree(models[1], tmp_path / "model"))
    given = {"model": models[1], "other": models[2], "out": out, "rounds": 60}
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(forks, "save", given)
        found = []
        while not saving.done():
            found.append(seed_of(out))
        assert saving.result()["code"] == 0
    assert set(found) == {1, 2}
