"""Bounds of shares: against scipy, published figures, and simulated groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from consilience.metrics._binomial import effective_rows, exact_share, most, newcombe, wilson


@pytest.mark.parametrize(("hits", "rows"), [(0, 5), (5, 5), (3, 10), (97, 100), (1, 1), (0, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_both_are_those_of_scipy(hits: int, rows: int, level: float) -> None:
    test = binomtest(hits, rows)
    for found, method in ((exact_share(hits, rows, level), "exact"), (wilson(hits / rows, rows, level), "wilson")):
        wanted = test.proportion_ci(level, method)
        assert (found.low, found.value, found.high) == pytest.approx((wanted.low, hits / rows, wanted.high))
    assert most(hits, rows, (1 - level) / 2) == pytest.approx(test.proportion_ci(level, "exact").high)


def test_a_difference_as_newcombe_published_it() -> None:
    """56 of 70 and 48 of 80, method 10 of the paper: 0.0524 to 0.3339."""
    found = newcombe(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert (round(found.low, 4), round(found.value, 4), round(found.high, 4)) == (0.0524, 0.2, 0.3339)


def test_copies_tell_no_more_than_one_of_each() -> None:
    hits = (np.random.default_rng(0).random(80) < 0.7).astype(float)
    assert effective_rows(np.repeat(hits, 5), np.repeat(np.arange(80), 5)) == (pytest.approx(80), 80)
    assert effective_rows(np.ones(30), np.repeat(np.arange(6), 5)) == (6, 6)
    assert effective_rows(np.zeros(0), np.zeros(0)) == (0, 0)


def test_rows_that_do_not_belong_together_lose_little() -> None:
    random = np.random.default_rng(1)
    found = [effective_rows((random.random(400) < 0.7).astype(float), random.integers(0, 100, 400))[0] for _ in range(20)]
    assert 300 < np.mean(found) <= 400


@pytest.mark.parametrize("count", [6, 12, 40])
def test_few_groups_are_covered_too(count: int) -> None:
    """Each group has a share of its own; the truth is their mean."""
    held = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        shares, codes = random.beta(7, 3, count), np.repeat(np.arange(count), 10)
        hits = (random.random(10 * count) < shares[codes]).astype(float)
        rows, groups = effective_rows(hits, codes)
        found = wilson(float(hits.mean()), rows, groups=groups)
        held += found.low <= 0.7 <= found.high
    assert 275 <= held <= 300


def test_nothing_is_nan() -> None:
    assert math.isnan(exact_share(0, 0).low)
    assert math.isnan(wilson(0.5, 0.0).low)
