"""Fit with no options beyond the target and a time limit, on sets of every kind, held out by folds or by speaker.

    CONSILIENCE_DATA=FOLDER python benchmarks/kinds.py [SET ...] [--folds K] [--time-limit S] [--seed N]

Rows of ``train.csv`` and ``valid.csv`` together. ``fsdd`` leaves one speaker out at a time; every other set is cut into balanced folds. Prints,
for each set, mean accuracy of the splits, a 95 % interval over all held-out rows, and what was chosen.
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
from sklearn.model_selection import StratifiedKFold

import consilience
from consilience.data.table import Table, read_table

SETS = ("basicmotions", "gunpoint", "japanesevowels", "leaf", "mutag", "proteins", "shapes3d", "fsdd")
SPEAKERS = "speaker"


def splits_of(name: str, table: Table, target: str, folds: int, seed: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, rows to learn from and rows to score, of each split."""
    everything = np.arange(len(table))
    if name == "fsdd":
        who = table.frame[SPEAKERS].to_numpy()
        return [(str(one), everything[who != one], everything[who == one]) for one in sorted(set(who.tolist()))]
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed).split(everything, table.frame[target].to_numpy())
    return [(f"fold {place}", train, test) for place, (train, test) in enumerate(cut)]


def measure(folder: Path, folds: int, seed: int, limit: float | None) -> str:
    """One line of the table."""
    target = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["target"]
    parts = [read_table(folder / f"{part}.csv") for part in ("train", "valid")]
    table = Table(pl.concat([part.frame for part in parts]), parts[0].bases, folder.name)
    right, chosen, seconds, means = np.zeros(len(table)), Counter[str](), 0.0, []
    for label, train, test in splits_of(folder.name, table, target, folds, seed):
        began = time.monotonic()
        model = consilience.fit(Table(table.frame[train], table.bases, folder.name), target=target, time_limit=limit, seed=seed, progress=False)
        seconds += time.monotonic() - began
        rows = Table(table.frame[test], table.bases, folder.name)
        right[test] = model.predict(rows) == rows.frame[target].to_numpy()
        means.append(right[test].mean())
        chosen[model.facts["chosen"]] += 1
        print(f"  {folder.name} {label}: {right[test].mean():.3f} by {model.facts['chosen']}", flush=True)
    draws = np.random.default_rng(0).choice(right, (2000, len(right))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    said = ", ".join(f"{name} x{count}" for name, count in chosen.most_common(3))
    return f"| {folder.name} | {np.mean(means):.3f} | [{low:.3f}, {high:.3f}] | {said} | {seconds / len(means):.0f} s a fit |"


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
