"""The most memory that predict takes on a long table, and fit on many pictures.

    python benchmarks/memory.py table [--rows 1000000] [--format csv --format parquet] [--learner linear]
    python benchmarks/memory.py pictures [--rows 20000] [--learner linear] [--keep FOLDER]

``table``: a model of 2,000 rows predicts a table of 12 columns (numbers, categories, dates, with gaps). ``pictures``: a model of small JPEG files
and a number is fitted. Each command runs in a process of its own; what is printed is the peak of its resident memory, as the system counts it.
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
    parser.add_argument("part", choices=("table", "pictures"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--format", action="append", choices=("csv", "parquet"))
    parser.add_argument("--learner", action="append", default=[])
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
