"""Any number of classes a row. Source: Tsoumakas and Katakis (2007), binary relevance. Use it when cells of the target column are lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from consilience.core.registry import Card
from consilience.metrics import Metric
from consilience.metrics.by_class import by_label
from consilience.metrics.multilabel import MULTILABEL
from consilience.tasks._classes import ClassTask

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Multilabel"]

CARD = Card(summary="any number of classes a row", source="binary relevance: Tsoumakas and Katakis (2007)", claims=("classes",))


class Multilabel(ClassTask):
    """L yes-or-no questions a row. Scores are log-odds ``[N, L]``; a label is predicted from probability 0.5 on."""

    headline = "micro_f1"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return MULTILABEL

    def encode(self, target: np.ndarray) -> np.ndarray:
        code = {name: index for index, name in enumerate(self.target.classes)}
        encoded = np.zeros((len(target), len(code)), dtype=np.float32)
        for row, names in enumerate(target):
            encoded[row, [code[name] for name in names]] = 1
        return encoded

    def truth(self, encoded: np.ndarray) -> np.ndarray:
        return np.asarray(encoded > 0.5)

    def output(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray(expit(np.asarray(scores, dtype=np.float64)))

    def row_losses(self, encoded: np.ndarray, scores: np.ndarray) -> np.ndarray:
        scores = np.asarray(scores, dtype=np.float64)
        return np.asarray((np.logaddexp(0, scores) - encoded * scores).mean(axis=1))

    def loss(self, scores: Tensor, encoded: Tensor, weights: Tensor | None) -> Tensor:
        import torch.nn.functional as F

        losses = F.binary_cross_entropy_with_logits(scores, encoded, pos_weight=weights, reduction="none")
        if self.settings.focal:
            sure = (encoded * scores.sigmoid() + (1 - encoded) * (-scores).sigmoid()).clamp(max=1.0)
            losses = (1 - sure) ** self.settings.focal * losses
        return losses.mean()

    def labels(self, encoded: np.ndarray) -> np.ndarray:
        """The rarest label a row has: rows are stratified by what is hardest to spread."""
        counts = encoded.sum(axis=0)
        rarity = np.where(encoded > 0, 1.0 / np.maximum(counts, 1), 0.0)
        return np.asarray(np.where(encoded.any(axis=1), rarity.argmax(axis=1), encoded.shape[1]), dtype=np.int64)

    def class_weights(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.settings.class_weights == "none":
            return None
        positive = encoded.sum(axis=0)
        return np.asarray(np.clip((len(encoded) - positive) / np.maximum(positive, 1), 0.01, 100), dtype=np.float32)

    def by_class(self, encoded: np.ndarray, output: np.ndarray) -> dict[str, dict[str, float]]:
        return by_label(self.truth(encoded), output, self.target.classes)

    def decode(self, output: np.ndarray) -> dict[str, list[Any]]:
        chosen = output >= 0.5
        names = [[self.target.classes[code] for code in np.flatnonzero(row)] for row in chosen]
        sure = np.where(chosen, output, 1 - output).prod(axis=1)
        return {"prediction": names, "probability": sure.tolist()}
