"""The most memory that predict takes on a long table, and fit on many pictures.

    python benchmarks/memory.py table [--rows 1000000] [--format csv --format parquet] [--learner linear]
    python benchmarks/memory.py pictures [--rows 20000] [--learner linear] [--keep FOLDER]
    python benchmarks/memory.py texts [--rows 1000000] [--time-limit 1800] [--keep FOLDER]

``table``: a model of 2,000 rows predicts a table of 12 columns (numbers, categories, dates, with gaps). ``pictures``: a model of small JPEG files
and a number is fitted. ``texts``: a model of a number, a category and four words a row is fitted, and scored on 100,000 other rows. Each command runs
in a process of its own; what is printed is the peak of its resident memory, as the system counts it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

import consilience

GIB = 2**30


def make_table(rows: int, seed: int) -> pl.DataFrame:
    """Twelve columns and a target that five of them decide."""
    random = np.random.default_rng(seed)
    numbers = {f"number{index}": random.normal(10**index, 10**index, rows).round(3) for index in range(5)}
    codes = {f"category{index}": random.integers(0, size, rows) for index, size in enumerate((3, 12, 60, 400))}
    days = {f"day{index}": random.integers(0, 9000, rows) for index in range(2)}
    whole = {"count": random.integers(0, 500, rows)}
    score = (
        numbers["number0"] + numbers["number1"] / 10 + codes["category0"] - codes["category1"] / 6 + whole["count"] / 200 + random.normal(0, 1, rows)
    )
    names = {name: np.array([f"{name} value {code}" for code in range(500)]) for name in codes}
    columns: dict[str, pl.Series] = {name: pl.Series(name, values) for name, values in {**numbers, **whole}.items()}
    columns |= {name: pl.Series(name, names[name][values]) for name, values in codes.items()}
    first = np.datetime64("2000-01-01")
    columns |= {name: pl.Series(name, first + values.astype("timedelta64[D]")).cast(pl.Date) for name, values in days.items()}
    frame = pl.DataFrame(columns)
    frame = frame.with_columns(pl.when(pl.Series(random.random(rows) >= 0.08)).then(pl.col(name)).alias(name) for name in frame.columns)
    return frame.with_columns(pl.Series("label", np.array(["low", "middle", "high"])[np.digitize(score, [1.5, 4])]))


def make_pictures(folder: Path, rows: int, side: int = 64) -> Path:
    """A table of distinct small JPEG files, a number and a class that both tell something of; returns its path."""
    random = np.random.default_rng(0)
    colours = np.array([(190, 80, 80), (80, 170, 90), (80, 90, 190), (170, 160, 70)])
    labels = random.integers(0, len(colours), rows)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for row in range(rows):
        coarse = np.clip(colours[labels[row]] + random.normal(0, 60, (8, 8, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR).save(folder / "pictures" / f"{row}.jpg", quality=85)
    pl.DataFrame(
        {
            "picture": [f"pictures/{row}.jpg" for row in range(rows)],
            "number": (labels + random.normal(0, 1.5, rows)).round(3),
            "label": [f"class {label}" for label in labels],
        }
    ).write_csv(folder / "pictures.csv")
    return folder / "pictures.csv"


def make_texts(rows: int, seed: int) -> pl.DataFrame:
    """A number, a category of 50 and four words; the number counts for more after some words. No model is right in more than nine of ten rows."""
    random, world = np.random.default_rng(seed), np.random.default_rng(0)
    words = np.array([f"{first}{second}" for first in ("so", "ma", "te", "lu") for second in ("red", "low", "big", "dry", "old", "hot")])
    word_counts, shop_counts = world.normal(size=len(words)), world.normal(size=50)
    size, shop, note = random.normal(size=rows), random.integers(0, 50, rows), random.integers(0, len(words), (rows, 4))
    score = 1.2 * size + shop_counts[shop] + 0.6 * word_counts[note].sum(axis=1) + 0.8 * size * (note[:, 0] < 6) + random.normal(size=rows)
    label = np.where(score > 0.6 * 4 * word_counts.mean() + shop_counts.mean(), "yes", "no")
    return pl.DataFrame(
        {"size": size.round(4), "shop": [f"s{code}" for code in shop], "note": [" ".join(row) for row in words[note]], "label": label}
    )


def run(*words: str) -> tuple[float, float]:
    """Bytes at the peak, and seconds, of one command."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "consilience", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"consilience {' '.join(words)} ended with {process.returncode}")
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), time.monotonic() - began


def show(what: str, peak: float, seconds: float) -> None:
    print(f"| {what} | {peak / GIB:.2f} GiB | {seconds:.0f} s |", flush=True)


def main() -> None:
    """Makes what is asked for, runs the command, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("table", "pictures", "texts"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--format", action="append", choices=("csv", "parquet"))
    parser.add_argument("--learner", action="append", default=[])
    parser.add_argument("--time-limit", type=int, default=1800, help="seconds of the fit of texts")
    parser.add_argument("--keep", type=Path, help="folder for what is made, used again if it is there")
    asked = parser.parse_args()
    learners = [word for name in asked.learner for word in ("--learner", name)]
    named = f" with --learner {' '.join(asked.learner)}" if learners else ""
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        store = ("--cache", str(folder / "store"))
        print("| command | peak memory | time |\n|---|---|---|")
        if asked.part == "pictures":
            rows = asked.rows or 20_000
            table = folder / "pictures.csv"
            made = table if table.exists() else make_pictures(folder, rows)
            show(
                f"fit on {rows:,} rows of a picture and a number{named}",
                *run("fit", str(made), "--target", "label", "--out", str(folder / "model"), *learners, *store),
            )
            return
        rows = asked.rows or 1_000_000
        if asked.part == "texts":
            for name, number, seed in (("texts", rows, 1), ("others", 100_000, 2)):
                make_texts(number, seed).write_csv(folder / f"{name}.csv")
            words = ("fit", str(folder / "texts.csv"), "--target", "label", "--time-limit", str(asked.time_limit), "--out", str(folder / "model"))
            show(f"fit --time-limit {asked.time_limit} on {rows:,} rows of a number, a category and a text{named}", *run(*words, *learners, *store))
            scores = consilience.load(folder / "model", cache=folder / "store").evaluate(folder / "others.csv")["metrics"]
            print(
                "\n"
                + ", ".join(
                    f"{name} {scores[name]['value']:.3f} [{scores[name]['low']:.3f}, {scores[name]['high']:.3f}]" for name in ("accuracy", "log_loss")
                )
            )
            return
        make_table(2000, 0).write_csv(folder / "train.csv")
        if not (folder / "model").exists():
            run("fit", str(folder / "train.csv"), "--target", "label", "--out", str(folder / "model"), "--quiet", *learners, *store)
        long = make_table(rows, 1).drop("label")
        for suffix in asked.format or ("csv", "parquet"):
            source = folder / f"rows.{suffix}"
            (long.write_csv if suffix == "csv" else long.write_parquet)(source)
            for out in ("parquet", "csv"):
                words = ("predict", str(folder / "model"), str(source), "--out", str(folder / f"predicted.{out}"), "--quiet", *store)
                show(f"predict of {rows:,} rows from {suffix} to {out}{named}", *run(*words))


if __name__ == "__main__":
    main()
