"""Fit with no options on real sets, evaluated on rows that were kept aside.

    CONSILIENCE_DATA=FOLDER python benchmarks/real_sets.py [SET ...]

Each set is a folder with ``train.csv``, ``valid.csv`` and ``meta.json`` (which names the target). The model sees ``train.csv`` alone.
Prints one line a set: chosen candidate, headline metric with its interval, the best single modality on the same rows, seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import consilience
from consilience.data.table import read_table

SETS = ("houses", "sroie", "nlvr", "easyvqa", "meld")
IGNORE = {"meld": ("sentiment",)}
"""Columns that are a second target."""


def measure(folder: Path) -> str:
    """One line of the table."""
    target = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["target"]
    began = time.monotonic()
    model = consilience.fit(folder / "train.csv", target=target, ignore=IGNORE.get(folder.name, ()))
    seconds = time.monotonic() - began
    found = model.pipeline.evaluate(read_table(folder / "valid.csv"))["metrics"]
    shown = [name for name in ("accuracy", "log_loss", "macro_f1", "mae_log", "r2_log", "mae", "r2") if name in found]
    numbers = ", ".join(f"{name} {found[name]['value']:.3f} [{found[name]['low']:.3f}, {found[name]['high']:.3f}]" for name in shown[:3])
    return f"| {folder.name} | {model.facts['chosen']} | {numbers} | {seconds:.0f} s | {model.verdict} |"


def main() -> None:
    """Measures the sets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    for name in parser.parse_args().sets:
        print(measure(Path(os.environ["CONSILIENCE_DATA"]) / name), flush=True)


if __name__ == "__main__":
    main()
