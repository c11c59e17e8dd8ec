"""Shapley values from few coalitions agree with those from all, and with the plain definition."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from consilience.judge.explain._kernel import coalitions, kernel_shapley
from consilience.judge.shapley import shapley


def tangled(players: int, seed: int = 0):
    """A game in which pairs matter."""
    dice = np.random.default_rng(seed)
    single, pairs = dice.normal(size=players), np.triu(dice.normal(size=(players, players)), 1)

    def game(kept: np.ndarray) -> np.ndarray:
        there = kept.astype(float)
        return 3 + there @ single + np.einsum("ri,ij,rj->r", there, pairs, there)

    return game, single + (pairs + pairs.T).sum(axis=1) / 2


def test_all_coalitions_give_what_the_definition_gives() -> None:
    dice = np.random.default_rng(1)
    worth = dice.normal(size=2**4)

    def game(kept: np.ndarray) -> np.ndarray:
        return worth[kept @ (1 << np.arange(4))]

    found = kernel_shapley(4, game, budget=100, generator=dice)
    naive = np.zeros(4)
    for order in permutations(range(4)):
        before = np.zeros((1, 4), dtype=bool)
        for player in order:
            after = before.copy()
            after[0, player] = True
            naive[player] += (game(after) - game(before))[0] / 24
            before = after
    assert found.exact
    assert found.evaluations == 16
    np.testing.assert_allclose(found.values, naive, atol=1e-9)
    names = ["a", "b", "c", "d"]
    same = shapley(names, lambda there: float(game(np.array([[name in there for name in names]]))[0]))
    np.testing.assert_allclose(found.values, [same[name] for name in names], atol=1e-9)


def test_a_sum_is_found_from_few_coalitions() -> None:
    weights = np.random.default_rng(2).normal(size=30)
    found = kernel_shapley(30, lambda kept: kept @ weights - 2, budget=70, generator=np.random.default_rng(0))
    assert not found.exact
    np.testing.assert_allclose(found.values, weights, atol=1e-8)
    np.testing.assert_allclose(found.errors, 0, atol=1e-6)


@pytest.mark.parametrize("players", [11, 20])
def test_samples_come_near_and_say_how_near(players: int) -> None:
    game, true = tangled(players)
    found = kernel_shapley(players, game, budget=600, generator=np.random.default_rng(0))
    assert found.evaluations <= 602
    np.testing.assert_allclose(found.values.sum(), true.sum())
    off = np.abs(found.values - true)
    # Pairs are met without bias by complements; what is left is small, and the errors cover it.
    assert off.mean() < 0.1 * np.abs(true).mean()
    assert np.mean(off <= 3 * found.errors + 1e-9) > 0.9


def test_errors_are_honest_for_a_game_of_threes() -> None:
    """In nearly all of many draws the true value lies within two standard errors."""
    dice = np.random.default_rng(5)
    triples = [(dice.choice(14, 3, replace=False), dice.normal()) for _ in range(40)]

    def game(kept: np.ndarray) -> np.ndarray:
        return sum(weight * kept[:, places].all(axis=1) for places, weight in triples)

    true = np.zeros(14)
    for places, weight in triples:
        true[places] += weight / 3
    inside = []
    for seed in range(20):
        found = kernel_shapley(14, game, budget=120, generator=np.random.default_rng(seed))
        inside.append(np.abs(found.values - true) <= 2 * found.errors)
    assert np.mean(inside) > 0.9


@pytest.mark.parametrize("players", [0, 1, 2])
def test_few_players(players: int) -> None:
    found = kernel_shapley(players, lambda kept: kept.sum(axis=1) * 2.0, budget=8, generator=np.random.default_rng(0))
    np.testing.assert_allclose(found.values, [2.0] * players)
    assert found.exact


def test_coalitions_weigh_as_their_sizes_do() -> None:
    kept, mass = coalitions(12, 200, np.random.default_rng(0))
    assert len(kept) <= 200
    assert not kept.all(axis=1).any()
    assert kept.any(axis=1).all()
    assert mass.sum() == pytest.approx(1)
    size = kept.sum(axis=1)
    assert mass[size == 1].sum() == pytest.approx(mass[size == 11].sum())
    assert mass[size == 1].sum() > mass[size == 2].sum()
