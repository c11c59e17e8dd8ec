"""A number. Source: Gauss (1809), least squares; Huber (1964), robust loss.

Use it when the target column holds many different numbers; skewed positive ones are learned as logarithms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.core.registry import Card
from consilience.metrics import Metric
from consilience.metrics.regression import REGRESSION, REGRESSION_LOG
from consilience.tasks._base import Task

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Regression"]

CARD = Card(summary="a number; a skewed positive one is learned as its logarithm", source="least squares: Gauss (1809); Huber loss: Huber (1964)")

_TINY = float(np.finfo(np.float64).tiny)


class Regression(Task):
    """One number a row. Scores ``[N, 1]`` are in encoded space: the number, or its natural logarithm where the schema says ``log``.

    A model of logarithms never predicts 0 or less.
    """

    @property
    def choose_by(self) -> str:  # type: ignore[override]
        """Squared error of the encoded number."""
        return "rmse"

    @property
    def headline(self) -> str:  # type: ignore[override]
        return "mae_log" if self.target.log else "mae"

    @property
    def num_outputs(self) -> int:
        return 1

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return {**REGRESSION, **REGRESSION_LOG} if self.target.log else REGRESSION

    def encode(self, target: np.ndarray) -> np.ndarray:
        values = np.asarray(target, dtype=np.float64)
        return np.log(values) if self.target.log else values

    def truth(self, encoded: np.ndarray) -> np.ndarray:
        return np.exp(encoded) if self.target.log else encoded

    def output(self, scores: np.ndarray) -> np.ndarray:
        values = np.asarray(scores, dtype=np.float64).reshape(-1)
        return np.clip(np.exp(np.clip(values, -700, 700)), _TINY, None) if self.target.log else values

    def row_losses(self, encoded: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return np.asarray((encoded - np.asarray(scores, dtype=np.float64).reshape(-1)) ** 2)

    def loss(self, scores: Tensor, encoded: Tensor, weights: Tensor | None) -> Tensor:
        import torch.nn.functional as F

        return F.huber_loss(scores.squeeze(1), encoded.to(scores.dtype), delta=1.5)

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        edges = np.unique(np.quantile(encoded, np.linspace(0, 1, 11)[1:-1])) if len(encoded) else np.zeros(0)
        return np.searchsorted(edges, encoded).astype(np.int64)

    def decode(self, output: np.ndarray) -> dict[str, list[Any]]:
        return {"prediction": output.tolist()}
