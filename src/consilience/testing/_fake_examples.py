"""Tasks, targets and examples for learners, made of random numbers that tell the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from consilience.core.seeds import generator
from consilience.core.settings import parse_settings
from consilience.data.schema import TargetSchema
from consilience.features._examples import Block, Examples
from consilience.tasks import TASKS, Task

__all__ = ["fake_examples", "fake_target", "fake_task"]


def fake_task(name: str = "binary", classes: int = 0, *, log: bool = False, **settings: Any) -> Task:
    """A task without a table.

    Args:
        name: A key of the registry of tasks.
        classes: How many; 0 is 2 for ``binary``, 4 for ``multilabel``, 5 else.
        log: A number is learned as its logarithm.
        settings: The task's own, such as ``focal=2.0``.

    >>> fake_task("multiclass").num_outputs
    5
    """
    count = 0 if name == "regression" else classes or {"binary": 2, "multilabel": 4}.get(name, 5)
    target = TargetSchema(name="label", task=name, reason="a fake", confidence=1.0, classes=tuple(f"class {code}" for code in range(count)), log=log)
    cls: Any = TASKS.get(name)
    return cls(target, parse_settings(cls.Settings, settings, f"The task {name!r}"))  # type: ignore[no-any-return]


def fake_target(task: Task, rows: int = 40, seed: int = 0) -> np.ndarray:
    """A target column as ``Task.encode`` takes it; every class occurs in five rows or more."""
    draw, names = generator(seed, "fake target"), task.target.classes
    if task.target.task == "regression":
        values = draw.normal(3.0, 1.0, rows)
        return np.exp(values) if task.target.log else values
    if task.target.task == "multilabel":
        made = np.empty(rows, dtype=object)
        made[:] = [sorted({names[row % len(names)], *(name for name in names if draw.random() < 0.2)}) if row % 7 else [] for row in range(rows)]
        return made
    return np.array([names[code] for code in draw.permutation(np.arange(rows) % len(names))], dtype=object)


def fake_examples(task: Task, rows: int = 160, seed: int = 0, absence: float = 0.25) -> tuple[Examples, np.ndarray]:
    """Examples with a dense block, a sparse one and one of sequences, and their encoded target.

    The modalities ``image`` (sequences ``[N, 3, 8]``), ``table`` (``[N, 6]``) and ``text`` (CSR ``[N, 30]``, and a dense block of a second encoder)
    each tell the target, with noise; row 0 lacks all of them. Blocks of the same seed and of another number of rows are drawn from the same rule.

    Args:
        absence: Chance that a modality is absent in a row.

    >>> examples, target = fake_examples(fake_task("binary"), rows=10)
    >>> examples.modalities, target.shape
    (['image', 'table', 'text'], (10,))
    """
    target = task.encode(fake_target(task, rows, seed))
    told = _told(task, target)  # [N, S] what the evidence is made of
    draw, rule = generator(seed, "fake examples"), generator(0, "fake rule")
    there = {name: draw.random(rows) >= absence for name in ("image", "table", "text")}
    for present in there.values():
        present[:1] = False

    def evidence(width: int, noise: float) -> np.ndarray:
        return np.asarray(told @ rule.normal(size=(told.shape[1], width)) + draw.normal(0, noise, (rows, width)), dtype=np.float32)

    tokens = np.stack([evidence(8, 1.0) for _ in range(3)], axis=1)  # [N, 3, 8]
    token_mask = there["image"][:, None] & (np.arange(3) <= draw.integers(0, 3, rows)[:, None])
    words = np.maximum(evidence(30, 0.7) - 0.5, 0)
    blocks = (
        Block("picture:fake", "image", np.where(token_mask[:, :, None], tokens, np.float32(0)), token_mask),
        _dense("table:fake", "table", evidence(6, 0.7), there["table"]),
        Block("note:words", "text", sparse.csr_matrix(np.where(there["text"][:, None], words, np.float32(0))), there["text"]),
        _dense("note:fake", "text", evidence(5, 1.0), there["text"]),
    )
    return Examples(blocks, rows), target


def _dense(name: str, modality: str, values: np.ndarray, present: np.ndarray) -> Block:
    return Block(name, modality, np.where(present[:, None], values, np.float32(0)), present)


def _told(task: Task, target: np.ndarray) -> np.ndarray:
    """The target as numbers around 0."""
    if task.target.task == "regression":
        return np.asarray((target - 3.0)[:, None])
    if task.target.task == "multilabel":
        return np.asarray(2.0 * target - 1)
    return np.asarray(1.5 * np.eye(task.num_outputs)[target])
