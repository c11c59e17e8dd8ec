"""Fit with no options beyond the target and a time limit, on sets of every kind, held out by folds or by speaker, beside a plain rival.

    CONSILIENCE_DATA=FOLDER python benchmarks/kinds.py [SET ...] [--folds K] [--time-limit S] [--seed N]

Rows of ``train.csv`` and ``valid.csv`` together. ``fsdd`` leaves one speaker out at a time; every other set is cut into balanced folds. Prints,
for each set, mean accuracy of the splits, a 95 % interval over all held-out rows, and what was chosen. The rival learns from the same folds: of
series MultiRocket and ridge (see ``series.py``); of graphs how often each node label stands, with the table's columns, in a logistic regression
whose penalty is chosen within the training rows; their difference is paired by row.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import consilience
import series
from consilience.data.kinds import KINDS
from consilience.data.table import Table, read_table

SETS = ("basicmotions", "gunpoint", "japanesevowels", "leaf", "mutag", "proteins", "shapes3d", "fsdd")
ROCKET, GRAPHS = ("basicmotions", "gunpoint", "japanesevowels"), ("mutag", "proteins")
SPEAKERS = "speaker"


def splits_of(name: str, table: Table, target: str, folds: int, seed: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, rows to learn from and rows to score, of each split."""
    everything = np.arange(len(table))
    if name == "fsdd":
        who = table.frame[SPEAKERS].to_numpy()
        return [(str(one), everything[who != one], everything[who == one]) for one in sorted(set(who.tolist()))]
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed).split(everything, table.frame[target].to_numpy())
    return [(f"fold {place}", train, test) for place, (train, test) in enumerate(cut)]


def label_counts(table: Table) -> np.ndarray:
    """``[N, L + 2]``: how often each node label stands in each graph, and its nodes and edges."""
    read = KINDS.get("graph")().read
    found = [read(cell).labels for cell in table.frame["graph"].to_list()]
    counts = [Counter([] if labels is None else labels.tolist()) for labels in found]
    names = sorted({name for count in counts for name in count})
    sizes = table.frame[["nodes", "edges"]].to_numpy()
    return np.hstack([np.array([[count[name] for name in names] for count in counts], dtype=float).reshape(len(counts), -1), sizes])


def rival(folder: Path, table: Table, target: str, splits: list[tuple[str, np.ndarray, np.ndarray]]) -> tuple[str, np.ndarray] | None:
    """Its name, and which rows it has right when they are held out; None where a set has none."""
    labels, right = table.frame[target].to_numpy(), np.zeros(len(table))
    if folder.name in GRAPHS:
        counted = label_counts(table)
        for _, train, test in splits:
            model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=10, cv=5, max_iter=2000, scoring="neg_log_loss"))
            right[test] = model.fit(counted[train], labels[train]).predict(counted[test]) == labels[test]
        return "label counts", right
    if folder.name in ROCKET:
        signals, _ = series.load(folder)
        for _, train, test in splits:
            found = series.rival(signals, train)
            right[test] = series.ridge().fit(found[train], labels[train]).predict(found[test]) == labels[test]
        return "MultiRocket", right
    return None


def measure(folder: Path, folds: int, seed: int, limit: float | None) -> str:
    """One line of the table."""
    target = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["target"]
    parts = [read_table(folder / f"{part}.csv") for part in ("train", "valid")]
    table = Table(pl.concat([part.frame for part in parts]), parts[0].bases, folder.name)
    right, chosen, seconds, means = np.zeros(len(table)), Counter[str](), 0.0, []
    splits = splits_of(folder.name, table, target, folds, seed)
    for label, train, test in splits:
        began = time.monotonic()
        model = consilience.fit(Table(table.frame[train], table.bases, folder.name), target=target, time_limit=limit, seed=seed, progress=False)
        seconds += time.monotonic() - began
        rows = Table(table.frame[test], table.bases, folder.name)
        right[test] = model.predict(rows) == rows.frame[target].to_numpy()
        means.append(right[test].mean())
        chosen[model.facts["chosen"]] += 1
        print(f"  {folder.name} {label}: {right[test].mean():.3f} by {model.facts['chosen']}", flush=True)
    said = ", ".join(f"{name} x{count}" for name, count in chosen.most_common(3))
    line = f"| {folder.name} | {np.mean(means):.3f} {over_rows(right)} | {said} | {seconds / len(means):.0f} s a fit |"
    if (other := rival(folder, table, target, splits)) is not None:
        name, theirs = other
        line += f" {name} {theirs.mean():.3f} | {(right - theirs).mean():+.3f} {over_rows(right - theirs)} |"
    return line


def over_rows(values: np.ndarray) -> str:
    """The 95 % interval of a mean over rows."""
    low, high = np.quantile(np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1), [0.025, 0.975])
    return f"[{low:.3f}, {high:.3f}]"


def main() -> None:
    """Measures the sets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--time-limit", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for name in args.sets:
        print(measure(Path(os.environ["CONSILIENCE_DATA"]) / name, args.folds, args.seed, args.time_limit), flush=True)


if __name__ == "__main__":
    main()
