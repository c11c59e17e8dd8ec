"""The contract of a task: from the target column to loss, probabilities, predictions and metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from consilience.core.settings import Settings as AnySettings
from consilience.data.schema import TargetSchema
from consilience.metrics import Interval, Metric
from consilience.metrics.bootstrap import bootstrap

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Task"]


class Task(ABC):
    """What is to be learned. Three spaces:

    - *target*: what stands in the column (see ``Dataset.target``)
    - *encoded target*: numbers a learner fits (class codes, 0/1 matrix, possibly logarithms)
    - *scores* ``[N, K] float``: what a learner gives (log-probabilities up to a constant, log-odds, or one number in encoded space)

    Args:
        target: The target column's schema.
        settings: An object of the class's own ``Settings`` (class weights, focal loss).
    """

    Settings: ClassVar[type[AnySettings]] = AnySettings
    choose_by: ClassVar[str]
    """Name of the metric that candidates are chosen by."""
    headline: ClassVar[str]
    """Name of the metric that a person reads first."""

    def __init__(self, target: TargetSchema, settings: AnySettings | None = None) -> None:
        self.target = target
        self.settings = settings or self.Settings()

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """K, the width of the scores."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """Name to metric; each takes (``truth``, ``output``)."""

    @abstractmethod
    def encode(self, target: np.ndarray) -> np.ndarray:
        """Target to encoded target: ``[N] int64`` classes, ``[N, L] float32`` labels, or ``[N] float64`` numbers."""

    def truth(self, encoded: np.ndarray) -> np.ndarray:
        """Encoded target in the form metrics take it."""
        return encoded

    @abstractmethod
    def output(self, scores: np.ndarray) -> np.ndarray:
        """Scores as probabilities (``[N, K]``, or ``[N, L]`` one by one), or as numbers in the target's own unit (``[N]``)."""

    @abstractmethod
    def row_losses(self, encoded: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """``[N]``: the loss of each row, whose mean candidates are compared by."""

    @abstractmethod
    def loss(self, scores: Tensor, encoded: Tensor, weights: Tensor | None) -> Tensor:
        """The mean training loss. Shape: scores ``[B, K]``; encoded as ``encode`` gives it; weights ``[K]`` (class weights) or None."""

    @abstractmethod
    def labels(self, encoded: np.ndarray) -> np.ndarray:
        """``[N] int64`` codes by which splits are stratified."""

    @abstractmethod
    def decode(self, output: np.ndarray) -> dict[str, list[Any]]:
        """Output as the columns ``prediction`` and ``probability`` (classes) or ``prediction`` (numbers)."""

    def class_weights(self, encoded: np.ndarray) -> np.ndarray | None:
        """``[K] float32`` weights of classes in the loss, or None where all weigh the same."""
        return None

    def by_class(self, encoded: np.ndarray, output: np.ndarray) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 and support of each class; empty for numbers."""
        return {}

    def evaluate(self, encoded: np.ndarray, output: np.ndarray, *, seed: int = 0, groups: np.ndarray | None = None) -> dict[str, Interval]:
        """Every metric with a bootstrap 95 % interval; ``groups [N]`` are drawn whole."""
        return bootstrap(self.metrics, self.truth(encoded), output, seed=seed, groups=groups)
