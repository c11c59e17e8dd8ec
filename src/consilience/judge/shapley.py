"""What each player adds to a value, fairly shared. Source: Shapley (1953); sampled orders: Castro et al. (2009)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from consilience.core.seeds import generator

__all__ = ["coalitions", "shapley"]

Value = Callable[[frozenset[str]], np.ndarray | float]
"""What a coalition of players is worth: a number, or an array of the same shape for each coalition."""


def coalitions(names: Sequence[str]) -> list[frozenset[str]]:
    """All 2^M coalitions, the smallest first.

    >>> [sorted(coalition) for coalition in coalitions(["b", "a"])]
    [[], ['a'], ['b'], ['a', 'b']]
    """
    ordered = sorted(names)
    return [frozenset(chosen) for size in range(len(ordered) + 1) for chosen in combinations(ordered, size)]


def shapley(names: Sequence[str], value: Value, *, limit: int = 10, rounds: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    """The Shapley value of each player: what it adds to those before it, on average over all orders in which the players may come.

    The values sum to ``value(all) - value(none)``; players who add the same get the same; one who never adds anything gets 0.
    A coalition is asked for once, however often it occurs.

    Args:
        names: The players; each once.
        value: Coalition to its worth, a number or an array. Entry by entry, arrays are as many games played at once.
        limit: Players up to which the value is exact, over all 2^M coalitions; beyond, orders are drawn.
        rounds: Orders that are drawn, each together with its reverse; every one asks for up to 2 (M - 1) new coalitions.
        seed: Of the drawn orders.

    Returns:
        Player to an array of the shape that ``value`` gives, ``[]`` for a number, in the order of ``names``.

    Raises:
        ValueError: A name occurs twice.

    >>> found = shapley(["a", "b"], lambda coalition: 10.0 if len(coalition) == 2 else 0.0)
    >>> float(found["a"]), float(found["b"])
    (5.0, 5.0)
    """
    if len(set(names)) != len(names):
        raise ValueError("Each player can be named only once.")
    known: dict[frozenset[str], np.ndarray] = {}

    def worth(coalition: frozenset[str]) -> np.ndarray:
        if coalition not in known:
            known[coalition] = np.asarray(value(coalition), dtype=float)
        return known[coalition]

    return _exact(names, worth) if len(names) <= limit else _sampled(names, worth, rounds, seed)


def _exact(names: Sequence[str], worth: Callable[[frozenset[str]], np.ndarray]) -> dict[str, np.ndarray]:
    players = len(names)
    found = {}
    for name in names:
        total = np.zeros_like(worth(frozenset()))
        for others in coalitions([other for other in names if other != name]):
            # The share of orders in which exactly these others come before.
            share = factorial(len(others)) * factorial(players - len(others) - 1) / factorial(players)
            total = total + share * (worth(others | {name}) - worth(others))
        found[name] = total
    return found


def _sampled(names: Sequence[str], worth: Callable[[frozenset[str]], np.ndarray], rounds: int, seed: int) -> dict[str, np.ndarray]:
    """An order and its reverse are correlated negatively, so that their mean varies less (Mitchell et al., 2022)."""
    dice = generator(seed, "shapley")
    found = {name: np.zeros_like(worth(frozenset())) for name in names}
    for _ in range(rounds):
        order = [names[place] for place in dice.permutation(len(names))]
        for turn in (order, order[::-1]):
            before: frozenset[str] = frozenset()
            for name in turn:
                found[name] = found[name] + worth(before | {name}) - worth(before)
                before |= {name}
    return {name: total / (2 * rounds) for name, total in found.items()}
