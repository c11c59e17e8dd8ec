"""Shapley values from few coalitions. Source: Lundberg and Lee (2017), KernelSHAP; Covert and Lee (2021), pairs of complements.

All coalitions are asked where they are few: then the values are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

__all__ = ["Game", "Weights", "coalitions", "kernel_shapley"]

Game = Callable[[np.ndarray], np.ndarray]
"""``[R, P] bool`` coalitions (True = the player takes part) to ``[R]`` values."""


@dataclass(frozen=True)
class Weights:
    """What each player is worth.

    Args:
        values: ``[P]``; they sum to the value of all players less that of none.
        errors: ``[P]`` standard errors of sampling; zero where the values are exact.
        evaluations: How many coalitions were asked.
        exact: True if all of them were.
    """

    values: np.ndarray
    errors: np.ndarray
    evaluations: int
    exact: bool


def coalitions(players: int, budget: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``[R, P] bool`` coalitions other than none and all, and ``[R]`` their weights in the regression.

    The smallest and the largest ones weigh most, so they are all taken as far as the budget goes; of the others pairs of complements are drawn.
    """
    sizes = np.arange(1, players)
    weight = (players - 1) / (sizes * (players - sizes))  # of all coalitions of a size together
    weight = weight / weight.sum()
    rows: list[np.ndarray] = []
    masses: list[np.ndarray] = []
    left, open_sizes = budget, set(sizes.tolist())
    for size in range(1, players // 2 + 1):
        both = {size, players - size}
        count = sum(comb(players, one) for one in both)
        if count > left:
            break
        for one in sorted(both):
            made = np.zeros((comb(players, one), players), dtype=bool)
            for row, chosen in enumerate(combinations(range(players), one)):
                made[row, list(chosen)] = True
            rows.append(made)
            masses.append(np.full(len(made), weight[one - 1] / len(made)))
        left -= count
        open_sizes -= both
    if open_sizes and left >= 2:
        drawn_sizes = np.array(sorted(open_sizes))
        chance = weight[drawn_sizes - 1]
        pairs = left // 2
        drawn = np.zeros((pairs, players), dtype=bool)
        for row, size in enumerate(generator.choice(drawn_sizes, pairs, p=chance / chance.sum())):
            drawn[row, generator.permutation(players)[:size]] = True
        rows += [drawn, ~drawn]
        masses += [np.full(pairs, chance.sum() / (2 * pairs))] * 2
    return np.concatenate(rows), np.concatenate(masses)


def kernel_shapley(players: int, game: Game, *, budget: int, generator: np.random.Generator) -> Weights:
    """The Shapley value of each player, by weighted least squares over coalitions.

    Args:
        players: P.
        game: Asked once, for all coalitions, so that it can work on many at once.
        budget: Coalitions besides none and all; at least ``2 * P`` are asked.
        generator: What draws coalitions where they are too many.

    >>> found = kernel_shapley(3, lambda kept: kept @ np.array([1.0, -2.0, 0.5]), budget=50, generator=np.random.default_rng(0))
    >>> found.values.round(6).tolist(), found.exact
    ([1.0, -2.0, 0.5], True)
    """
    ends = np.array([[False] * players, [True] * players])
    if players < 2:
        nothing, everything = np.asarray(game(ends[:, :players]), dtype=np.float64)
        return Weights(np.full(players, everything - nothing), np.zeros(players), 2, True)
    kept, mass = coalitions(players, max(budget, 2 * players), generator)
    found = np.asarray(game(np.concatenate([ends, kept])), dtype=np.float64)
    nothing, everything = found[:2]
    gain = everything - nothing
    # The last player has what the others leave, so the sum is met whatever was drawn.
    design = kept[:, :-1].astype(np.float64) - kept[:, -1:]
    answer = found[2:] - nothing - kept[:, -1] * gain
    root = np.sqrt(mass)
    solved, *_ = np.linalg.lstsq(design * root[:, None], answer * root, rcond=None)
    values = np.append(solved, gain - solved.sum())
    exact = len(kept) == 2**players - 2
    return Weights(values, np.zeros(players) if exact else _errors(design, answer, mass, solved), len(found), exact)


def _errors(design: np.ndarray, answer: np.ndarray, mass: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """Standard errors of weighted least squares, not presuming that all residuals are of one size (White, 1980)."""
    residuals = answer - design @ solved
    inverse = np.linalg.pinv(design.T @ (design * mass[:, None]))
    # Leverage makes the residuals of few coalitions look small (MacKinnon and White, 1985, HC3).
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design) * mass
    residuals = residuals / np.maximum(1 - leverage, 0.05)
    middle = design.T @ (design * ((mass * residuals) ** 2)[:, None])
    covariance = inverse @ middle @ inverse
    last = covariance.sum()  # the last player is minus the sum of the others
    return np.asarray(np.sqrt(np.maximum(np.append(np.diag(covariance), last), 0.0)))
