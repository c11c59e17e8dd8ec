"""Random and fixed convolutions of a series, and what is kept of their answers. Sources: see ``rocket``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from consilience.core.seeds import generator

__all__ = ["Bank", "bank", "competing", "dilations", "pooled", "windows"]

TAPS = 9
MOST_CHANNELS = 8
"""A kernel looks at so many channels together, at most."""
FIXED = np.array([[2.0 if place in chosen else -1.0 for place in range(TAPS)] for chosen in combinations(range(TAPS), 3)], dtype=np.float32)
"""``[84, 9]``: the kernels of MiniRocket."""


@dataclass(frozen=True)
class Bank:
    """Weights for one number of channels.

    Args:
        hydra: ``[groups * kernels, C * 9]``: kernels that compete in groups; all of a group look at the same channels.
        fixed: ``[84, C * 9]``.
        levels: ``[84]``: thresholds, in units of an answer's own size.
        kernels: Kernels of a group.
    """

    hydra: np.ndarray
    fixed: np.ndarray
    levels: np.ndarray
    kernels: int


@lru_cache(maxsize=256)
def bank(seed: int, view: str, dilation: int, groups: int, kernels: int, channels: int) -> Bank:
    """The weights for one view (the series or its differences), one dilation and one number of channels."""
    draw = generator(seed, "rocket", view, dilation)
    weights = draw.normal(size=(groups, kernels, TAPS))
    weights -= weights.mean(axis=-1, keepdims=True)
    weights /= np.abs(weights).sum(axis=-1, keepdims=True)
    # Thresholds at the quantiles of a normal distribution, in an order that is not that of the kernels.
    levels = draw.permutation(np.linspace(-1.2, 1.2, len(FIXED)))
    draw = generator(seed, "rocket channels", view, dilation, channels)
    hydra = spread(weights, masks(draw, groups, channels))
    fixed = spread(FIXED[:, None, :], masks(draw, len(FIXED), channels))
    return Bank(hydra.astype(np.float32), fixed.astype(np.float32), levels.astype(np.float32)[:, None], kernels)


def masks(draw: np.random.Generator, count: int, channels: int) -> np.ndarray:
    """``[count, C]``: at which channels each looks, 1 to 8 of them, few more often than many."""
    most = min(channels, MOST_CHANNELS)
    numbers = np.minimum(np.floor(2 ** draw.uniform(0, np.log2(most + 1), count)), most).astype(np.int64)
    ranks = draw.random((count, channels)).argsort(axis=1).argsort(axis=1)
    chosen: np.ndarray = (ranks < numbers[:, None]) / np.sqrt(numbers)[:, None]
    return chosen


def spread(weights: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Weights ``[G, K, 9]`` over the channels ``[G, C]`` each group looks at: ``[G * K, C * 9]``."""
    made: np.ndarray = weights[:, :, None, :] * chosen[:, None, :, None]
    return made.reshape(weights.shape[0] * weights.shape[1], -1)


def dilations(length: int) -> list[int]:
    """1, 2, 4 ... as long as a kernel is not longer than the series."""
    return [2**power for power in range(int(np.log2(max(1, (length - 1) / (TAPS - 1)))) + 1)]


def windows(series: np.ndarray, dilation: int) -> np.ndarray:
    """``[C, L]`` to ``[C * 9, L]``: at each moment the nine values around it, ``dilation`` apart; zeros beyond the ends."""
    channels, length = series.shape
    reach = dilation * (TAPS // 2)
    padded = np.zeros((channels, length + 2 * reach), dtype=np.float32)
    padded[:, reach : reach + length] = series
    return np.stack([padded[:, tap * dilation : tap * dilation + length] for tap in range(TAPS)], axis=1).reshape(channels * TAPS, length)


def competing(answers: np.ndarray, kernels: int) -> np.ndarray:
    """Answers ``[G * K, L]`` to ``[2 * G * K]``: how strongly each kernel won its group, and how often it was the lowest.

    As Dempster et al. (2023); square roots, since both are counts with a long tail.
    """
    length = answers.shape[1]
    grouped = answers.reshape(-1, kernels, length)
    highest, lowest = grouped.argmax(axis=1), grouped.argmin(axis=1)  # [G, L]
    most = np.take_along_axis(grouped, highest[:, None], axis=1)[:, 0]
    base = np.arange(len(grouped))[:, None] * kernels
    size = len(grouped) * kernels
    won = np.bincount((base + highest).ravel(), weights=most.ravel(), minlength=size)
    lost = np.bincount((base + lowest).ravel(), minlength=size)
    roots: np.ndarray = np.sqrt(np.maximum(np.concatenate([won, lost]), 0) / length)
    return roots


def pooled(answers: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Answers ``[K, L]`` to ``[4 * K]``: share above the threshold, their mean, their mean place, the longest stretch of them.

    As Tan et al. (2022). The threshold is a multiple of the answer's own size, so that nothing has to be learned from other series; the size
    (root mean square, as a logarithm) takes the place of the mean of positive values.
    """
    length = answers.shape[1]
    size = np.sqrt((answers**2).mean(axis=1, keepdims=True))
    above = answers > levels * size
    count = above.sum(axis=1)
    place = (above * np.linspace(-1, 1, length, dtype=np.float32)).sum(axis=1) / np.maximum(count, 1)
    moments = np.arange(1, length + 1, dtype=np.int32)
    since = moments - np.maximum.accumulate(np.where(above, 0, moments), axis=1)  # how long it has been above, at each moment
    longest = since.max(axis=1)
    return np.concatenate([count / length, np.log(size[:, 0] + 1e-3), place, np.sqrt(longest / length)])
