"""Short trainings decide which fusions are trained in full, and say so."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.core.progress import Silent
from consilience.data.schema import make_folds
from consilience.learn import halving
from consilience.learn.candidates import Candidate, default_candidates
from consilience.learn.effort import PRESETS
from consilience.learn.election import run_election
from consilience.learn.halving import fusions_to_halve, halve
from consilience.learn.learners import Situation
from consilience.learn.learners._base import Split
from consilience.testing import fake_task, xor_examples

TASK = fake_task("binary")


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def candidates(*fusions: str) -> list[Candidate]:
    return [Candidate(f"network-{name}:first+second", "network", ("first", "second"), {"fusion": name}) for name in fusions]


def split_of(rows: int) -> Split:
    (examples, target), (fresh, truth) = xor_examples(rows), xor_examples(200, seed=1)
    return Split(examples, target, fresh, truth, np.arange(200))


def test_only_many_fusions_on_many_rows_are_halved() -> None:
    names = ["a", "b"]
    every = default_candidates(names, [], names, num_rows=1500)
    networks = [one for one in every if one.learner == "network"]
    assert fusions_to_halve(every, 1500) == networks[2:]
    assert [one.settings["fusion"] for one in networks[:2]] == ["late", "concat"]
    assert len(networks) > 10
    assert fusions_to_halve(every, 900) == []
    assert fusions_to_halve(candidates("late", "concat", "gated"), 5000) == []
    assert fusions_to_halve(default_candidates(names, [], names, fusion="mult", num_rows=5000), 5000) == []


def test_a_small_table_tries_one_with_interaction_and_one_without() -> None:
    names = ["a", "b"]
    found = [
        one.settings["fusion"] for one in default_candidates(names, [], names, effort=PRESETS["balanced"], num_rows=500) if "fusion" in one.settings
    ]
    assert found == ["late", "concat"]


def test_costly_fusions_wait_for_many_rows() -> None:
    def tried(rows: int) -> set[str]:
        return {one.settings["fusion"] for one in default_candidates(["a", "b"], [], ["a", "b"], num_rows=rows) if "fusion" in one.settings}

    assert tried(5000) - tried(1500) == {"bottleneck", "mult"}


def test_the_best_are_kept_and_the_others_know_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """After enough epochs, those that find the exclusive or are ahead of those that cannot."""
    monkeypatch.setattr(halving, "ROUNDS", ((8, 600), (10, 600)))
    monkeypatch.setattr(halving, "KEPT", 3)
    told, standing = Told(), candidates("late", "weighted", "concat", "lowrank", "multiplicative")
    out = halve(standing, split_of(600), Situation(TASK), Budget(None), told)
    assert set(out) == {"network-late:first+second", "network-weighted:first+second"}
    assert all("behind other fusions after" in reason for reason in out.values())
    assert "5 more fusions were tried in short trainings; in full: " in told.lines[0]
    assert out == halve(standing, split_of(600), Situation(TASK), Budget(None), Silent())


def test_without_time_the_plainest_are_kept() -> None:
    standing = candidates("late", "concat", "weighted", "gated", "moe")
    out = halve(standing, split_of(200), Situation(TASK), Budget(0.0), Silent())
    assert list(out) == [one.name for one in standing[2:]]
    assert all("time" in reason for reason in out.values())


def test_the_leaderboard_has_all_that_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "SMALL", 100)
    monkeypatch.setattr(halving, "ROUNDS", ((2, 100),) * 3)
    examples, target = xor_examples(120)
    splits = [
        Split(examples.take(fold.train), target[fold.train], examples.take(fold.valid), target[fold.valid], fold.valid)
        for fold in make_folds(120, 2, seed=0)
    ]
    standing = [Candidate("linear:first+second", "linear", ("first", "second")), *candidates("late", "concat", "weighted", "gated", "experts")]
    effort = PRESETS["best"]
    board = run_election(standing, splits, target, Situation(TASK), Budget(None), Silent(), (), effort)
    entries = {entry.name: entry for entry in board.entries}
    assert set(entries) == {one.name for one in standing}
    behind = [name for name, entry in entries.items() if "behind other fusions" in str(entry.stopped)]
    assert len(behind) == 1
    assert not {"network-late:first+second", "network-concat:first+second"} & set(behind)


def test_where_the_plain_ones_are_clearly_behind_no_other_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a linear model knows to the bit, few epochs of a network do not."""
    monkeypatch.setattr(halving, "SMALL", 100)
    examples, _ = xor_examples(240)
    target = (np.asarray(examples.blocks[0].values)[:, 0] > 0).astype(np.int64)
    splits = [
        Split(examples.take(fold.train), target[fold.train], examples.take(fold.valid), target[fold.valid], fold.valid)
        for fold in make_folds(240, 3, seed=0)
    ]
    told, few = Told(), {"training": {"epochs": 1}}
    networks = [
        Candidate(one.name, one.learner, one.modalities, {**one.settings, **few}) for one in candidates("late", "concat", "weighted", "gated", "moe")
    ]
    board = run_election(
        [Candidate("linear:first+second", "linear", ("first", "second")), *networks], splits, target, Situation(TASK), Budget(None), told
    )
    stopped = {entry.name: str(entry.stopped) for entry in board.entries}
    assert all(stopped[one.name] == "2 of its kind were clearly behind" for one in networks[2:])
    assert not any("short trainings" in line for line in told.lines)
