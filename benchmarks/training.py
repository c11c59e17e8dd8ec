"""How long an epoch of end-to-end training takes, against a hand-written loop in plain PyTorch with the same model on the same batches.

    python benchmarks/training.py [--cases pictures both] [--pairs 7] [--rows 768] [--size 32] [--epochs 3] [--threads 1]

``pictures``: small drawings read by the image encoder ``cnn``. ``both``: the drawings and a sentence each, read by ``cnn`` and by the ``gru`` of
texts. Ours is the learner ``end_to_end`` with its own settings, as an election calls it: absence drawn by chance, clipping, a moving average of the
weights, the balance of modalities, held-out rows and some learned ones scored after each epoch, the three best states kept. The hand-written loop has
none of this: batches by index, forward, backward, a step of AdamW, and held-out rows after each epoch. Model, batch size, number format, changes of
pictures in training and threads are the same.

Both run in turns, the one that begins too. Of each run the fastest epoch after the first counts; a pair gives one ratio. Printed are the median of
the ratios and the smallest and largest, once by the clock and once by the process's CPU seconds, which other work on the machine strikes less.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.nn import functional as F

from _drawing import picture, sentence
from consilience.core.budget import Budget
from consilience.core.progress import Counter, Silent, Step
from consilience.data.kinds import KINDS, Cells
from consilience.data.schema import TargetSchema
from consilience.encoders import ENCODERS
from consilience.features._examples import Examples, Prepared
from consilience.learn.learners._base import Situation, Split
from consilience.learn.learners._built import build
from consilience.learn.learners._feed import Feed
from consilience.learn.learners.end_to_end import EndToEnd, EndToEndSettings
from consilience.learn.training.loop import mixed_precision, rows_of_a_step, seeded
from consilience.tasks import TASKS

CASES = {"pictures": ("picture",), "both": ("picture", "words")}
CLASSES = 4


def prepared(name: str, kind: str, key: str, cells: list[Any], learned: np.ndarray, **settings: Any) -> Prepared:
    """One column as an encoder wants it that is trained with the network."""
    made = KINDS.get(kind)()
    parsed = made.parse(pl.Series(name, cells))
    column = Cells(name, made, parsed.values, parsed.present)
    cls: Any = ENCODERS.get(key)
    encoder = cls(cls.Settings(**settings))
    encoder.fit({name: column.take(learned)})
    return Prepared(f"{name}:{key.partition('/')[2]}", made.modality, encoder.prepare({name: column}), encoder)


def data(case: str, rows: int, size: int) -> Split:
    """Drawings whose shape is the class, and sentences whose topic is; a quarter as many rows again are held out."""
    draw = np.random.default_rng(0)
    count = rows + rows // 4
    target = draw.integers(0, CLASSES, count)
    parts = []
    if "picture" in CASES[case]:
        files = []
        for code in target:
            buffer = io.BytesIO()
            picture(int(code), int(draw.integers(6)), int(draw.integers(2)), draw).save(buffer, "PNG")
            files.append(buffer.getvalue())
        parts.append(prepared("picture", "image", "image/cnn", files, np.arange(rows), size=size))
    if "words" in CASES[case]:
        texts = [sentence(int(code), int(draw.integers(2)), draw) for code in target]
        parts.append(prepared("words", "text", "text/gru", texts, np.arange(rows)))
    whole = Examples((), count, tuple(parts))
    first, second = np.arange(rows), np.arange(rows, count)
    return Split(whole.take(first), target[first], whole.take(second), target[second], second)


def situation_of(split: Split) -> Situation:
    names = tuple("abcd")
    target = TargetSchema(name="label", task="multiclass", reason="drawn", confidence=1.0, classes=names)
    cls: Any = TASKS.get("multiclass")
    return Situation(cls(target, cls.Settings()), encoders={part.name: part.encoder for part in split.train.prepared})


def settings_of(epochs: int) -> EndToEndSettings:
    plain = EndToEndSettings(fewest=1, rows_seen=10**9)
    return plain.model_copy(update={"training": plain.training.model_copy(update={"epochs": epochs})})


class Marks(Silent):
    """Progress that notes when each epoch ended."""

    def __init__(self) -> None:
        self.at: list[tuple[float, float]] = []

    def note(self) -> None:
        self.at.append((time.perf_counter(), time.process_time()))

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        counter = Counter()
        counter.advance = lambda amount=1: self.note()  # type: ignore[method-assign]
        yield counter


def ours(split: Split, epochs: int, marks: Marks) -> None:
    """The learner's own way."""
    path = EndToEnd(settings_of(epochs), replace(situation_of(split), progress=marks)).path(split, Budget(None))
    assert len(path.points) == epochs == len(marks.at)


def bare(split: Split, epochs: int, marks: Marks) -> None:
    """What somebody would write who has only this model in mind."""
    situation, settings = situation_of(split), settings_of(epochs)
    network = build(Feed.specs(split.train), settings, situation)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.training.learning_rate, weight_decay=settings.training.weight_decay, fused=True)
    size = rows_of_a_step(settings.training, len(split.target))
    fast = settings.training.precision == "mixed" and mixed_precision("cpu")

    def tensors(examples: Examples) -> dict[str, dict[str, torch.Tensor]]:
        return {part.name: {name: torch.from_numpy(array) for name, array in part.arrays.items()} for part in examples.prepared}

    learned, held_out = tensors(split.train), tensors(split.valid)
    target, truth = torch.from_numpy(split.target), torch.from_numpy(split.valid_target)
    for _ in range(epochs):
        network.train()
        for rows in torch.randperm(len(target)).split(size):
            with torch.autocast("cpu", torch.bfloat16) if fast else nullcontext():
                scores = network({name: {key: value[rows] for key, value in part.items()} for name, part in learned.items()}).scores
                loss = F.cross_entropy(scores, target[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            total = 0.0
            for rows in torch.arange(len(truth)).split(size):
                scores = network({name: {key: value[rows] for key, value in part.items()} for name, part in held_out.items()}).scores
                total += float(F.cross_entropy(scores, truth[rows], reduction="sum"))
        marks.note()


def timed(work: Callable[[Split, int, Marks], None], split: Split, epochs: int) -> np.ndarray:
    """Seconds of an epoch after the first, the fastest: by the clock, and of the processor."""
    marks = Marks()
    with seeded(0):
        work(split, epochs, marks)
    fastest: np.ndarray = np.diff(np.array(marks.at), axis=0).min(axis=0)
    return fastest


def compare(case: str, pairs: int, rows: int, size: int, epochs: int) -> dict[str, Any]:
    """Ratios of a case."""
    split = data(case, rows, size)
    found = []
    for turn in range(pairs):
        order = (ours, bare) if turn % 2 else (bare, ours)
        took = {work: timed(work, split, epochs) for work in order}
        found.append((took[ours], took[bare]))
        print(f"{case}, pair {turn + 1}: {took[ours][1]:.3f} s and {took[bare][1]:.3f} s of the processor", file=sys.stderr, flush=True)
    ratios = np.array([mine / theirs for mine, theirs in found])
    return {
        "case": case,
        "rows": rows,
        "seconds_of_an_epoch": [round(statistics.median(float(one[0]) for one in side), 3) for side in zip(*found, strict=True)],
        **{
            name: {"median": round(float(np.median(values)), 3), "range": [round(float(values.min()), 3), round(float(values.max()), 3)]}
            for name, values in zip(("clock", "cpu"), ratios.T, strict=True)
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, default=768, help="too few, and what an epoch costs whatever its rows counts for too much")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3, help="at least 2: the first is not counted")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for case in given.cases:
        print(json.dumps(compare(case, given.pairs, given.rows, given.size, given.epochs)), flush=True)


if __name__ == "__main__":
    main()
