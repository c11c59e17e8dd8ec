"""The bootstrap intervals of ``evaluate`` hold the value of a large sample about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom

from consilience.metrics import CLASSIFICATION, REGRESSION, bootstrap

SIMULATIONS = 150
SHARES = np.array([0.4, 0.35, 0.25])


def classes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    target = dice.choice(3, rows, p=SHARES)
    return target, softmax(np.log(SHARES) + 1.5 * (1.5 * np.eye(3)[target] + dice.normal(size=(rows, 3))), axis=1)


def numbers(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    return np.zeros(rows), dice.standard_t(6, rows)


@pytest.mark.slow
def test_intervals_hold_the_truth_of_a_large_sample() -> None:
    """93 to 97 % are asked for; the bounds are what so few simulations can tell from it."""
    least, most = binom.ppf(0.001, SIMULATIONS, 0.93), binom.ppf(0.999, SIMULATIONS, 0.97)
    for draw, metrics in (
        (classes, {name: CLASSIFICATION[name] for name in ("accuracy", "log_loss", "macro_f1")}),
        (numbers, {"mae": REGRESSION["mae"]}),
    ):
        truth = {name: metric.compute(*draw(300_000, 10**6)) for name, metric in metrics.items()}
        held = dict.fromkeys(metrics, 0)
        for seed in range(SIMULATIONS):
            for name, found in bootstrap(metrics, *draw(300, seed), rounds=400, seed=seed).items():
                held[name] += found.low <= truth[name] <= found.high
        assert all(least <= number <= most for number in held.values()), held
