"""The Gaussian process: its kernel, its likelihood and what it does with evidence that is not there."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from consilience.core.budget import Budget
from consilience.features._examples import Block, Examples
from consilience.learn.candidates import default_candidates
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners._kernels import JITTER, Compared, Hyper, Inputs, kernel, unlikelihood
from consilience.learn.learners.gp import FittedGaussianProcess, GaussianProcess
from consilience.testing import check_learner, fake_examples, fake_task

ANY = np.array([-1.2, 0.1, 0.4, -0.6, -2.0, -0.3, -0.7, 0.3, 0.2, 0.5, -0.9, -1.6])
"""Logarithms of the parameters of two groups."""


def pictures_and_numbers(rows: int = 40, seed: int = 0) -> tuple[Examples, np.ndarray]:
    """A wide block, absent in every fifth row, and three numbers of which the second is nearly the first; the target is smooth in both."""
    draw = np.random.default_rng(seed)
    there = np.arange(rows) % 5 > 0
    wide = draw.normal(size=(rows, 90)).astype(np.float32) * there[:, None]
    first = draw.normal(size=rows)
    numbers = np.stack([first, first + 0.1 * draw.normal(size=rows), draw.normal(size=rows), draw.random(rows) < 0.5], axis=1).astype(np.float32)
    blocks = (Block("picture", "image", wide, there), Block("table", "table", numbers, np.ones(rows, dtype=bool)))
    return Examples(blocks, rows), np.sin(2 * first) + wide[:, 0] + 0.1 * draw.normal(size=rows)


def test_a_number_has_a_kernel_of_its_own_with_its_neighbour_that_says_the_same() -> None:
    examples, _ = pictures_and_numbers()
    inputs = Inputs.fit(examples, 8, 0)
    assert inputs.groups == [list(range(8)), [8, 9], [10], [11]]


def test_kernel_is_that_of_a_loop() -> None:
    examples, _ = pictures_and_numbers(20)
    two = Examples((examples.blocks[0], Block("flag", "table", examples.blocks[1].values[:, 3:], np.ones(20, dtype=bool))), 20)
    inputs = Inputs.fit(two, 8, 0)
    rows, hyper = inputs.transform(two), Hyper.of(ANY)
    expected = np.ones((20, 20))
    for one in range(20):
        for other in range(20):
            away, told = 0.0, []
            for group, at in enumerate(inputs.groups):
                if rows.present[one, group] and rows.present[other, group]:
                    x, y = rows.values[one, at], rows.values[other, at]
                    square = ((x - y) ** 2).sum()
                    expected[one, other] += hyper.near[group] * np.exp(-square / (2 * hyper.length[group])) + hyper.straight[group] * (x @ y)
                    away += square / (2 * hyper.reach[group])
                    told.append(hyper.paired[group] * (x @ y))
            expected[one, other] += sum(first * second for first, second in combinations(told, 2))
            if (rows.present[one] == rows.present[other]).all():
                expected[one, other] += hyper.joint * np.exp(-away)
    np.testing.assert_allclose(kernel(hyper, rows, rows), expected, atol=1e-10)
    near, straight, paired, joint = Compared.of(rows, rows).parts(hyper)  # what the likelihood is made of
    np.testing.assert_allclose(1.0 + sum(near) + sum(straight) + paired[0] * paired[1] + joint, expected, atol=1e-10)


@pytest.mark.parametrize("outputs", [1, 3])
def test_slopes_are_those_of_the_likelihood(outputs: int) -> None:
    examples, _ = pictures_and_numbers(25)
    two = Examples((examples.blocks[0], Block("flag", "table", examples.blocks[1].values[:, 3:], np.ones(25, dtype=bool))), 25)
    inputs = Inputs.fit(two, 8, 0)
    rows, draw = inputs.transform(two), np.random.default_rng(1)
    compared, target, weights = Compared.of(rows, rows), draw.normal(size=(25, outputs)), draw.uniform(0.5, 2, 25)
    _, slopes = unlikelihood(ANY, compared, target, weights)
    np.testing.assert_allclose(slopes, approx_fprime(ANY, lambda logs: unlikelihood(logs, compared, target, weights)[0], 1e-6), rtol=1e-3, atol=1e-3)


def test_likelihood_and_predictions_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(30, 80)).astype(np.float32)
    examples = Examples((Block("picture", "image", values, np.ones(30, dtype=bool)),), 30)
    target = values[:, 0] + np.sin(values[:, 1])
    inputs = Inputs.fit(examples, 8, 0)
    rows = inputs.transform(examples)
    logs = np.array([-0.5, 0.3, -1.0, -40.0, 0.0, -30.0, -1.5])  # pairs and the joint part are off
    hyper = Hyper.of(logs)
    by_hand = ConstantKernel(hyper.near[0]) * RBF(np.sqrt(hyper.length[0])) + ConstantKernel(hyper.straight[0]) * DotProduct(1.0)
    theirs = GaussianProcessRegressor(
        by_hand + ConstantKernel(1 - hyper.straight[0]) + WhiteKernel(hyper.noise + JITTER), optimizer=None, alpha=0
    ).fit(rows.values, target)
    ours, _ = unlikelihood(logs, Compared.of(rows, rows), target[:, None], np.ones(30))
    assert -ours - 15 * np.log(2 * np.pi) == pytest.approx(theirs.log_marginal_likelihood(), rel=1e-6)
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    fitted = learner.fit(examples, target, {"noise": 1.0, "gain": 1.0, "kernels": {"image": logs.tolist()}}, Budget(None))
    centred = GaussianProcessRegressor(theirs.kernel, optimizer=None, alpha=0).fit(rows.values, target - target.mean())
    np.testing.assert_allclose(fitted.predict(examples)[:, 0], centred.predict(rows.values) + target.mean(), atol=1e-6)


def test_what_is_smooth_is_learned_from_few_rows_and_absence_costs_only_what_was_absent() -> None:
    train, target = pictures_and_numbers(120)
    test, truth = pictures_and_numbers(200, seed=1)
    learner = GaussianProcess(GaussianProcess.Settings(components=40), Situation(fake_task("regression")))
    split = Split(train, target, test, truth, np.arange(200))
    crossed = learner.cross_fit([split], 200, Budget(None))
    left = 1 - ((crossed.scores[:, 0] - truth) ** 2).mean() / truth.var()
    assert left > 0.3  # the sine alone is .33 of the variance
    fitted = learner.fit(train, target, crossed.point, Budget(None))
    nothing = Examples(tuple(Block(b.name, b.modality, np.zeros_like(b.values), np.zeros(200, dtype=bool)) for b in test.blocks), 200)
    alone = fitted.predict(nothing)
    assert np.ptp(alone) == 0
    assert abs(alone[0, 0] - target.mean()) < 0.5


def test_a_row_without_a_modality_is_scored_by_what_never_had_it() -> None:
    some, target = pictures_and_numbers(80)
    wide = some.blocks[0].values + np.float32(0.1)
    train = Examples((Block("picture", "image", wide, np.ones(80, dtype=bool)), some.blocks[1]), 80)
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    point = {"noise": 1.0, "gain": 1.0, "kernels": {}}
    both, never = learner.fit(train, target, point, Budget(None)), learner.fit(train.only(["table"]), target, point, Budget(None))
    np.testing.assert_allclose(both.predict(train.without(["image"])), never.predict(train.only(["table"])), rtol=1e-8)


def test_what_training_rows_lack_is_learned_with_them() -> None:
    train, target = pictures_and_numbers(80)  # every fifth has no picture
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    fitted = learner.fit(train, target, {"noise": 1.0, "gain": 1.0, "kernels": {}}, Budget(None))
    assert isinstance(fitted, FittedGaussianProcess)
    assert list(fitted.processes) == [("image", "table"), ("image",)]
    assert fitted.taught == {"image"}


def two_signs(rows: int, seed: int) -> tuple[Examples, np.ndarray]:
    """Two wide blocks, each with one strong direction among many weak ones; the class is whether both directions have the same sign."""
    draw = np.random.default_rng(seed)
    wide = draw.normal(size=(2, rows, 90)).astype(np.float32)
    wide[:, :, 0] *= 3
    there = np.ones(rows, dtype=bool)
    blocks = tuple(Block(name, name, values, there) for name, values in zip(("image", "text"), wide, strict=True))
    return Examples(blocks, rows), (wide[0, :, 0] * wide[1, :, 0] > 0).astype(int)


def test_what_only_two_pieces_of_evidence_tell_together_is_seen_by_pairs() -> None:
    train, target = two_signs(400, 0)
    test, truth = two_signs(300, 1)
    right = {}
    for pairs in (False, True):
        learner = GaussianProcess(GaussianProcess.Settings(pairs=pairs), Situation(fake_task("binary")))
        crossed = learner.cross_fit([Split(train, target, test, truth, np.arange(300))], 300, Budget(None))
        right[pairs] = (crossed.scores.argmax(axis=1) == truth).mean()
    assert right[True] > 0.75 > right[False] + 0.05


def test_with_pairs_it_keeps_the_contract() -> None:
    check_learner("gp", fake_task("multiclass"), {**GaussianProcess.on_products, "choosing_rows": 40})


def test_pairs_that_are_none_change_nothing() -> None:
    """Variances of almost nothing, and of so little that the products are left out: the same kernel."""
    examples, _ = pictures_and_numbers(20)
    inputs = Inputs.fit(examples, 8, 0)
    rows, groups = inputs.transform(examples), 4
    made = []
    for none in (-19.0, -40.0):
        logs = np.tile(np.log([0.3, 1.0, 0.2, 1.0, 1.0]), (groups, 1)).T.ravel()
        logs[3 * groups : 4 * groups] = none
        made.append(Hyper.of(np.append(logs, [-1.0, -2.0])))
    assert [hyper.in_pairs for hyper in made] == [True, False]
    np.testing.assert_allclose(kernel(made[0], rows, rows), kernel(made[1], rows, rows), atol=1e-12)


def test_kernels_of_other_features_are_chosen_again() -> None:
    examples, target = pictures_and_numbers(60)
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    fitted = learner.fit(examples, target, {"noise": 1.0, "gain": 1.0, "kernels": {"image+table": ANY.tolist()}}, Budget(None))
    assert isinstance(fitted, FittedGaussianProcess)
    assert len(fitted.processes["image", "table"].logs) == 5 * 4 + 2


def test_of_many_rows_as_many_are_learned_from_as_the_setting_says() -> None:
    task = fake_task("binary")
    examples, target = fake_examples(task, 90)
    learner = GaussianProcess(GaussianProcess.Settings(rows=50), Situation(task))
    fitted = learner.fit(examples, target, {"noise": 1.0, "gain": 2.0, "kernels": {}}, Budget(None))
    assert isinstance(fitted, FittedGaussianProcess)
    assert len(fitted.rows.values) == 50


def test_files_that_do_not_belong_together_are_refused() -> None:
    task = fake_task("regression")
    examples, target = pictures_and_numbers()
    state = (
        GaussianProcess(GaussianProcess.Settings(), Situation(task))
        .fit(examples, target, {"noise": 1.0, "gain": 1.0, "kernels": {}}, Budget(None))
        .state()
    )
    broken = state.arrays | {"kept|logs0": np.zeros(3)}
    with pytest.raises(ValueError, match="belong together"):
        FittedGaussianProcess.restore(type(state)(state.config, broken, state.texts), Situation(task))


def test_it_stands_for_election_where_rows_are_few() -> None:
    def names(rows: int) -> set[str]:
        return {candidate.learner for candidate in default_candidates(["image", "table"], [], ["image", "table"], num_rows=rows)}

    assert "gp" in {one.learner for one in default_candidates(["a", "b"], [], ["a", "b"], num_rows=9000, named=["gp"])}
    assert "gp" in names(2000)
    assert "gp" not in names(2001)
    assert LEARNERS.card("gp").cost == "medium"


def test_an_outlier_does_not_outvote_all_else() -> None:
    train, target = pictures_and_numbers(60)
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    fitted = learner.fit(train, target, {"noise": 1.0, "gain": 1.0, "kernels": {}}, Budget(None))
    picture, table = train.blocks
    wild = Examples((Block("picture", "image", picture.values * 1e6, picture.mask), table), 60)
    assert np.abs(fitted.predict(wild)).max() < 20 * np.abs(target).max()


def test_a_modality_that_no_training_row_has_says_nothing() -> None:
    train, target = pictures_and_numbers(60)
    without = Examples((Block("picture", "image", np.zeros((60, 90), np.float32), np.zeros(60, dtype=bool)), train.blocks[1]), 60)
    learner = GaussianProcess(GaussianProcess.Settings(components=8), Situation(fake_task("regression")))
    fitted = learner.fit(without, target, {"noise": 1.0, "gain": 1.0, "kernels": {}}, Budget(None))
    assert np.isfinite(fitted.predict(train)).all()
    assert np.isfinite(fitted.predict(train.without(["table"]))).all()
