"""What the epochs of a training gave, the weights of the best of them, and a path that has their mean beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.learn.learners._balance import Whole
from consilience.learn.learners._base import Fitted, Path, Point
from consilience.learn.learners._gradient import some_rows

__all__ = ["Averaged", "Epochs", "PathOfEpochs", "few_rows"]

SEEN, FEWEST_SEEN = 16, 32
"""Of so many rows that were learned from one is scored after each epoch, and at least so many: encoders run for them too, and they choose nothing."""


def few_rows(num_rows: int, seed: int) -> np.ndarray:
    """Positions of the learned rows that are scored after each epoch, evenly taken from ``some_rows``."""
    rows = some_rows(num_rows, seed)
    return rows[:: math.ceil(len(rows) / max(FEWEST_SEEN, num_rows // SEEN))]


@dataclass(frozen=True)
class Averaged:
    """The mean of several epochs' weights: how to make it again, what it says of the held-out rows, and itself where it is kept."""

    point: Point
    scores: np.ndarray
    fitted: Fitted | None


@dataclass(frozen=True)
class PathOfEpochs(Path):
    """A path; and beside it, for it is no point on the way, the mean of the best epochs, where it has no more loss than the best of them."""

    averaged: Averaged | None = None


class Epochs:
    """What the epochs gave so far.

    Args:
        wanted: The epochs whose weights are kept; None for those with the least held-out loss.
    """

    def __init__(self, wanted: Sequence[int] | None = None) -> None:
        self.wanted = None if wanted is None else tuple(wanted)
        self.scores: list[np.ndarray] = []
        self.losses: list[float] = []
        self.seen: list[float] = []
        self.parts: dict[str, list[float]] = {}
        self.kept: dict[int, dict[str, np.ndarray]] = {}
        self.planned = 0

    def best_first(self) -> list[int]:
        """Epochs by their held-out loss; of equal ones the earlier first."""
        found: list[int] = (1 + np.argsort(self.losses, kind="stable")).tolist()
        return found

    def remember(self, epoch: int, averaged: Whole, most: int) -> None:
        """Keeps the network's weights if this epoch is among those that are wanted, or among the ``most`` best so far."""
        if self.wanted is None:
            best = set(self.best_first()[:most])
            self.kept = {number: weights for number, weights in self.kept.items() if number in best}
        else:
            best = set(self.wanted)
        if epoch in best:
            self.kept[epoch] = {name: tensor.cpu().numpy().copy() for name, tensor in averaged.network.state_dict().items()}

    def as_state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        arrays = {f"kept {epoch} {name}": array for epoch, weights in self.kept.items() for name, array in weights.items()}
        if self.scores:
            arrays["scores"] = np.stack(self.scores)
        return {"losses": self.losses, "seen": self.seen, "parts": self.parts}, arrays

    def restore(self, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.losses, self.seen, self.parts = list(values["losses"]), list(values["seen"]), dict(values["parts"])
        self.scores = list(arrays["scores"]) if "scores" in arrays else []
        self.kept = {}
        for name, array in arrays.items():
            if name.startswith("kept "):
                _, epoch, own = name.split(" ", 2)
                self.kept.setdefault(int(epoch), {})[own] = array
