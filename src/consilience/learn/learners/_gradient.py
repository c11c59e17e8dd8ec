"""What learners that train by gradient share: epochs as the path, scores of held-out rows after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.seeds import generator
from consilience.learn.learners._base import OutOfTime, Path, Situation, Split
from consilience.learn.spaces import constant_scores
from consilience.learn.training.loop import TrainingSettings, one_thread, train

__all__ = ["Glance", "Scale", "epochs_path", "fit_epochs", "some_rows", "target_tensor"]

GLANCE = 256

_PLATEAU = 30
"""Epochs before which a training does not end for want of patience while it is on the plateau of a constant prediction, and still learns.

Where only modalities together tell the target, the held-out loss stands still for some epochs before it falls.
"""

_FALLEN, _RISEN = 0.98, 1.03
"""Shares of a constant prediction's loss between which a held-out loss is on the plateau; one that rises is of a network that learns noise."""


class Scale:
    """Numbers are learned around their mean in units of their deviation; classes as they are."""

    def __init__(self, mean: float = 0.0, deviation: float = 1.0) -> None:
        self.mean, self.deviation = mean, deviation

    @classmethod
    def of(cls, target: np.ndarray, situation: Situation) -> Scale:
        if situation.task.target.task != "regression":
            return cls()
        return cls(float(target.mean()), float(target.std()) or 1.0)

    def apply(self, target: np.ndarray) -> np.ndarray:
        return (target - self.mean) / self.deviation if (self.mean, self.deviation) != (0.0, 1.0) else target

    def undo(self, scores: np.ndarray) -> np.ndarray:
        return scores.astype(np.float64) * self.deviation + self.mean


def target_tensor(target: np.ndarray, scale: Scale, device: str) -> Tensor:
    """The encoded target as the loss takes it."""
    tensor = torch.from_numpy(np.ascontiguousarray(scale.apply(target)))
    return (tensor if tensor.dtype == torch.int64 else tensor.float()).to(device)


@dataclass(frozen=True)
class Glance:
    """Some of the rows that are learned from, scored after every epoch as well: they choose nothing, they only show how far it overfits.

    Args:
        rows: ``[S]`` their positions.
        score: Their scores ``[S, K]`` by a model.
    """

    rows: np.ndarray
    score: Callable[[nn.Module], np.ndarray]


def some_rows(num_rows: int, seed: int) -> np.ndarray:
    """Positions of at most ``GLANCE`` rows."""
    return np.sort(generator(seed, "glance").permutation(num_rows)[:GLANCE])


def epochs_path(
    model: nn.Module,
    split: Split,
    loss_of: Callable[[nn.Module, Tensor], Tensor],
    score: Callable[[nn.Module], np.ndarray],
    settings: TrainingSettings,
    budget: Budget,
    situation: Situation,
    glance: Glance,
) -> Path:
    """Trains on a split and scores its valid rows after every epoch; stops when they have not got better for ``patience`` epochs.

    The loss of a constant prediction is a plateau, on which patience is longer (see ``_PLATEAU``).
    """
    scores: list[np.ndarray] = []
    losses: list[float] = []
    seen: list[float] = []
    constant = float(situation.task.row_losses(split.valid_target, constant_scores(split.valid_target, situation.task)).mean())

    def after_epoch(epoch: int, averaged: nn.Module) -> bool:
        scores.append(score(averaged))
        losses.append(float(situation.task.row_losses(split.valid_target, scores[-1]).mean()))
        seen.append(float(situation.task.row_losses(split.target[glance.rows], glance.score(averaged)).mean()))
        if epoch - 1 - int(np.argmin(losses)) < settings.patience:
            return True
        flat = min(losses) > _FALLEN * constant and losses[-1] < _RISEN * constant
        return flat and epoch < _PLATEAU and epoch - 1 - int(np.argmin(seen)) < settings.patience

    with one_thread(not split.train.prepared):
        train(model, len(split.train), loss_of, settings, budget, after_epoch)
    if not scores:
        raise OutOfTime
    return Path([{"epochs": epoch + 1} for epoch in range(len(scores))], np.stack(scores), np.array(seen))


def fit_epochs(
    model: nn.Module,
    num_rows: int,
    loss_of: Callable[[nn.Module, Tensor], Tensor],
    settings: TrainingSettings,
    epochs: int,
    budget: Budget,
    small: bool = True,
) -> None:
    """Trains for a fixed number of epochs, with no look at held-out rows; ``small``: a network on features that are already there."""
    with one_thread(small):
        train(model, num_rows, loss_of, settings.model_copy(update={"epochs": epochs}), budget, lambda epoch, averaged: True)
