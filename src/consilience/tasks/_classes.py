"""What the tasks with classes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import log_softmax, softmax

from consilience.core.settings import Settings
from consilience.core.settings import Settings as AnySettings
from consilience.metrics import Metric
from consilience.metrics.by_class import by_class
from consilience.metrics.classification import CLASSIFICATION
from consilience.tasks._base import Task

if TYPE_CHECKING:
    from torch import Tensor

    from consilience.data.schema import TargetSchema

__all__ = ["ClassSettings", "ClassTask", "SingleLabel"]


class ClassSettings(Settings):
    """How unbalanced classes are met.

    ``class_weights``: ``"none"``, or ``"balanced"`` (each class counts the same in the loss, as N / (K * count)).
    ``focal``: gamma of the focal loss (Lin et al. 2017); 0 is plain cross-entropy. Used by networks.
    """

    class_weights: Literal["none", "balanced"] = "none"
    focal: float = Field(default=0.0, ge=0.0, le=10.0)


class ClassTask(Task):
    """A task whose target is made of named classes; candidates are compared by their log-loss."""

    Settings: ClassVar[type[Settings]] = ClassSettings
    choose_by = "log_loss"
    settings: ClassSettings

    def __init__(self, target: TargetSchema, settings: AnySettings | None = None) -> None:
        super().__init__(target, settings)
        if not target.classes or len(set(target.classes)) < len(target.classes):
            raise ValueError(f"the target {target.name!r} has no classes, or one of them twice")

    @property
    def num_outputs(self) -> int:
        return len(self.target.classes)


class SingleLabel(ClassTask):
    """One class of K a row. Scores are logits ``[N, K]``; metrics take class codes and probabilities."""

    headline = "accuracy"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return CLASSIFICATION

    def encode(self, target: np.ndarray) -> np.ndarray:
        code = {name: index for index, name in enumerate(self.target.classes)}
        return np.array([code[name] for name in target], dtype=np.int64)

    def output(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray(softmax(np.asarray(scores, dtype=np.float64), axis=1))

    def row_losses(self, encoded: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return np.asarray(-log_softmax(np.asarray(scores, dtype=np.float64), axis=1)[np.arange(len(encoded)), encoded])

    def loss(self, scores: Tensor, encoded: Tensor, weights: Tensor | None) -> Tensor:
        import torch.nn.functional as F

        if not self.settings.focal:
            return F.cross_entropy(scores, encoded, weight=weights)
        losses = F.cross_entropy(scores, encoded, reduction="none")
        losses = (1 - (-losses).exp()) ** self.settings.focal * losses
        row_weights = scores.new_ones(len(encoded)) if weights is None else weights[encoded]
        return (losses * row_weights).sum() / row_weights.sum()

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        return encoded

    def class_weights(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.settings.class_weights == "none":
            return None
        counts = np.bincount(encoded, minlength=self.num_outputs)
        weights = np.where(counts > 0, len(encoded) / (max(1, (counts > 0).sum()) * np.maximum(counts, 1)), 0.0)
        return weights.astype(np.float32)

    def by_class(self, encoded: np.ndarray, output: np.ndarray) -> dict[str, dict[str, float]]:
        return by_class(encoded, output, self.target.classes)

    def decode(self, output: np.ndarray) -> dict[str, list[Any]]:
        best = output.argmax(axis=1)
        return {"prediction": [self.target.classes[code] for code in best], "probability": output[np.arange(len(output)), best].tolist()}
