"""How long one row takes in a warm process, against the bare compiled forwards that it needs.

    python benchmarks/latency.py [--learner linear] [--rows 300] [--calls 200]

A model is fitted once on generated rows of text, picture and table, saved and loaded. Then single rows are predicted through the public API,
each with content that the feature store has never seen, in turn with the compiled encoders alone on the same cells, already read and prepared.
Decoding, tokenising, the store, the table's own features and the learner all count as the library's. Prints one line of a Markdown table
for each form in which a row can be given.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

import consilience
from consilience.data.kinds import KINDS
from consilience.encoders import FrozenEncoder
from consilience.features.runtime import compile_encoder

COLOURS = {"red": (200, 60, 60), "green": (60, 180, 70), "blue": (60, 70, 200)}
WORDS = ("small", "large", "old", "new", "bright", "worn", "quiet", "heavy", "cup", "chair", "lamp", "table", "door", "wheel", "near", "under")
SIDE = 256
WARM = 20


def make_row(random: np.random.Generator) -> dict[str, Any]:
    """One row: a picture in memory (JPEG), a sentence, and five table columns with gaps. Each of the three tells the class in six rows of ten."""
    label = list(COLOURS)[int(random.integers(3))]
    shown, said, known = (label if random.random() < 0.6 else list(COLOURS)[int(random.integers(3))] for _ in range(3))
    coarse = np.clip(np.array(COLOURS[shown]) + random.normal(0, 50, (16, 16, 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(file, "JPEG", quality=90)
    code = list(COLOURS).index(known)
    return {
        "picture": file.getvalue(),
        "words": " ".join(random.choice(WORDS, 12)) + f" {said} number {random.integers(10**9)}",
        "size": None if random.random() < 0.1 else round(float(code + random.normal(0, 1.5)), 3),
        "price": round(float(np.exp(random.normal(3, 1))), 2),
        "shop": ("north", "south", "east", "west")[int(random.integers(4))],
        "grade": None if random.random() < 0.2 else "abc"[code],
        "day": f"2024-{random.integers(1, 13):02d}-{random.integers(1, 29):02d}",
        "label": label,
    }


def bare(model: consilience.Model, row: dict[str, Any]) -> Callable[[], None]:
    """The compiled forwards of the row's cells that the model uses, with everything before them done."""
    work = []
    for slot in model.pipeline.features.slots:
        encoder = model.pipeline.features.encoders[slot.name]
        if isinstance(encoder, FrozenEncoder) and slot.modality in model.pipeline.modalities:
            cell = KINDS.get(slot.modality)().read(row[slot.columns[0]])
            work.append((compile_encoder(encoder), encoder.collate([encoder.prepare(cell)])))

    def run() -> None:
        for compiled, batch in work:
            compiled.encode(batch)

    return run


def measure(model: consilience.Model, rows: Sequence[dict[str, Any]], give: Callable[[dict[str, Any]], Any]) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds of each call of ``predict`` and of the bare forwards, in turn."""
    ours, theirs = [], []
    for row in rows:
        cells = {name: cell for name, cell in row.items() if name != "label"}
        forward, given = bare(model, cells), give(cells)
        began = time.perf_counter()
        model.predict(given)
        middle = time.perf_counter()
        forward()
        ours.append(middle - began)
        theirs.append(time.perf_counter() - middle)
    return 1000 * np.array(ours[WARM:]), 1000 * np.array(theirs[WARM:])


def main() -> None:
    """Fits, loads, and measures each way of giving a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learner", action="append", default=[], help="as in consilience fit; may be repeated")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--model", type=Path, help="a folder for the fitted model, used again if it is there")
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.model or Path(temporary) / "model"
        table = pl.DataFrame([make_row(random) for _ in range(asked.rows)])
        if not folder.exists():
            consilience.fit(table, target="label", learners=tuple(asked.learner), cache=f"{temporary}/store", progress=False).save(folder)
        model = consilience.load(folder, cache=f"{temporary}/store")
        print(f"{model!r}; {len(model.pipeline.model.members)} members\n")
        print("| a row as | predict p50 | p95 | bare forwards p50 | p95 | 1.5 x bare + 5 ms | holds |\n|---|---|---|---|---|---|---|")
        ways: dict[str, Callable[[dict[str, Any]], Any]] = {"list of one dict": lambda row: [row], "polars frame": lambda row: pl.DataFrame([row])}
        fresh = np.random.default_rng(time.time_ns())
        for name, give in ways.items():
            ours, theirs = measure(model, [make_row(fresh) for _ in range(asked.calls + WARM)], give)
            limit = 1.5 * np.median(theirs) + 5
            middle, far = np.percentile(ours, [50, 95])
            print(
                f"| {name} | {middle:.1f} ms | {far:.1f} ms | {np.median(theirs):.1f} ms | {np.percentile(theirs, 95):.1f} ms "
                f"| {limit:.1f} ms | {'yes' if middle <= limit else 'no'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
