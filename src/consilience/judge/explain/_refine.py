"""From coarse to fine: the groups that weigh most are divided, and weighed again among the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from consilience.judge.explain._anatomy import Anatomy
from consilience.judge.explain._kernel import Weights, kernel_shapley

__all__ = ["Weighed", "weigh"]

FIRST, INTO = 16, 4
"""Groups at first, and those that one of them is divided into."""

SPLIT = 4
"""Groups that are divided at a time, at most."""

SHARES = (0.25, 0.25)
"""What part of the evaluations the rounds before the last one take; the last one takes the rest and gives the weights."""


ENOUGH = 5
"""Evaluations for each group, at least: with fewer, chance would speak."""


@dataclass(frozen=True)
class Weighed:
    """Groups of atoms with what each is worth.

    Args:
        groups: Atoms of each group; together they are all atoms, once.
        weights: Of the groups.
        evaluations: Of all rounds.
    """

    groups: list[np.ndarray]
    weights: Weights
    evaluations: int


def weigh(anatomy: Anatomy, ask: Callable[[np.ndarray], np.ndarray], *, budget: int, generator: np.random.Generator) -> Weighed:
    """Weights of a cell's pieces.

    Args:
        ask: ``[R, A] bool`` masks of atoms to ``[R]`` values.
        budget: Evaluations in all.
    """
    groups, spent = anatomy.divide(np.arange(anatomy.atoms), min(FIRST, max(2, budget // ENOUGH))), 0
    for share in SHARES[: anatomy.rounds - 1]:
        if all(len(group) == 1 for group in groups) or (1 - sum(SHARES)) * budget < ENOUGH * (len(groups) + SPLIT * (INTO - 1)):
            break
        found = _weigh(anatomy.atoms, groups, ask, round(share * budget), generator)
        spent += found.evaluations
        groups = _divided(anatomy, groups, found)
    found = _weigh(anatomy.atoms, groups, ask, max(2, budget - spent), generator)
    return Weighed(groups, found, spent + found.evaluations)


def _weigh(atoms: int, groups: list[np.ndarray], ask: Callable[[np.ndarray], np.ndarray], budget: int, generator: np.random.Generator) -> Weights:
    group_of = np.empty(atoms, dtype=np.int64)
    for number, group in enumerate(groups):
        group_of[group] = number
    return kernel_shapley(len(groups), lambda kept: ask(kept[:, group_of]), budget=budget - 2, generator=generator)


def _divided(anatomy: Anatomy, groups: list[np.ndarray], found: Weights) -> list[np.ndarray]:
    """The strongest groups in parts, in the place where they stood."""
    size = np.abs(found.values)
    strong = [int(place) for place in np.argsort(-size, kind="stable") if len(groups[place]) > 1 and size[place] >= 0.25 * size.max()][:SPLIT]
    if not strong:
        return groups
    return [part for place, group in enumerate(groups) for part in (anatomy.divide(group, INTO) if place in strong else [group])]
