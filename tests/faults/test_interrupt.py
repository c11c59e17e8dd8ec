"""Ctrl-C at any moment: one sentence, code 130, what was encoded is kept, the old model is whole, nothing half lies about."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from consilience.cli import app
from consilience.core import files as files_module
from consilience.encoders.image.hog import Hog
from consilience.features import _keeper
from consilience.features.store import FeatureStore
from consilience.learn.learners.linear import Linear
from consilience.pipeline import folder as folder_module

SAID = "Stopped. What was encoded is kept; run the same command again to go on."


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def after(number: int, job: Callable[..., Any]) -> Callable[..., Any]:
    """Does the job so many times, and then is interrupted."""
    done = [0]

    def call(*words: Any, **named: Any) -> Any:
        if done[0] == number:
            raise KeyboardInterrupt
        done[0] += 1
        return job(*words, **named)

    return call


def interrupted(data: Path, words: list[str], copy: Path) -> int:
    """Runs a fit that is interrupted; gives how many pictures' features are kept."""
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    cache = copy.parent / "cache"
    done = run("fit", data / "train.csv", *words, "--seed", 2, "--out", copy, "--cache", cache, "--quiet")
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr.strip() == SAID
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert set(os.listdir(copy.parent)) <= {"model", "cache"}
    with FeatureStore(cache) as store:
        return sum(entry.items for entry in store.fingerprints())


def finish(data: Path, words: list[str], copy: Path, kept: int, seed_of: Callable[[Path], int]) -> None:
    done = run("fit", data / "train.csv", *words, "--seed", 2, "--out", copy, "--cache", copy.parent / "cache", "--json")
    assert done.exit_code == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert (cells["reused"], cells["encoded"]) == (kept, 12 - kept)
    assert seed_of(copy) == 2


def test_while_encoding(data, words, copy, seed_of, monkeypatch):
    monkeypatch.setattr(Hog, "batch_size", 3)
    monkeypatch.setattr(_keeper, "KEEP_CELLS", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Hog, "encode", after(2, Hog.encode))
        kept = interrupted(data, words, copy)
    assert 3 <= kept <= 6  # one of the batches only warms
    finish(data, words, copy, kept, seed_of)


def test_while_features_are_kept(data, words, copy, seed_of, monkeypatch):
    """In the middle of a transaction: it is undone, and made again when the work ends."""
    with monkeypatch.context() as patch:
        patch.setattr("consilience.features.store.replace", after(0, None))
        assert interrupted(data, words, copy) == 0
    finish(data, words, copy, 0, seed_of)


def test_while_learning(data, words, copy, seed_of, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Linear, "cross_fit", after(1, Linear.cross_fit))
        assert interrupted(data, words, copy) == 12
    finish(data, words, copy, 12, seed_of)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_while_saving(data, words, copy, seed_of, monkeypatch, written):
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "_write_json", after(written, folder_module._write_json))
        assert interrupted(data, words, copy) == 12
    finish(data, words, copy, 12, seed_of)


@pytest.mark.parametrize("step", ["to_disk", "swap"])
def test_at_the_end_of_saving(data, words, copy, monkeypatch, step):
    monkeypatch.setattr(files_module, step, after(0, None))
    assert interrupted(data, words, copy) == 12


def test_between_the_two_steps_of_saving_where_names_cannot_be_swapped(data, words, copy, seed_of, monkeypatch):
    renamed = os.rename

    def rename(first: Any, second: Any) -> None:
        if Path(second) == copy and ".before" not in str(first):
            raise KeyboardInterrupt
        renamed(first, second)

    monkeypatch.setattr(files_module, "swap", lambda first, second: False)
    monkeypatch.setattr(os, "rename", rename)
    assert interrupted(data, words, copy) == 12
    assert seed_of(copy) == 1


def test_at_every_line_before_something_new_is_written(tmp_path):
    """Also between the system's making of it and our knowing of it."""

    def run_until(number: int) -> bool:
        left = [number]

        def watch(frame: Any, event: str, _: Any) -> Any:
            if not frame.f_code.co_filename.endswith(("core/files.py", "core/_beside.py")):
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
            return watch

        sys.settrace(watch)
        try:
            with files_module.new_folder(tmp_path / "model"):
                sys.settrace(None)  # what is removed afterwards is removed once
            return False
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(None)

    number = 1
    while run_until(number):
        assert os.listdir(tmp_path) == [], number
        number += 1
    assert number > 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("number", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_a_real_signal_at_random_moments(forks, data, words, models, tmp_path, number, seed_of):
    line = ["fit", "train.csv", *words, "--seed", 2, "--quiet"]
    duration = forks.fit(data, *line, "--out", tmp_path / "m", "--cache", tmp_path / "c")["seconds"]
    dice = np.random.default_rng(number)
    codes = set()
    for turn in range(number):
        here = tmp_path / str(turn)
        shutil.copytree(models[1], here / "model")
        moment = float(dice.uniform(0.1, duration))  # by then the command has begun
        done = forks.fit(data, *line, "--out", here / "model", "--cache", here / "cache", after=moment, signal=int(signal.SIGINT))
        codes.add(done["code"])
        assert done["code"] in (0, 130), done["err"]
        if done["code"] == 130:
            assert done["err"].strip() in (SAID, "Stopped.")  # before the command began there is nothing to keep
        assert seed_of(here / "model") == (2 if done["code"] == 0 else seed_of(here / "model"))
        assert set(os.listdir(here)) <= {"model", "cache"}
    assert 130 in codes
