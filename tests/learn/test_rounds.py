"""Rounds of folds: who is held out again, what a candidate then says of a row, and what happens when the time ends between two rounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.core.progress import Silent
from consilience.data.schema import make_folds
from consilience.features._examples import Block, Examples
from consilience.learn.candidates import Candidate
from consilience.learn.choice import combine, contenders
from consilience.learn.effort import PRESETS
from consilience.learn.election import run_election
from consilience.learn.leaderboard import Entry
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.spaces import from_mean_space, to_mean_space
from consilience.pipeline._folds import plan_rounds
from consilience.pipeline.recipe import make_recipe
from consilience.testing import fake_task


def rounds_of(examples: Examples, target: np.ndarray, count: int) -> list[list[Split]]:
    made = []
    for seed in range(count):
        folds = make_folds(len(target), 3, seed=seed)
        made.append([Split(examples.take(f.train), target[f.train], examples.take(f.valid), target[f.valid], f.valid) for f in folds])
    return made


def one_view(rows: int = 150, seed: int = 0) -> tuple[Examples, np.ndarray]:
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, rows)
    values = random.normal(size=(rows, 5)) + 0.7 * target[:, None]
    return Examples((Block("a", "a", values.astype(np.float32), np.ones(rows, bool)),), rows), target


def test_what_a_candidate_says_is_the_mean_over_rounds() -> None:
    task = fake_task("binary")
    examples, target = one_view()
    rounds = rounds_of(examples, target, 3)
    candidate = Candidate("linear:a", "linear", ("a",))
    board = run_election([candidate], rounds[0], target, Situation(task), Budget(None), Silent(), further=rounds[1:])
    entry = board["linear:a"]
    assert entry.rounds == 3
    learner = candidate.make(Situation(task))
    each = []
    for splits in rounds:
        scores = np.zeros((len(target), 2))
        for split in splits:
            scores[split.rows] = learner.again(split, entry.point, Budget(None))
        each.append(to_mean_space(scores, task))
    # The first round's scores come from the search along the path, which ends within the solver's tolerance of a fit from scratch.
    np.testing.assert_allclose(task.output(entry.scores), task.output(from_mean_space(np.mean(each, axis=0), task)), atol=0.02)
    assert entry.loss == pytest.approx(task.row_losses(target, entry.scores).mean())


def test_a_round_without_time_counts_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    task = fake_task("binary")
    examples, target = one_view()
    linear: Any = LEARNERS.get("linear")
    budget = Budget(1000.0)
    calls: list[int] = []
    again = linear.again

    def late(self: Any, split: Split, point: Any, left: Budget) -> np.ndarray:
        calls.append(len(calls))
        if len(calls) == 5:  # in the second further round
            monkeypatch.setattr(Budget, "left", lambda self: 0.0)
        return np.asarray(again(self, split, point, left))

    monkeypatch.setattr(linear, "again", late)
    first, *further = rounds_of(examples, target, 4)
    board = run_election([Candidate("linear:a", "linear", ("a",))], first, target, Situation(task), budget, Silent(), further=further)
    assert board["linear:a"].rounds == 2
    assert len(calls) == 5


def test_contenders_are_those_near_the_best_and_the_best_of_each_modality() -> None:
    task = fake_task("binary")
    target = np.array([0, 1] * 100)
    right = np.eye(2)[target]
    noise = np.random.default_rng(0).normal(size=(200, 2))

    def entry(name: str, modalities: tuple[str, ...], scale: float) -> Entry:
        made = Entry(Candidate(name, "linear", modalities), scores=right * scale + 0.3 * noise)
        made.loss = float(task.row_losses(target, made.scores).mean())  # type: ignore[arg-type]
        return made

    entries = [
        entry("both", ("a", "b"), 3.0),
        entry("poor", ("a", "b"), 0.5),
        entry("a", ("a",), 1.0),
        entry("b", ("b",), 0.1),
        entry("c", ("c",), 1.0),
        entry("c2", ("c",), 0.9),
    ]
    names = {found.name for found in contenders(entries, target, np.arange(200), Situation(task), ())}
    assert names == {"both", "a", "b", "c"}
    assert [found.name for found in contenders(entries[1:2], target, np.arange(200), Situation(task), ())] == ["poor"]


def test_members_of_an_ensemble_go_on_where_all_evidence_or_a_modality_in_question_is_told() -> None:
    task, random = fake_task("binary"), np.random.default_rng(1)
    target = np.array([0, 1] * 200)

    def entry(name: str, modality: str, scale: float) -> Entry:
        made = Entry(Candidate(name, name[:-1], (modality,)), scores=np.eye(2)[target] * scale + random.normal(size=(400, 2)))
        made.loss = float(task.row_losses(target, made.scores).mean())  # type: ignore[arg-type]
        return made

    entries = [entry("one1", "a", 3.0), entry("two1", "a", 2.0), entry("one2", "b", 0.4), entry("two2", "b", 0.4)]
    names = {found.name for found in contenders(entries, target, np.arange(400), Situation(task), ("ensemble",))}
    whole = {
        name
        for found in combine(entries, target, np.arange(400), Situation(task), ("ensemble",))
        for name in found.weights
        if found.candidate.modalities != ("b",)
    }
    own = {name for found in combine(entries, target, np.arange(400), Situation(task), ("ensemble",)) for name in found.weights}
    assert names == whole | {"one1", min(("one2", "two2"), key=lambda name: next(one.loss for one in entries if one.name == name))}
    assert {"one2", "two2"} <= own
    assert not {"one2", "two2"} <= whole


@pytest.mark.parametrize(
    ("presets", "rows", "rounds"), [("fast", 100, 1), ("balanced", 100, 4), ("balanced", 1500, 2), ("balanced", 3000, 1), ("best", 1500, 4)]
)
def test_small_tables_are_cut_into_folds_several_times(presets: Any, rows: int, rounds: int) -> None:
    labels = np.arange(rows) % 2
    found = plan_rounds(np.zeros(rows, bool), labels, None, make_recipe({"target": "y", "presets": presets}))
    assert len(found) == rounds == PRESETS[presets].num_rounds(rows)
    for folds in found:
        assert sorted(np.concatenate([fold.valid for fold in folds]).tolist()) == list(range(rows))
    if rounds > 1:
        assert not np.array_equal(found[0][0].valid, found[1][0].valid)


def test_groups_stay_whole_in_every_round() -> None:
    groups = np.repeat(np.arange(60), 3)
    for folds in plan_rounds(np.zeros(180, bool), np.arange(180) % 2, groups, make_recipe({"target": "y"})):
        for fold in folds:
            assert not set(groups[fold.train]) & set(groups[fold.valid])


@pytest.mark.parametrize("learner", ["network", "trees"])
def test_several_seeds_are_averaged_in_the_final_fit(learner: str) -> None:
    task = fake_task("binary")
    examples, target = one_view(80)
    cls: Any = LEARNERS.get(learner)
    point = {"epochs": 3} if learner == "network" else {"rounds": 10}
    one = cls(cls.Settings(), Situation(task, seeds=1)).fit(examples, target, point, Budget(None))
    three = cls(cls.Settings(), Situation(task, seeds=3)).fit(examples, target, point, Budget(None))
    assert len(three.networks if learner == "network" else three.forests) == 3
    assert not np.allclose(one.predict(examples), three.predict(examples))
    restored = cls.fitted.restore(three.state(), Situation(task))
    np.testing.assert_array_equal(restored.predict(examples), three.predict(examples))
