"""The election: who is scored, who is given up, who is chosen, and that nobody is scored on rows it learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.core.progress import Silent
from consilience.data.schema import make_folds
from consilience.features._examples import Block, Examples
from consilience.learn.candidates import Candidate, default_candidates
from consilience.learn.election import run_election
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Path as LearnerPath
from consilience.learn.learners._base import Split, choose
from consilience.pipeline.facts import fusion_gain
from consilience.testing import fake_examples, fake_task


def splits_of(examples: Examples, target: np.ndarray, k: int = 3) -> list[Split]:
    folds = make_folds(len(target), k, seed=0)
    return [Split(examples.take(f.train), target[f.train], examples.take(f.valid), target[f.valid], f.valid) for f in folds]


def elect(candidates: list[Candidate], examples: Examples, target: np.ndarray, task: Any, **budget: Any) -> Any:
    return run_election(candidates, splits_of(examples, target), target, Situation(task), Budget(**budget), Silent(), ("ensemble",))


def two_views(rows: int, second_tells: float, seed: int = 0) -> tuple[Examples, np.ndarray]:
    """View ``a`` tells the class; view ``b`` as much as is said (0 is noise)."""
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, rows)
    a = random.normal(size=(rows, 4)) + 0.8 * target[:, None]
    b = random.normal(size=(rows, 4)) + second_tells * target[:, None]
    there = np.ones(rows, bool)
    return Examples((Block("a", "a", a.astype(np.float32), there), Block("b", "b", b.astype(np.float32), there)), rows), target


LINEAR = [Candidate("linear:a", "linear", ("a",)), Candidate("linear:b", "linear", ("b",)), Candidate("linear:a+b", "linear", ("a", "b"))]


def test_fusing_is_chosen_where_it_helps() -> None:
    task = fake_task("binary")
    board = elect(LINEAR, *two_views(400, 0.8), task)
    assert set(board[board.chosen].candidate.modalities) == {"a", "b"}
    gain = fusion_gain(board, two_views(400, 0.8)[1], task)
    assert gain["low"] > 0
    assert "is worth it" in gain["verdict"]


def test_the_verdict_draws_groups_whole() -> None:
    """Copies of a row tell no more than one of it; where nobody said that they belong together they look like more."""
    task, (examples, target) = fake_task("binary"), two_views(400, 0.3)
    board = elect(LINEAR, examples, target, task)
    pairs = np.arange(400) // 8
    alone, grouped = fusion_gain(board, target, task), fusion_gain(board, target, task, pairs[board.scored])
    assert grouped["value"] == alone["value"]
    assert (grouped["low"], grouped["high"]) != (alone["low"], alone["high"])


def test_a_single_view_is_chosen_where_the_other_is_noise() -> None:
    task = fake_task("binary")
    chosen = [board[board.chosen].candidate.modalities for board in (elect(LINEAR, *two_views(300, 0.0, seed), task) for seed in range(6))]
    assert sum(modalities == ("a",) for modalities in chosen) >= 4


def test_held_out_scores_know_nothing_of_noise() -> None:
    """Labels drawn by lot: whoever scores above chance has seen them."""
    random = np.random.default_rng(3)
    rows = 240
    examples = Examples((Block("x", "x", random.normal(size=(rows, 60)).astype(np.float32), np.ones(rows, bool)),), rows)
    target = random.integers(0, 2, rows)
    task = fake_task("binary")
    for learner in ("linear", "trees"):
        board = elect([Candidate(f"{learner}:x", learner, ("x",))], examples, target, task)
        accuracy = board.entries[0].metrics["accuracy"]
        assert accuracy.low < 0.5 < accuracy.high + 0.06


def test_without_time_the_first_candidate_is_finished_and_the_others_are_stopped() -> None:
    task = fake_task("multiclass")
    examples, target = fake_examples(task, rows=120)
    candidates = default_candidates(examples.modalities, (), examples.modalities)
    board = elect(candidates, examples, target, task, seconds=1e-3)
    assert board.chosen == candidates[0].name
    assert [entry.name for entry in board.entries if not entry.stopped] == [board.chosen]
    assert all("time" in str(entry.stopped) for entry in board.entries if entry.name != board.chosen)


def test_every_learner_stands_and_every_modality_alone() -> None:
    names = {candidate.name for candidate in default_candidates(["image", "table", "text"], ["image"], ["table", "text"])}
    assert {"linear:table", "linear:text", "linear:table+text", "trees:table+text", "tabm:table+text", "gp:text", "network:image"} <= names
    assert {f"network-{fusion}:image+table+text" for fusion in ("attention", "concat", "gated", "similarity", "weighted")} <= names
    assert len({candidate.name for candidate in default_candidates(["a"], [], ["a"])}) == 5


def test_ensemble_is_not_worse_than_its_best_member_on_its_rows() -> None:
    task = fake_task("binary")
    examples, target = two_views(300, 0.8)
    board = elect([*LINEAR, Candidate("trees:a+b", "trees", ("a", "b"))], examples, target, task)
    ensembles = [entry for entry in board.entries if entry.weights]
    for entry in ensembles:
        assert entry.loss <= min(board[name].loss for name in entry.weights) + 1e-12
        assert sum(entry.weights.values()) == pytest.approx(1)


def test_common_point_is_the_best_on_all_rows() -> None:
    task = fake_task("binary")
    splits = splits_of(*two_views(30, 0.5))
    points = [{"k": 0}, {"k": 1}, {"k": 2}]
    paths = []
    for split in splits:
        right = np.eye(2)[split.valid_target] * 4
        # The middle point is right, the others are not; the last split stopped before the third point.
        paths.append(LearnerPath(points[: 2 if split is splits[-1] else 3], np.stack([-right, right, 0 * right])[: 2 if split is splits[-1] else 3]))
    found = choose(paths, splits, task, 30)
    assert found.point == {"k": 1}
    assert np.isfinite(found.scores).all()


def test_ensemble_needs_scores_of_all_rows_that_are_held_out() -> None:
    cls: Any = LEARNERS.get("ensemble")
    task = fake_task("binary")
    target = np.array([0, 1] * 20)
    good, bad = np.eye(2)[target] * 3, np.eye(2)[1 - target] * 3
    weights = cls(cls.Settings(), Situation(task)).combine({"good": good, "bad": bad}, target)
    assert weights == {"good": 1.0}


def test_what_takes_long_is_not_tried_on_a_modality_that_is_far_behind_alone() -> None:
    task = fake_task("binary")
    costly = [Candidate("tabm:b", "tabm", ("b",), {"members": 2, "training": {"epochs": 2}})]
    for tells, tried in ((0.0, False), (0.8, True)):
        board = elect([*LINEAR[:2], *costly], *two_views(300, tells), task)
        assert (board["tabm:b"].scores is not None) == tried
        assert tried or board["tabm:b"].stopped == "others that see the same alone were far behind"
    first = elect([LINEAR[0], *costly], *two_views(300, 0.0), task)
    assert first["tabm:b"].scores is not None  # nothing else says what b alone is worth
