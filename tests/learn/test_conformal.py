"""Sets and intervals hold the truth as often as promised: over seeds, by pattern of present modalities and by class."""

from __future__ import annotations

import json

import numpy as np
import pytest

from consilience.core.errors import UsageError
from consilience.core.state import State
from consilience.learn.calibration import Calibration
from consilience.learn.conformal import Conformal
from consilience.testing import fake_task

SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
Drawn = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]


def draw(rows: int, seed: int) -> Drawn:
    """Scores of two modalities that come and go; too sure, and more so of one class."""
    dice = np.random.default_rng(seed)
    target = dice.choice(5, rows, p=SHARES)
    present = {"image": dice.random(rows) < 0.8, "text": dice.random(rows) < 0.6}
    scores = np.tile(np.log(SHARES), (rows, 1))
    for name, strength in (("image", 1.6), ("text", 1.0)):
        told = strength * (strength * np.eye(5)[target] + dice.normal(size=(rows, 5))) - strength**2 / 2
        told[:, 4] *= 1.5
        scores += np.where(present[name][:, None], told, 0)
    return scores * 1.3, target, present


def number(rows: int, seed: int) -> Drawn:
    """Scores and numbers whose errors are twice as large without a picture."""
    dice = np.random.default_rng(seed)
    present = {"image": dice.random(rows) < 0.7, "text": np.ones(rows, bool)}
    scores = dice.normal(size=rows)
    return scores[:, None], scores + dice.standard_t(5, rows) * np.where(present["image"], 1, 2), present


def hits(found: Calibration, rows: Drawn, level: float) -> np.ndarray:
    scores, target, present = rows
    if found.task.target.task == "regression":
        low, high = found.interval(scores, present, level)
        return np.asarray((low <= target) & (target <= high))
    return found.sets(found.task.output(found.apply(scores)), present, level)[np.arange(len(target)), target]


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("kind", ["classes", "number"])
def test_coverage_is_within_two_points_over_twenty_seeds(kind: str, level: float) -> None:
    task, make = (fake_task("multiclass", 5), draw) if kind == "classes" else (fake_task("regression"), number)
    covered, by_pattern = [], []
    for seed in range(20):
        found, new = Calibration.fit(*make(800, seed)[:2], task, make(800, seed)[2]), make(4000, 1000 + seed)
        held, there = hits(found, new, level), new[2]
        covered.append(held.mean())
        by_pattern.append([held[there["image"] == image].mean() for image in (True, False)])
    assert abs(np.mean(covered) - level) < 0.02
    # Rows of which nothing is known are all alike, and get whole classes more than they need.
    assert (np.mean(by_pattern, axis=0) > level - 0.02).all()
    assert (np.mean(by_pattern, axis=0) < level + 0.05).all()


def test_each_class_is_held_as_often_as_promised() -> None:
    task, held, common = fake_task("multiclass", 5), np.zeros(5), np.zeros(5)
    for seed in range(20):
        scores, target, present = draw(1500, seed)
        found, (scores, truth, there) = Calibration.fit(scores, target, task, present), draw(4000, 1000 + seed)
        output = task.output(found.apply(scores))
        inside = found.sets(output, there, 0.9)[np.arange(len(truth)), truth]
        held += [inside[truth == code].mean() / 20 for code in range(5)]
        # One threshold for all classes, for comparison.
        known = np.sort(found.conformal.odd)  # type: ignore[union-attr]
        plain = 1 - output[np.arange(len(truth)), truth] <= known[int(np.ceil(0.9 * (len(known) + 1))) - 1]
        common += [plain[truth == code].mean() / 20 for code in range(5)]
    assert (np.abs(held - 0.9) < 0.03).all()
    assert np.ptp(held) < np.ptp(common) / 2


def test_a_pattern_that_training_never_had_keeps_its_promise() -> None:
    """All held-out rows have both modalities; new ones lack the better one: the sets grow."""
    task, held, sizes, seen = fake_task("multiclass", 5), [], [], []
    for seed in range(10):
        scores, target, present = draw(3000, seed)
        full = present["image"] & present["text"]
        # What is calibrated is calibrated for all patterns here, so that only the sets are judged.
        found = Calibration.fit(scores, target, task, present)
        found.conformal = Conformal.of_classes(
            task.output(found.apply(scores[full])), target[full], task, {name: there[full] for name, there in present.items()}
        )
        scores, target, present = draw(3000, 1000 + seed)
        output, poor = task.output(found.apply(scores)), ~present["image"] & present["text"]
        inside = found.sets(output, present, 0.9)
        held.append(inside[np.arange(len(target)), target][poor].mean())
        sizes.append(inside[poor].sum(axis=1).mean())
        seen.append(inside[full := present["image"] & present["text"]].sum(axis=1).mean())
    assert np.mean(held) > 0.88
    assert np.mean(sizes) > np.mean(seen) + 0.5


def test_a_set_is_never_empty_and_grows_with_the_level() -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(600, 0)
    found = Calibration.fit(scores, target, task, present)
    output = task.output(found.apply(scores))
    sizes = [found.sets(output, present, level).sum(axis=1) for level in (0.5, 0.7, 0.9, 0.99)]
    assert all((size >= 1).all() for size in sizes)
    assert [size.mean() for size in sizes] == sorted(size.mean() for size in sizes)


def test_the_quantile_is_that_of_a_naive_loop() -> None:
    """One pattern, one class, numbers: the k-th smallest residual, k = ceil((n + 1) level)."""
    dice = np.random.default_rng(0)
    residuals, there = np.abs(dice.normal(size=200)), {"text": np.ones(200, bool)}
    kept = Conformal.of_numbers(residuals, fake_task("regression"), there)
    for level in (0.5, 0.9, 0.99):
        naive = next(one for one in sorted(residuals) if sum(other <= one for other in residuals) >= 201 * level)
        assert kept.factors({"text": np.ones(3, bool)}, 3, level) == pytest.approx([naive] * 3)


def test_too_few_rows_rule_nothing_out() -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(8, 0)
    found = Calibration.fit(scores, target, task, present)
    assert found.sets(task.output(found.apply(scores)), present, 0.95).all()


def test_every_label_of_a_row_is_held() -> None:
    task, held = fake_task("multilabel", 4), []
    for seed in range(20):
        dice = np.random.default_rng(seed)
        scores = dice.normal(-1, 2, size=(3000, 4))
        target = (dice.random((3000, 4)) < 1 / (1 + np.exp(-scores))).astype(np.float32)
        there = {"text": np.ones(600, bool)}
        found = Calibration.fit(scores[:600], target[:600], task, there)
        inside = found.sets(task.output(found.apply(scores[600:])), {"text": np.ones(2400, bool)}, 0.9)
        held.append(inside[target[600:] > 0.5].mean())
    assert abs(np.mean(held) - 0.9) < 0.02


def test_sets_are_the_same_when_read_back() -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(400, 3)
    found = Calibration.fit(scores * 30, target, task, present)  # very sure: many rows tie
    again = Calibration.restore(State(json.loads(json.dumps(found.state().config))), task)
    output = task.output(found.apply(scores * 30))
    for level in (0.6, 0.9):
        assert np.array_equal(found.sets(output, present, level), again.sets(output, present, level))
    assert found.threshold(0.4) == again.threshold(0.4)


def test_lists_that_do_not_fit_are_refused() -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(60, 3)
    config = Calibration.fit(scores, target, task, present).state().config
    for name in ("odd", "pattern_of", "classes"):
        with pytest.raises(ValueError, match="do not fit"):
            Calibration.restore(State({**config, "conformal": {**config["conformal"], name: config["conformal"][name][:-1]}}), task)
    with pytest.raises(ValueError, match="do not fit"):
        Calibration.restore(State({**config, "conformal": {**config["conformal"], "classes": [99] * 60}}), task)


@pytest.mark.parametrize("level", [0.0, 0.49, 0.995, 1.0, 90.0, float("nan")])
def test_other_levels_are_refused(level: float) -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(60, 0)
    with pytest.raises(UsageError, match="cannot be promised"):
        Calibration.fit(scores, target, task, present).sets(task.output(scores), present, level)


def test_an_older_model_says_so() -> None:
    task = fake_task("multiclass", 5)
    scores, target, present = draw(60, 0)
    old = {name: value for name, value in Calibration.fit(scores, target, task).state().config.items() if name not in ("conformal", "selective")}
    again = Calibration.restore(State(old), task)
    with pytest.raises(UsageError, match="older version"):
        again.sets(task.output(scores), present, 0.9)
    with pytest.raises(UsageError, match="older version"):
        again.threshold(0.1)
