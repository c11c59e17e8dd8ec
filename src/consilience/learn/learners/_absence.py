"""Hiding evidence on purpose, so that every pattern of absence is met in training. Source: Neverova et al. (2016), ModDrop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["drop_modalities"]


def drop_modalities(present: Mapping[str, np.ndarray], chance: float, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Modality to ``[N]`` bool: True where it is hidden. A row never loses the last modality it has.

    >>> hidden = drop_modalities({"text": np.ones(3, bool)}, 0.9, np.random.default_rng(0))
    >>> hidden["text"].any()
    np.False_
    """
    names = sorted(present)
    there = np.stack([present[name] for name in names], axis=1) if names else np.zeros((0, 0), bool)  # [N, M]
    hidden = (random.random(there.shape) < chance) & there
    emptied = there.any(axis=1) & ~(there & ~hidden).any(axis=1)
    # The one that stays is drawn among those the row has.
    luck = np.where(there, random.random(there.shape), -1.0)
    hidden[np.flatnonzero(emptied), luck.argmax(axis=1)[emptied]] = False
    return {name: hidden[:, index] for index, name in enumerate(names)}
