"""The other modalities while one is looked into: there or not. Source: Owen (1977), values of games whose players come in groups.

With all others there, a modality that only says again what they say would seem to hold nothing at all.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from consilience.judge.explain._outcome import Outcome
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["contexts", "in_contexts"]

ALL_UP_TO = 4
"""Other modalities up to which every combination of them is a context; beyond, all of them and none."""


def contexts(pipeline: Pipeline, scored: Scored, modality: str) -> list[tuple[tuple[str, ...], float]]:
    """Which other modalities are away, and how much that counts: the part of all orders in which exactly the rest come before this one.

    Modalities that the row does not have, or the model does not use, make no contexts.
    """
    present = scored.examples.present()
    others = [name for name in pipeline.modalities if name != modality and bool(present[name][0])]
    if len(others) > ALL_UP_TO:
        return [((), 0.5), (tuple(others), 0.5)]
    sizes = range(len(others) + 1)
    return [(gone, 1 / (len(sizes) * comb(len(others), size))) for size in sizes for gone in combinations(others, size)]


def in_contexts(pipeline: Pipeline, outcome: Outcome, scored: Scored, around: list[tuple[tuple[str, ...], float]]) -> np.ndarray:
    """``[N]`` the outcome's value, averaged over contexts.

    Args:
        scored: Rows with everything that is there.
        around: What ``contexts`` gave.
    """
    total = np.zeros(len(scored.examples))
    for gone, share in around:
        seen = pipeline.without(scored, gone) if gone else scored
        total += share * outcome.value(seen)
    return total
