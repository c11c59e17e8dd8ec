"""Skip-gram with negative sampling. Source: Mikolov et al. (2013); steps scaled by AdaGrad, Duchi et al. (2011)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from consilience.core.seeds import generator

__all__ = ["train_skip_gram"]

MOST_PAIRS = 3_000_000
"""Pairs of words that are looked at in all: some ten seconds on one core. Counted, not timed, so that a fit can be repeated to the bit."""

RATE = 0.05


def train_skip_gram(sentences: Sequence[np.ndarray], number: int, width: int, window: int, epochs: int, negatives: int, seed: int = 0) -> np.ndarray:
    """Vectors ``[V, D]`` float32 of the words 0 to V - 1; words near each other in sentences become alike.

    Args:
        sentences: Word numbers of each text, int64.
        number: V.
    """
    draw = generator(seed, "word2vec")
    inside = ((draw.random((number, width)) - 0.5) / width).astype(np.float32)
    if not any(len(sentence) > 1 for sentence in sentences):
        return inside
    words = np.concatenate(list(sentences))
    text = np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])
    counts = np.bincount(words, minlength=number).astype(np.float64)
    # A frequent word says little of its neighbours: it is left out of a pass the more often, the more frequent it is.
    share = counts / counts.sum()
    stay = np.minimum(1.0, np.sqrt(1e-3 / np.maximum(share, 1e-12)) + 1e-3 / np.maximum(share, 1e-12))
    noise = np.cumsum(counts**0.75 / (counts**0.75).sum())
    outside = np.zeros((number, width), dtype=np.float32)
    steps = [np.full((number, 1), 1e-8, dtype=np.float32) for _ in range(2)]
    left = MOST_PAIRS
    for _ in range(epochs):
        kept = draw.random(len(words)) < stay[words]
        pairs = draw_pairs(words[kept], text[kept], window, draw)
        pairs = pairs[draw.permutation(len(pairs))[:left]]
        left -= len(pairs)
        size = int(np.clip(len(pairs) // 50, 64, 2048))
        for start in range(0, len(pairs), size):
            centre, near = pairs[start : start + size].T
            false = np.minimum(np.searchsorted(noise, draw.random((len(centre), negatives))), number - 1)
            learn_batch(inside, outside, steps, centre, np.concatenate([near[:, None], false], axis=1))
        if left <= 0:
            break
    return inside


def draw_pairs(words: np.ndarray, text: np.ndarray, window: int, draw: np.random.Generator) -> np.ndarray:
    """``[P, 2]``: every word with each neighbour inside its own window, 1 to ``window`` words wide, in the same text."""
    reach = draw.integers(1, window + 1, size=len(words))
    found = []
    for distance in range(1, window + 1):
        same = text[:-distance] == text[distance:]
        left, right = words[:-distance], words[distance:]
        for centre, near, near_enough in ((left, right, reach[:-distance]), (right, left, reach[distance:])):
            keep = same & (near_enough >= distance)
            found.append(np.stack([centre[keep], near[keep]], axis=1))
    return np.concatenate(found)


def learn_batch(inside: np.ndarray, outside: np.ndarray, steps: list[np.ndarray], centre: np.ndarray, others: np.ndarray) -> None:
    """One step for centres ``[B]`` and others ``[B, 1 + K]``: column 0 is the true neighbour, the rest are noise."""
    own, other = inside[centre], outside[others]
    score = np.einsum("bd,bkd->bk", own, other)
    slope = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    slope[:, 0] -= 1
    slope[:, 1:][others[:, 1:] == others[:, :1]] = 0  # the true neighbour drawn as noise
    slope = slope.astype(np.float32)
    move(inside, steps[0], centre, np.einsum("bk,bkd->bd", slope, other))
    move(outside, steps[1], others.ravel(), (slope[:, :, None] * own[:, None, :]).reshape(-1, own.shape[1]))


def move(vectors: np.ndarray, steps: np.ndarray, rows: np.ndarray, slopes: np.ndarray) -> None:
    """Adds up the slopes of each row, and takes a step whose length falls with all steps that the row has made."""
    met, place = np.unique(rows, return_inverse=True)
    total = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (place, np.arange(len(rows)))), shape=(len(met), len(rows))) @ slopes
    steps[met] += (total**2).mean(axis=1, keepdims=True)
    vectors[met] -= RATE * total / np.sqrt(steps[met])
