"""Dealing rows or whole groups to folds so that each class is spread as evenly as can be."""

from __future__ import annotations

from collections import Counter

import numpy as np

__all__ = ["codes_of", "deal_groups", "deal_rows", "draw_groups", "draw_rows"]


def codes_of(values: np.ndarray) -> np.ndarray:
    """``[N]`` codes 0 .. C-1. A list of labels counts as its rarest label."""
    if values.dtype != object:
        return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64).reshape(-1)
    listed = values.tolist()
    if any(isinstance(value, list) for value in listed):
        counts = Counter(item for value in listed for item in (value or ()))
        listed = [min(value, key=lambda item: (counts[item], item)) if value else None for value in listed]
    order = {value: code for code, value in enumerate(sorted(set(listed), key=lambda value: (value is not None, str(value), str(type(value)))))}
    return np.array([order[value] for value in listed], dtype=np.int64)


def deal_rows(codes: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """``[N]`` fold of each row: rows sorted by class, shuffled within, dealt in turn. A class's counts differ by 1 at most, and so do sizes."""
    order = np.lexsort((random.permutation(len(codes)), random.permutation(int(codes.max()) + 1)[codes]))
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = random.permutation(k)[np.arange(len(codes)) % k]
    return place


def tables(codes: np.ndarray, units: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per group: the classes in it, and how many rows of each."""
    width = int(codes.max()) + 1
    pairs, counts = np.unique(units * width + codes, return_counts=True)
    ends = np.searchsorted(pairs // width, np.arange(1, int(units.max()) + 1))
    return list(zip(np.split(pairs % width, ends), np.split(counts, ends), strict=True))


def deal_groups(codes: np.ndarray, units: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """``[N]`` fold of each row, groups whole."""
    return place_groups(codes, units, np.full(k, 1 / k), random)


def draw_groups(codes: np.ndarray, units: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """``[N]`` bool, True = held out, groups whole; a group with the last row of a class stays."""
    held: np.ndarray = place_groups(codes, units, np.array([1 - share, share]), random, keep=True) == 1
    return held


def place_groups(codes: np.ndarray, units: np.ndarray, parts: np.ndarray, random: np.random.Generator, keep: bool = False) -> np.ndarray:
    """``[N]`` part of each row, groups whole: the largest group first, each to the part that lacks most of its classes.

    Args:
        codes: ``[N]`` class of each row.
        units: ``[N]`` group of each row, 0 .. G-1 with G at least the number of parts.
        parts: Share of the rows that each part shall have.
        random: Breaks ties.
        keep: True leaves at least one row of each class in part 0, as long as another part gets something.
    """
    inside = tables(codes, units)
    per_class = np.bincount(codes).astype(float)
    sizes = np.bincount(units)
    have = np.zeros((len(parts), len(per_class)))
    load = np.zeros(len(parts))
    part_of = np.empty(len(sizes), dtype=np.int64)
    ties = random.permutation(len(parts))
    spread = 1 / parts
    for left, unit in zip(range(len(sizes), 0, -1), np.lexsort((random.permutation(len(sizes)), -sizes)).tolist(), strict=True):
        classes, counts = inside[unit]
        # Growth of the squared share of each class, rare classes weighing as much as common ones, plus that of the part's size.
        growth = ((2 * have[:, classes] + counts) * counts / per_class[classes] ** 2).sum(axis=1)
        growth = (growth + (2 * load + sizes[unit]) * sizes[unit] / len(codes) ** 2) * spread
        if keep and np.any(have[1:, classes].sum(axis=0) + counts >= per_class[classes]):
            growth[1:] = np.inf
        if left <= np.count_nonzero(load == 0):
            growth = np.where(load > 0, np.inf, 0.0)  # no part stays empty
        part = int(np.lexsort((ties, load * spread, np.round(growth, 12)))[0])
        part_of[unit] = part
        have[part, classes] += counts
        load[part] += sizes[unit]
    placed: np.ndarray = part_of[units]
    return placed


def draw_rows(codes: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """``[N]`` bool, True = held out: of each class its share, up or down to whole rows such that the sum is right."""
    counts = np.bincount(codes)
    most = np.maximum(counts - 1, 0)
    wanted = min(max(1, round(share * len(codes))), len(codes) - 1)
    if not most.sum():  # every class has one row: someone has to go
        most = counts.copy()
    quota = np.minimum(np.floor(counts * share).astype(np.int64), most)
    # Largest remainders first, ties by lot.
    order = np.lexsort((random.random(len(counts)), -(counts * share - quota)))
    while quota.sum() < wanted and np.any(quota < most):
        for code in order[(quota < most)[order]][: wanted - int(quota.sum())].tolist():
            quota[code] += 1
    while quota.sum() > wanted:
        quota[int(np.argmax(quota))] -= 1
    shuffled = np.lexsort((random.permutation(len(codes)), codes))
    rank = np.empty(len(codes), dtype=np.int64)
    rank[shuffled] = np.arange(len(codes)) - np.concatenate(([0], np.cumsum(counts)[:-1]))[codes[shuffled]]
    held: np.ndarray = rank < quota[codes]
    return held
