"""How well linear learners do on the frozen encoders of series, beside a plain MultiRocket that may learn its thresholds.

    CONSILIENCE_DATA=FOLDER python benchmarks/series.py [--sets basicmotions gunpoint japanesevowels leaf] [--repeats 5]

Train and valid parts of each set together, repeated stratified folds (5, or as few as the smallest class allows), standardised features, ridge
classifier with its penalty chosen within the training rows. ``rival`` is MultiRocket written from the paper (Tan et al., 2022): its thresholds are
quantiles of the answers of training series, so it is fitted anew in each fold; ``rocket`` learns nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from consilience.data.kinds import KINDS
from consilience.data.kinds._signal import Signal, stack
from consilience.data.table import read_table
from consilience.encoders import ENCODERS
from consilience.encoders.series._resample import resample

SETS = ("basicmotions", "gunpoint", "japanesevowels", "leaf")
ENCODED = ("rocket", "stats", "values")
Features = Callable[[Sequence[Signal], np.ndarray], np.ndarray]


def load(folder: Path) -> tuple[list[Signal], np.ndarray]:
    """Series, all columns of a row as channels, and labels."""
    target = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["target"]
    kind = KINDS.get("series")()
    signals: list[Signal] = []
    labels: list[str] = []
    for part in ("train", "valid"):
        frame = read_table(folder / f"{part}.csv").frame
        columns = [frame[name].to_list() for name in frame.columns if name not in (target, "image")]
        signals += [stack([kind.read(cell) for cell in row]) for row in zip(*columns, strict=True)]
        labels += frame[target].to_list()
    return signals, np.array(labels)


def encoded(key: str) -> Features:
    """Features of a frozen encoder, kept for the folds that follow, rounded as the feature store rounds them."""
    cls = ENCODERS.get(f"series/{key}")
    encoder: Any = cls(cls.Settings())
    kept: dict[int, np.ndarray] = {}

    def features(signals: Sequence[Signal], train: np.ndarray) -> np.ndarray:
        if id(signals) not in kept:
            kept[id(signals)] = np.stack([encoder.prepare(signal)["features"] for signal in signals]).astype(np.float16).astype(np.float32)
        return kept[id(signals)]

    return features


def points(signals: Sequence[Signal], train: np.ndarray) -> np.ndarray:
    """64 resampled points of each channel."""
    return np.stack([resample(signal, 64).T.reshape(-1) for signal in signals])


def rival(signals: Sequence[Signal], train: np.ndarray, features: int = 6250) -> np.ndarray:
    """MultiRocket: 84 kernels, dilations, thresholds from training series, four ways of pooling, on the series and its differences."""
    length = max(len(signal.values) for signal in signals)
    series = np.stack([resample(signal, length).T for signal in signals]).astype(np.float32)  # [N, C, L]
    draw = np.random.default_rng(0)
    kernels = np.array([[2.0 if place in chosen else -1.0 for place in range(9)] for chosen in combinations(range(9), 3)], dtype=np.float32)
    parts = []
    for view in (series, np.diff(series, axis=2)):
        most = max(0.0, np.log2((view.shape[2] - 1) / 8))
        dilations = sorted({int(2**power) for power in np.linspace(0, most, 32)})
        each = max(1, features // (2 * 84 * len(dilations)))
        for dilation in dilations:
            reach = 4 * dilation
            padded = np.pad(view, ((0, 0), (0, 0), (reach, reach)))
            seen = np.stack([padded[:, :, tap * dilation : tap * dilation + view.shape[2]] for tap in range(9)], axis=1)  # [N, 9, C, L]
            for kernel in kernels:
                channels = draw.choice(
                    view.shape[1], min(view.shape[1], int(2 ** draw.uniform(0, np.log2(min(view.shape[1], 9) + 1)))), replace=False
                )
                answers = np.tensordot(seen[:, :, channels].sum(axis=2), kernel, axes=(1, 0))  # [N, L]
                for level in draw.random(each):
                    bias = np.quantile(answers[draw.choice(train)], level)
                    parts.append(pooling(answers, bias))
    return np.concatenate(parts, axis=1)


def pooling(answers: np.ndarray, bias: float) -> np.ndarray:
    """Share of positive values, their mean, their mean place, their longest stretch: ``[N, 4]``."""
    above = answers > bias
    count = above.sum(axis=1)
    some = np.maximum(count, 1)
    moments = np.arange(1, answers.shape[1] + 1)
    since = moments - np.maximum.accumulate(np.where(above, 0, moments), axis=1)
    mean = np.where(above, answers - bias, 0).sum(axis=1) / some
    place = np.where(count > 0, (above * moments).sum(axis=1) / some, -1)
    return np.stack([count / answers.shape[1], mean, place, since.max(axis=1)], axis=1).astype(np.float32)


def ridge() -> Pipeline:
    """A ridge classifier on standardised features, its penalty chosen within the rows that it learns from."""
    return make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 5, 13)))


def accuracy(features: Features, signals: Sequence[Signal], labels: np.ndarray, repeats: int) -> tuple[float, float, int]:
    """Mean over the folds, its standard error over repeats, and how many features there are."""
    folds = int(min(5, np.unique(labels, return_counts=True)[1].min()))
    right: list[float] = []
    width = 0
    for train, test in RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=0).split(labels, labels):
        found = features(signals, train)
        width = found.shape[1]
        model = ridge().fit(found[train], labels[train])
        right.append(float((model.predict(found[test]) == labels[test]).mean()))
    each = np.reshape(right, (repeats, folds)).mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / repeats**0.5) if repeats > 1 else 0.0, width


def main() -> None:
    parser = argparse.ArgumentParser(description="Linear learners on series.")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    folder = Path(os.environ["CONSILIENCE_DATA"])
    methods: dict[str, Features] = {key: encoded(key) for key in ENCODED}
    both = [methods[key] for key in ENCODED]
    methods["all three"] = lambda signals, train: np.concatenate([one(signals, train) for one in both], axis=1)
    methods["64 points"] = points
    methods["rival"] = rival
    print("| set | method | accuracy | standard error | features | seconds |\n|---|---|---|---|---|---|")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for name in options.sets:
            signals, labels = load(folder / name)
            for method, features in methods.items():
                began = time.monotonic()
                mean, error, width = accuracy(features, signals, labels, options.repeats)
                print(f"| {name} | {method} | {mean:.3f} | {error:.3f} | {width:,} | {time.monotonic() - began:.1f} |", flush=True)


if __name__ == "__main__":
    main()
