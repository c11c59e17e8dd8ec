"""How many rows can be learned from within a limit of memory."""

from __future__ import annotations

import numpy as np

from consilience.core.seeds import generator
from consilience.data.schema import Dataset
from consilience.encoders import FittedEncoder, FrozenEncoder
from consilience.features.plan import Features

__all__ = ["rows_within"]

PART = 0.1
"""Of the limit that features may take: folds, scaled copies and the learners' own work take some six times as much, the table itself the rest."""

FEWEST = 50_000
"""Rows that are never thrown away: so few take little, whatever is said of the limit."""

OF_COLUMN, OF_TEXT = 3, 500
"""Numbers a cell of a table column becomes, and one of an encoder whose width is known only after it has learned (n-grams)."""


def rows_within(limit: float, dataset: Dataset, features: Features, seed: int) -> np.ndarray | None:
    """Positions of rows, drawn at random, whose features fit; None where all do.

    Args:
        limit: GiB that the whole fit should stay under, about.
        dataset: The rows, not yet encoded.
        features: What they will be encoded with.
    """
    if len(dataset) <= FEWEST:
        return None
    numbers = 0
    for slot in features.slots:
        encoder = features.encoders[slot.name]
        if isinstance(encoder, FrozenEncoder):
            numbers += features.widths.get(slot.name) or encoder.width
        elif isinstance(encoder, FittedEncoder):
            numbers += len(slot.columns) * (OF_COLUMN if slot.modality == "table" else OF_TEXT)
    most = max(FEWEST, int(PART * limit * 2**30 / (4 * max(1, numbers))))
    if len(dataset) <= most:
        return None
    return np.sort(generator(seed, "rows within memory").permutation(len(dataset))[:most])
