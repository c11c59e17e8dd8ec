"""Withheld predictions: the risk of the others is kept, and what cannot be kept is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from consilience.core.errors import UsageError
from consilience.learn.selective import SURE, Selective, _upper


def rows(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidence, and whether the answer is wrong: calibrated."""
    dice = np.random.default_rng(seed)
    sure = dice.beta(3, 1, number)
    return sure, (dice.random(number) > sure).astype(float)


@pytest.mark.parametrize("risk", [0.1, 0.2])
def test_the_risk_is_kept_with_high_probability(risk: float) -> None:
    truth = rows(200_000, 999)
    above, answered = 0, []
    for seed in range(60):
        threshold = Selective.of(*rows(1500, seed), bounded=True).threshold(risk)
        kept = truth[0] >= threshold
        above += truth[1][kept].mean() > risk
        answered.append(kept.mean())
    assert above <= binom.ppf(0.999, 60, 1 - SURE)
    assert np.mean(answered) > 0.1


def test_the_bound_is_the_largest_risk_that_chance_explains() -> None:
    bound = _upper(np.array([1.0] * 3 + [0.0] * 97), 0.05, True)
    assert binom.cdf(3, 100, bound) == pytest.approx(0.05)


def test_a_greater_risk_answers_more() -> None:
    made = Selective.of(*rows(2000, 0), bounded=True)
    thresholds = [made.threshold(risk) for risk in (0.08, 0.15, 0.3, 0.9)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] == made.confidence.min()


def test_what_cannot_be_kept_is_said_and_what_is_said_can_be_kept() -> None:
    made = Selective.of(*rows(120, 0), bounded=True)
    with pytest.raises(UsageError, match=r"No threshold keeps the risk at 0\.01") as caught:
        made.threshold(0.01)
    offered = float(str(caught.value.hint).split("--abstain ")[1].split(" ")[0])
    assert made.threshold(offered) <= 1


def test_nothing_is_offered_where_every_answer_is_wrong() -> None:
    with pytest.raises(UsageError, match=r"nothing can be promised\. Leave out --abstain, or fit with more rows\."):
        Selective.of(np.linspace(0, 1, 100), np.ones(100), bounded=True).threshold(0.5)


@pytest.mark.parametrize("risk", [0.0, 1.0, -1.0, float("nan")])
def test_other_risks_are_refused(risk: float) -> None:
    with pytest.raises(UsageError, match="A risk of"):
        Selective.of(*rows(120, 0), bounded=True).threshold(risk)


def test_the_mean_error_of_numbers_is_kept() -> None:
    dice, kept = np.random.default_rng(0), []
    for _ in range(50):
        width = dice.uniform(0.5, 3, 1000)
        made = Selective.of(-width, np.abs(dice.normal(size=1000)) * width, bounded=False)
        wide = dice.uniform(0.5, 3, 20_000)
        kept.append((np.abs(dice.normal(size=20_000)) * wide)[-wide >= made.threshold(1.0)].mean())
    assert np.mean(np.array(kept) > 1.0) <= 0.1
    assert np.mean(kept) > 0.8
