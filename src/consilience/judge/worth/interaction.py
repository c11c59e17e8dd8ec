"""How much of the skill is interaction between modalities, and how much is additive. Source: Hessel and Lee (2020), EMAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.core.seeds import generator
from consilience.features._examples import Examples
from consilience.judge.worth._sentences import interaction_sentence
from consilience.judge.worth._yardstick import Yardstick
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["additive_scores", "find_interaction", "mixed"]

ROWS, FEW_ROWS = 211, 61
"""Rows that are recombined: their square is what the model has to score. Fewer where it trains encoders, which then run each time."""

AT_ONCE, MEMORY = 4096, 2**28
"""Rows that are put together at once, and the bytes that their features may take: pictures that are learned end to end are large."""

Predict = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""Modality to ``[B]`` which row its evidence is taken from -> scores ``[B, K]``."""


def additive_scores(predict: Predict, names: Sequence[str], rows: int, at_once: int = AT_ONCE) -> np.ndarray:
    """``[N, K]``: the scores' projection onto functions that are sums of one function a modality, over the recombined rows.

    ``sum over m of E[f | x_m] - (M - 1) E[f]``. In each of N passes every row's modalities come from rows at fixed distances. With two
    modalities that is every pair of rows once, as in the paper. With more, and N prime, the rows of any two modalities meet once each (an orthogonal
    array of strength two): additive functions are returned exactly as they are, and what the others say together is averaged over N draws.

    Args:
        predict: The model.
        names: M modalities.
        rows: N; a prime number, M at least, where M is greater than two.
        at_once: Rows that are predicted together; N at least.
    """
    places = np.arange(rows)
    sums: dict[str, np.ndarray] = {}
    together = max(1, at_once // rows)
    for first in range(0, rows, together):
        passes = range(first, min(rows, first + together))
        index = {name: np.concatenate([(places + turn * shift) % rows for shift in passes]) for turn, name in enumerate(names)}
        scores = np.asarray(predict(index), dtype=np.float64)
        for name in names:
            total = sums.setdefault(name, np.zeros((rows, scores.shape[1])))
            np.add.at(total, index[name], scores)
    means = {name: total / rows for name, total in sums.items()}
    return np.asarray(sum(means.values()) - (len(names) - 1) * means[names[0]].mean(axis=0))


def mixed(examples: Examples, index: Mapping[str, np.ndarray]) -> Examples:
    """Rows whose modalities come from different rows; modalities that are not named do not exist."""
    size = len(next(iter(index.values())))
    blocks = tuple(block.take(index[block.modality]) for block in examples.blocks if block.modality in index)
    prepared, raw = (
        tuple(part.take(index[part.modality]) for part in parts if part.modality in index) for parts in (examples.prepared, examples.raw)
    )
    return Examples(blocks, size, prepared, raw)


def find_interaction(pipeline: Pipeline, scored: Scored, *, progress: Progress | None = None) -> dict[str, Any] | None:
    """The metrics of the model beside those of its additive projection, on a seeded sample of the rows.

    Scores are projected (log-probabilities up to a constant, or numbers as they are learned) and then calibrated as always.

    Returns:
        ``rows`` (how many were recombined), ``metrics`` (name to ``full``, ``additive`` and ``gain``: by how much the full model is better, value,
        low, high), ``agree`` (share of rows with the same predicted class; None for numbers) and ``verdict``. None for fewer than two modalities.
    """
    names = pipeline.modalities
    if len(names) < 2:
        return None
    trains = any(part.modality in names for part in (*scored.examples.prepared, *scored.examples.raw))
    rows = min(len(scored.dataset), FEW_ROWS if trains else ROWS)
    if len(names) > 2:
        rows = _prime_up_to(rows)
    if rows < max(3, len(names)):
        return None
    scored = scored.take(generator(pipeline.recipe.seed, "emap").permutation(len(scored.dataset))[:rows])
    at_once = min(AT_ONCE, scored.examples.rows_within(MEMORY))
    with (progress or Silent()).step("Recombine rows", rows * rows, "rows") as step:

        def predict(index: Mapping[str, np.ndarray]) -> np.ndarray:
            examples = mixed(scored.examples, index)
            step.advance(len(examples))
            return pipeline.model.predict(examples)

        scores = pipeline.calibration.apply(additive_scores(predict, names, rows, at_once))
    additive = replace(scored, scores=scores, output=pipeline.task.output(scores))
    yard = Yardstick(pipeline, scored)
    full, flat = yard.of(scored.output), yard.of(additive.output)
    gains = yard.intervals(full - flat)
    classes = scored.output.ndim == 2 and pipeline.task.target.task != "multilabel"
    agree = float((scored.output.argmax(axis=1) == additive.output.argmax(axis=1)).mean()) if classes else None
    metrics = {
        name: {"full": metric.sign * float(full[place, 0]), "additive": metric.sign * float(flat[place, 0]), "gain": gains[name].as_dict()}
        for place, (name, metric) in enumerate(yard.metrics.items())
    }
    verdict = interaction_sentence(yard.headline, metrics[yard.headline], rows)
    return {"rows": rows, "metrics": metrics, "agree": agree, "verdict": verdict}


def _prime_up_to(number: int) -> int:
    """The greatest prime that is not greater, 2 at least."""
    return next((each for each in range(number, 2, -1) if all(each % divisor for divisor in range(2, int(each**0.5) + 1))), 2)
