"""Rows that the model takes for alike. Source: Caruana et al. (1999), cases near in the model's own space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from consilience.core.seeds import generator
from consilience.judge.explain.explanation import NearRow
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["distances", "nearest_rows"]

PAIRS = 512
"""Pairs of rows by which the usual distance is judged."""

LARGEST = 60_000
"""Characters that one cell may take in a page."""


def distances(pipeline: Pipeline, scored: Scored, others: Scored, *, seed: int = 0) -> np.ndarray:
    """``[N]`` how far each of the other rows is from the first of ``scored``.

    Each member of the model has its own space; in it, 1 is the median distance of two of the other rows. The members count by their weights.
    """
    total, weight = np.zeros(len(others.examples)), 0.0
    draw = generator(seed, "explain pairs")
    pairs = draw.integers(0, max(1, len(others.examples)), (PAIRS, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    for name, (fitted, modalities) in pipeline.model.members.items():
        share = float(pipeline.model.weights.get(name, 0.0))
        if share <= 0:
            continue
        here = np.asarray(fitted.embed(scored.examples.only(modalities, fitted.whole)), dtype=np.float64)[:1]
        there = np.asarray(fitted.embed(others.examples.only(modalities, fitted.whole)), dtype=np.float64)
        usual = float(np.median(np.linalg.norm(there[pairs[:, 0]] - there[pairs[:, 1]], axis=1))) if len(pairs) else 0.0
        total += share * np.linalg.norm(there - here, axis=1) / (usual if usual > 0 else 1.0)
        weight += share
    return total / weight if weight else total


def nearest_rows(pipeline: Pipeline, scored: Scored, others: Scored, *, count: int = 6, seed: int = 0) -> tuple[NearRow, ...]:
    """The nearest of the other rows, with their cells as small pieces of HTML."""
    if not len(others.examples):
        return ()
    far = distances(pipeline, scored, others, seed=seed)
    order = np.argsort(far, kind="stable")[:count]
    some = others.take(order)
    said = pipeline.task.decode(some.output)["prediction"]
    target = some.dataset.target
    return tuple(
        NearRow(
            row=int(some.dataset.rows[place]),
            distance=float(far[order[place]]),
            label=None if target is None else target[place],
            prediction=said[place],
            cells=_cells(pipeline.modalities, some, place),
        )
        for place in range(len(order))
    )


def _cells(modalities: Sequence[str], scored: Scored, row: int) -> dict[str, str | None]:
    made: dict[str, Any] = {}
    for name, cells in scored.dataset.cells.items():
        if name in scored.dataset.absent_columns or cells.kind.modality not in modalities:
            continue
        html = cells.kind.thumbnail(cells.values[row]) if cells.present[row] else None
        made[name] = html if html is None or len(html) <= LARGEST else "…"
    return made
