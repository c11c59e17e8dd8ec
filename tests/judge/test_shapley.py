"""Shapley values: the axioms, a naive loop over orders, and drawn orders against exact values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.judge.shapley import coalitions, shapley

Game = Callable[[frozenset[str]], np.ndarray]


def game(names: list[str], seed: int, shape: tuple[int, ...] = ()) -> Game:
    """A random worth for each coalition."""
    dice = np.random.default_rng(seed)
    worth = {coalition: dice.normal(size=shape) for coalition in coalitions(names)}
    return lambda coalition: worth[coalition]


def naive(names: list[str], value: Game) -> dict[str, np.ndarray]:
    """The definition: the mean over all orders of what each adds to those before it."""
    orders = list(permutations(names))
    found = {name: np.zeros_like(value(frozenset())) for name in names}
    for order in orders:
        for place, name in enumerate(order):
            found[name] = found[name] + (value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))) / len(orders)
    return found


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 5), seed=st.integers(0, 10_000), shape=st.sampled_from([(), (3,), (2, 2)]))
def test_exact_values_are_the_mean_over_all_orders(count: int, seed: int, shape: tuple[int, ...]) -> None:
    names = list("abcde"[:count])
    value = game(names, seed, shape)
    found, wanted = shapley(names, value), naive(names, value)
    assert list(found) == names
    for name in names:
        assert found[name].shape == shape
        assert np.allclose(found[name], wanted[name])


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 6), seed=st.integers(0, 10_000), limit=st.sampled_from([0, 10]))
def test_values_sum_to_what_all_gain_over_none(count: int, seed: int, limit: int) -> None:
    names = list("abcdef"[:count])
    value = game(names, seed)
    total = sum(shapley(names, value, limit=limit, rounds=5).values())
    assert np.isclose(total, value(frozenset(names)) - value(frozenset()))


def test_players_who_add_the_same_get_the_same() -> None:
    worth = {0: 0.0, 1: 2.0, 2: 3.0, 3: 10.0}
    found = shapley(["a", "b", "c"], lambda coalition: worth[len(coalition)])
    assert np.allclose(list(found.values()), 10 / 3)


@pytest.mark.parametrize("limit", [0, 10])
def test_a_player_who_never_adds_anything_gets_nothing(limit: int) -> None:
    value = game(["a", "b", "c"], 3)
    found = shapley(["a", "b", "c", "idle"], lambda coalition: value(coalition - {"idle"}), limit=limit, rounds=20)
    assert abs(float(found["idle"])) < 1e-12
    assert abs(float(found["a"])) > 1e-3


def test_drawn_orders_come_near_the_exact_values() -> None:
    names = [f"m{number}" for number in range(7)]
    value = game(names, 1)
    exact = shapley(names, value)
    near = {rounds: shapley(names, value, limit=0, rounds=rounds, seed=5) for rounds in (4, 2000)}
    wrong = {rounds: max(abs(float(found[name] - exact[name])) for name in names) for rounds, found in near.items()}
    assert 0 < wrong[2000] < 0.05
    assert wrong[2000] < wrong[4] / 3


def test_the_seed_decides_which_orders_are_drawn() -> None:
    names = list("abcdefg")
    value = game(names, 2)
    one, again, other = (shapley(names, value, limit=0, rounds=3, seed=seed)["a"] for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_a_coalition_is_asked_for_once() -> None:
    asked: list[frozenset[str]] = []

    def value(coalition: frozenset[str]) -> float:
        asked.append(coalition)
        return float(len(coalition))

    shapley(list("abcd"), value)
    assert len(asked) == len(set(asked)) == 16
    asked.clear()
    shapley(list("abcd"), value, limit=3, rounds=30)
    assert len(asked) == len(set(asked)) <= 16


def test_nobody_and_twice_the_same() -> None:
    assert shapley([], lambda coalition: 1.0) == {}
    with pytest.raises(ValueError, match="only once"):
        shapley(["a", "a"], lambda coalition: 1.0)
