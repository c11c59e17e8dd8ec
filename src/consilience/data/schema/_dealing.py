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
    """``[N]`` fold of each row, groups whole: the largest group first, each to the fold that lacks most of its classes."""
    inside = tables(codes, units)
    per_class = np.bincount(codes).astype(float)
    sizes = np.bincount(units)
    have = np.zeros((k, len(per_class)))
    load = np.zeros(k)
    fold_of = np.empty(len(sizes), dtype=np.int64)
    ties = random.permutation(k)
    for left, unit in zip(range(len(sizes), 0, -1), np.lexsort((random.permutation(len(sizes)), -sizes)).tolist(), strict=True):
        classes, counts = inside[unit]
        # Growth of the squared share of each class, rare classes weighing as much as common ones, plus that of the fold's size.
        growth = ((2 * have[:, classes] + counts) * counts / per_class[classes] ** 2).sum(axis=1)
        growth += (2 * load + sizes[unit]) * sizes[unit] / len(codes) ** 2
        if left <= np.count_nonzero(load == 0):
            growth[load > 0] = np.inf  # no fold stays empty
        fold = int(np.lexsort((ties, load, np.round(growth, 12)))[0])
        fold_of[unit] = fold
        have[fold, classes] += counts
        load[fold] += sizes[unit]
    folds: np.ndarray = fold_of[units]
    return folds


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


def draw_groups(codes: np.ndarray, units: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """``[N]`` bool, True = held out, groups whole: a group goes if that brings the classes nearer to their share and leaves each class a row."""
    inside = tables(codes, units)
    per_class = np.bincount(codes).astype(float)
    sizes = np.bincount(units)
    have = np.zeros(len(per_class))
    load, out = 0.0, np.zeros(len(sizes), dtype=bool)

    def change(unit: int) -> float:
        classes, counts = inside[unit]
        nearer = (counts * (2 * (have[classes] - share * per_class[classes]) + counts) / per_class[classes]).sum()
        return float(nearer + sizes[unit] * (2 * (load - share * len(codes)) + sizes[unit]) / len(codes))

    def leaves_all(unit: int) -> bool:
        classes, counts = inside[unit]
        return bool(np.all(have[classes] + counts < per_class[classes]))

    shuffled = random.permutation(len(sizes))
    for unit in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist() if len(sizes) < 20 else shuffled.tolist():
        if leaves_all(unit) and change(unit) < 0 and load + sizes[unit] < len(codes):
            out[unit] = True
            have[inside[unit][0]] += inside[unit][1]
            load += sizes[unit]
    if not out.any():
        best = min(shuffled.tolist(), key=lambda unit: (not leaves_all(unit), abs(sizes[unit] - share * len(codes))))
        out[best] = True
    held: np.ndarray = out[units]
    return held
