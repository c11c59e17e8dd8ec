"""Who learns and who checks in a fit: rounds of folds for small tables, one held-out part for large ones."""

from __future__ import annotations

import numpy as np

from consilience.data.schema import Fold, make_folds, make_holdout
from consilience.learn.effort import PRESETS
from consilience.pipeline.recipe import Recipe

__all__ = ["plan_rounds"]

_FOLDS_UP_TO = 4000
"""Rows up to which every row is held out; beyond, one part is held out."""


def plan_rounds(is_valid: np.ndarray, labels: np.ndarray, groups: np.ndarray | None, recipe: Recipe) -> list[list[Fold]]:
    """Each round cuts all rows into folds anew; with one held-out part there is a single round of one fold.

    Args:
        is_valid: ``[N]`` bool, rows of the valid table.
        labels: ``[N]`` codes by which folds are balanced.
        groups: ``[N]`` rows of one group stay on one side; None where every row stands for itself.
    """
    size, held_out = len(labels), np.flatnonzero(is_valid)
    by_hand = recipe.valid_only or (len(held_out) and (size > _FOLDS_UP_TO or not recipe.refit) and recipe.folds is None)
    if by_hand and 0 < len(held_out) < size:
        train = np.flatnonzero(~is_valid)
        if groups is not None:
            train = train[~np.isin(groups[train], groups[held_out])]
        if len(train):
            return [[Fold(train, held_out)]]
    if recipe.folds is None and (size > _FOLDS_UP_TO or not recipe.refit):
        return [[make_holdout(size, 0.2, labels=labels, groups=groups, seed=recipe.seed)]]
    # A second seed derived from the first: the rounds of one fit never meet those of the fit with the next seed.
    seeds = [recipe.seed + 1_000_003 * number for number in range(PRESETS[recipe.presets].num_rounds(size))]
    return [make_folds(size, recipe.folds or 5, labels=labels, groups=groups, seed=seed) for seed in seeds]
