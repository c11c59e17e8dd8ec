"""Do promises hold? Conformal sets and intervals against their level, and bootstrap intervals of metrics against the truth of a large sample.

python benchmarks/coverage.py                       # both, some minutes
python benchmarks/coverage.py --part sets --seeds 20
python benchmarks/coverage.py --part intervals --simulations 1000 --rounds 400
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax

from consilience.learn.calibration import Calibration
from consilience.metrics import CLASSIFICATION, REGRESSION, bootstrap
from consilience.testing import fake_task

SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
Rows = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]


def draw_classes(rows: int, dice: np.random.Generator) -> Rows:
    """Scores of two modalities that come and go; too sure, and more so of one class."""
    target = dice.choice(len(SHARES), rows, p=SHARES)
    present = {"image": dice.random(rows) < 0.8, "text": dice.random(rows) < 0.6}
    scores = np.tile(np.log(SHARES), (rows, 1))
    for name, strength in (("image", 1.6), ("text", 1.0)):
        told = strength * (strength * np.eye(len(SHARES))[target] + dice.normal(size=scores.shape)) - strength**2 / 2
        told[:, 4] *= 1.5
        scores += np.where(present[name][:, None], told, 0)
    return scores * 1.3, target, present


def draw_numbers(rows: int, dice: np.random.Generator) -> Rows:
    """Scores and numbers with heavy errors, twice as large without a picture."""
    present = {"image": dice.random(rows) < 0.7, "text": np.ones(rows, bool)}
    scores = dice.normal(size=rows)
    return scores[:, None], scores + dice.standard_t(5, rows) * np.where(present["image"], 1, 2), present


def sets(seeds: int) -> list[dict[str, Any]]:
    """Mean coverage over seeds, by level and number of held-out rows: all, worst pattern, worst class."""
    found = []
    for kind, draw in (("multiclass", draw_classes), ("regression", draw_numbers)):
        task = fake_task(kind, 0 if kind == "regression" else len(SHARES))
        for rows in (200, 500, 2000):
            for level in (0.8, 0.9, 0.95):
                all_, patterns, classes, size = [], [], [], []
                for seed in range(seeds):
                    dice = np.random.default_rng([seed, rows])
                    scores, target, present = draw(rows, dice)
                    made = Calibration.fit(scores, target, task, present)
                    scores, target, present = draw(5000, dice)
                    if kind == "regression":
                        low, high = made.interval(scores, present, level)
                        held, width = (low <= target) & (target <= high), high - low
                    else:
                        inside = made.sets(task.output(made.apply(scores)), present, level)
                        held, width = inside[np.arange(len(target)), target], inside.sum(axis=1)
                        classes.append([held[target == code].mean() for code in range(len(SHARES))])
                    all_.append(held.mean())
                    size.append(width.mean())
                    known = [present["image"] & present["text"], present["image"] & ~present["text"], ~present["image"] & present["text"]]
                    patterns.append([held[rows_].mean() for rows_ in known if rows_.any()])
                found.append(
                    {
                        "kind": kind,
                        "rows": rows,
                        "level": level,
                        "held": float(np.mean(all_)),
                        "spread": float(np.std(all_)),
                        "worst_pattern": float(np.mean(patterns, axis=0).min()),
                        "worst_class": float(np.mean(classes, axis=0).min()) if classes else None,
                        "size": float(np.mean(size)),
                    }
                )
    return found


def draw_scored(rows: int, dice: np.random.Generator, hard: float) -> tuple[np.ndarray, np.ndarray]:
    """Classes and calibrated probabilities; five classes of unequal size."""
    target = dice.choice(len(SHARES), rows, p=SHARES)
    told = hard * (hard * np.eye(len(SHARES))[target] + dice.normal(size=(rows, len(SHARES))))
    return target, softmax(np.log(SHARES) + told, axis=1)


def draw_errors(rows: int, dice: np.random.Generator, hard: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and predictions with skewed errors."""
    target = dice.normal(size=rows) * 2
    return target, target + dice.standard_t(6, rows) * np.exp(hard * 0.25 * target)


def intervals(simulations: int, rounds: int = 400, sizes: Sequence[int] = (200, 500)) -> list[dict[str, Any]]:
    """How often the 95 % interval of ``evaluate`` holds the value on a million rows of the same sort, by metric."""
    found = []
    families: list[tuple[str, Callable[..., tuple[np.ndarray, np.ndarray]], dict[str, Any], tuple[str, ...]]] = [
        ("classes", draw_scored, dict(CLASSIFICATION), ("accuracy", "log_loss", "macro_f1", "balanced_accuracy", "brier")),
        ("numbers", draw_errors, dict(REGRESSION), ("mae", "rmse", "r2")),
    ]
    for family, draw, known, names in families:
        metrics = {name: known[name] for name in names if name in known}
        for hard in (1.2, 2.4) if family == "classes" else (0.0, 1.0):
            many = draw(1_000_000, np.random.default_rng(12345), hard)
            truth = {name: metric.compute(*many) for name, metric in metrics.items()}
            for rows in sizes:
                inside = dict.fromkeys(metrics, 0)
                above = dict.fromkeys(metrics, 0)
                for number in range(simulations):
                    target, output = draw(rows, np.random.default_rng([number, rows]), hard)
                    for name, one in bootstrap(metrics, target, output, rounds=rounds, seed=number).items():
                        inside[name] += one.low <= truth[name] <= one.high
                        above[name] += truth[name] > one.high
                for name in metrics:
                    row = {"family": family, "metric": name, "hard": hard, "rows": rows, "truth": truth[name]}
                    found.append({**row, "held": inside[name] / simulations, "above": above[name] / simulations})
    return found


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("sets", "intervals", "both"), default="both")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=400, help="Resamples of each simulated table.")
    given = parser.parse_args(words)
    if given.part != "intervals":
        print("| kind | held-out rows | level | held | spread | worst pattern | worst class | size |\n|---|---|---|---|---|---|---|---|")
        for row in sets(given.seeds):
            worst = "-" if row["worst_class"] is None else f"{row['worst_class']:.3f}"
            print(
                f"| {row['kind']} | {row['rows']} | {row['level']} | {row['held']:.3f} | {row['spread']:.3f} | {row['worst_pattern']:.3f} "
                f"| {worst} | {row['size']:.2f} |"
            )
    if given.part != "sets":
        print("\n| metric | rows | truth | held | truth above |\n|---|---|---|---|---|")
        for row in intervals(given.simulations, given.rounds):
            print(f"| {row['metric']} | {row['rows']} | {row['truth']:.3f} | {row['held']:.3f} | {row['above']:.3f} |")


if __name__ == "__main__":
    main()
