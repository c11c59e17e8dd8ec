"""Intervals in standard errors: against a plain loop, against theory, where tails are heavy, and where there is hardly anything to see."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from consilience.metrics import CLASSIFICATION, REGRESSION, bootstrap, paired_bootstrap, paired_difference
from consilience.metrics._resample import draws, on_resamples, units_of
from consilience.metrics._smooth import Smooth, difference
from consilience.metrics._studentised import FLOOR, Studentised


def numbers(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors with heavy tails, larger where the target is."""
    dice = np.random.default_rng(seed)
    target = dice.normal(size=rows) * 2
    return target, target + dice.standard_t(6, rows) * np.exp(0.25 * target)


def smooth_of(name: str, target: np.ndarray, output: np.ndarray) -> Smooth:
    found = on_resamples(REGRESSION[name], target, output)
    assert isinstance(found, Smooth)
    return found


@pytest.mark.parametrize("name", ["mae", "rmse", "r2"])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_standard_error_is_that_of_the_jackknife(name: str, grouped: bool) -> None:
    target, output = numbers(400, 0)
    groups = np.random.default_rng(1).integers(0, 200, 400) if grouped else np.arange(400)
    names = np.unique(groups)
    left = np.array([REGRESSION[name].compute(target[groups != one], output[groups != one]) for one in names])
    wanted = math.sqrt((len(names) - 1) / len(names) * ((left - left.mean()) ** 2).sum())
    # The jackknife is a little larger: leaving a row out is a larger step than an infinitesimal one.
    assert Studentised(smooth_of(name, target, output), groups).error == pytest.approx(wanted, rel=0.08)


@pytest.mark.parametrize("name", ["mae", "rmse", "r2"])
def test_the_interval_is_that_of_a_plain_loop(name: str) -> None:
    """Every resample by itself: repeated rows, their own metric and their own standard error."""
    target, output = numbers(80, 2)
    smooth, metric = smooth_of(name, target, output), REGRESSION[name]
    start, value = Studentised(smooth, None), metric.compute(target, output)
    slopes = smooth.slopes(smooth.values.mean(axis=0)[None], np.ones(smooth.values.shape[1]))[0]
    turns = []
    for times in np.concatenate(list(draws(80, 200, 3, None))).astype(int):
        rows = np.repeat(np.arange(80), times)
        again = Studentised(smooth_of(name, target[rows], output[rows]), None)
        # At the slopes of all rows; of R2 the rows of a resample are centred and scaled by themselves, so that this is taken from the whole.
        linear = (smooth.values[rows] @ slopes).std() / math.sqrt(80)
        if metric.name == "mae":
            turns.append((again.value - value) / max(min(again.error, linear), FLOOR * start.error))
        else:
            perfect = metric.high if metric.greater_is_better else metric.low
            now, then = abs(again.value - perfect), abs(value - perfect)
            turns.append(math.log(now / then) / max(min(again.error / now, linear / then), FLOOR * start.error / then))
    low, high = np.quantile(np.clip(turns, -4, 4), [0.025, 0.975], method="weibull")
    if metric.name == "mae":
        wanted = value - high * start.error, value - low * start.error
    else:
        then = abs(value - perfect)
        ends = [perfect + math.copysign(then, value - perfect) * math.exp(-turn * start.error / then) for turn in (high, low)]
        wanted = min(ends), max(ends)
    found = bootstrap({name: metric}, target, output, rounds=200, seed=3)[name]
    assert (found.low, found.high) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("name", "truth"), [("rmse", 1.576), ("r2", 0.379), ("mae", 1.043)])
def test_heavy_tails_are_covered(name: str, truth: float) -> None:
    """Percentiles of the same resamples hold the truth in 178 (RMSE) and 177 (R2) of these tables."""
    held = 0
    for seed in range(200):
        target, output = numbers(200, 1000 + seed)
        found = bootstrap({name: REGRESSION[name]}, target, output, rounds=200, seed=seed)[name]
        held += found.low <= truth <= found.high
    assert 184 <= held <= 197


@pytest.mark.parametrize("name", ["mae", "rmse", "r2"])
def test_a_difference_has_the_slopes_of_both(name: str) -> None:
    target, one = numbers(60, 4)
    _, other = numbers(60, 5)
    first, second = smooth_of(name, target, one), smooth_of(name, target, other)
    both = difference(first, second)
    weights = np.random.default_rng(0).integers(0, 4, (5, 60)).astype(float)
    assert both(weights) == pytest.approx(first(weights) - second(weights))
    nudge = np.ones((1, 60))
    nudge[0, 7] += 1e-6
    moved = (both(nudge) - both(np.ones((1, 60))))[0] / 1e-6
    means = both.values.mean(axis=0)
    slopes = both.slopes(means[None], np.ones(len(means)))[0]
    assert ((both.values[7] - means) @ slopes) / 60 == pytest.approx(moved, rel=1e-3)


def test_groups_that_are_copies_tell_no_more_than_one_of_each() -> None:
    target, output = numbers(100, 6)
    groups = np.repeat(np.arange(100), 5)
    for name in ("mae", "rmse", "r2"):
        metric = {name: REGRESSION[name]}
        once = bootstrap(metric, target, output, seed=1)[name]
        copies = bootstrap(metric, target.repeat(5), output.repeat(5), seed=1, groups=groups)[name]
        assert (copies.low, copies.value, copies.high) == pytest.approx((once.low, once.value, once.high))
    right = np.random.default_rng(0).random(100) < 0.8
    output = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
    once = bootstrap(CLASSIFICATION, np.zeros(100, int), output)["accuracy"]
    copies = bootstrap(CLASSIFICATION, np.zeros(500, int), output.repeat(5, axis=0), groups=groups)["accuracy"]
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high), abs=0.002)


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1.0, 1e9])
def test_the_unit_does_not_matter(scale: float) -> None:
    target, output = numbers(50, 7)
    plain, scaled = (bootstrap(REGRESSION, target * by, output * by, rounds=100) for by in (1.0, scale))
    for name, one in plain.items():
        by = 1.0 if name == "r2" else scale
        assert (scaled[name].low / by, scaled[name].high / by) == pytest.approx((one.low, one.high), rel=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (np.arange(50.0), np.arange(50.0)),
        lambda: (np.arange(50.0), np.arange(50.0) + 1),
        lambda: (np.arange(50.0), np.arange(50.0) * 1e200),
        lambda: (np.ones(50), np.arange(50.0)),
        lambda: (np.arange(50.0), np.where(np.arange(50) == 7, 100.0, np.arange(50.0))),
        lambda: (np.arange(50.0), np.random.default_rng(0).standard_cauchy(50) * 1e6),
        lambda: (np.arange(3.0), np.ones(3)),
    ],
    ids=["perfect", "constant error", "huge", "constant truth", "one outlier", "cauchy", "three rows"],
)
def test_hard_tables_give_ordered_ends_within_the_bounds(make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> None:
    target, output = make()
    for name, found in bootstrap(REGRESSION, target, output, rounds=100).items():
        metric = REGRESSION[name]
        if not math.isnan(found.value):
            assert metric.low <= found.low <= found.value <= found.high <= metric.high, name
            assert found.high < math.inf


def test_without_any_error_there_is_no_width() -> None:
    found = bootstrap(REGRESSION, np.arange(50.0), np.arange(50.0))
    assert all(one.low == one.value == one.high for one in found.values())
    found = bootstrap(REGRESSION, np.arange(50.0), np.arange(50.0) + 1)
    assert (found["rmse"].low, found["rmse"].high) == pytest.approx((1.0, 1.0))


def test_resamples_may_all_be_undefined() -> None:
    """R2 of a constant target: the one row that differs is drawn in two of three resamples."""
    target, output = np.where(np.arange(12) == 3, 1.0, 0.0), np.linspace(0, 1, 12)
    widths = set()
    for seed in range(20):
        found = bootstrap({"r2": REGRESSION["r2"]}, target, output, rounds=1, seed=seed)["r2"]
        assert found.low <= found.value <= found.high
        widths.add(found.high > found.low)
    assert widths == {True, False}


def test_one_row_that_holds_all_errors_leaves_much_open_above() -> None:
    """A resample without it knows of no error at all, and says nothing."""
    output = np.zeros(200)
    output[7] = 10.0
    found = bootstrap({"rmse": REGRESSION["rmse"]}, np.zeros(200), output)["rmse"]
    assert found.low < found.value / 2
    assert 3 * found.value < found.high < 10 * found.value


def test_paired_differences_of_heavy_errors_are_covered() -> None:
    """The second model errs as the first does, and by a little of its own."""
    held = 0
    for seed in range(200):
        dice = np.random.default_rng(seed)
        gain = dice.exponential(size=60) ** 2 - 2.0
        found = paired_difference(np.zeros(60), gain, rounds=200, seed=seed)
        held += found.low <= 0 <= found.high
    assert 182 <= held <= 198  # percentiles hold it in 178


def test_a_loss_turns_the_difference_round() -> None:
    target, one = numbers(100, 8)
    _, other = numbers(100, 9)
    for name in ("rmse", "r2", "mae"):
        found, turned = (paired_bootstrap(REGRESSION[name], target, *pair, rounds=100) for pair in ((one, other), (other, one)))
        assert (turned.low, turned.value, turned.high) == pytest.approx((-found.high, -found.value, -found.low))


def test_rows_that_each_are_a_group_are_rows() -> None:
    assert units_of(4, None) is None
    assert units_of(4, np.array(["b", "a", "d", "c"])) is None
    assert units_of(3, np.zeros(3)) is None
    assert units_of(3, np.array(["b", "a", "b"])).tolist() == [1, 0, 1]  # type: ignore[union-attr]
