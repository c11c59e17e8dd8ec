"""Randomness from names: the same seed and the same words give the same numbers, on any number of processes."""

from __future__ import annotations

import numpy as np

from consilience.core.hashing import hash_bytes

__all__ = ["derive", "generator"]


def derive(seed: int, *words: object) -> int:
    """A 31-bit seed for one purpose.

    >>> derive(0, "fold", 1) == derive(0, "fold", 1)
    True
    >>> derive(0, "fold", 1) == derive(0, "fold", 2)
    False
    """
    digest = hash_bytes(str(seed).encode(), *(str(word).encode() for word in words))
    return int.from_bytes(digest[:4], "little") & 0x7FFFFFFF


def generator(seed: int, *words: object) -> np.random.Generator:
    """A numpy generator for one purpose."""
    return np.random.default_rng(derive(seed, *words))
