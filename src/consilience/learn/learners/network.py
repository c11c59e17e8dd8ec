"""Encoders, fusion and head as one network. Source: Ngiam et al. (2011), multimodal deep learning; modality dropout: Neverova et al. (2016).

The learner for interaction between modalities on features that are there; the fusion is a setting. It also trains encoders that a person named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.seeds import derive, generator
from consilience.core.settings import Settings
from consilience.features._examples import Examples
from consilience.learn.learners._absence import drop_modalities
from consilience.learn.learners._base import Fitted, Learner, Path, Point, Situation, Split
from consilience.learn.learners._built import BuiltSettings, FittedNetworks, build, run
from consilience.learn.learners._feed import Feed
from consilience.learn.learners._gradient import Glance, Scale, epochs_path, fit_epochs, some_rows, target_tensor
from consilience.learn.learners._reduce import Reducer
from consilience.learn.learners._standard import measure
from consilience.learn.training.loop import TrainingSettings, seeded
from consilience.model import Network

__all__ = ["NetworkLearner"]

CARD = Card(
    summary="encoders -> fusion -> head, trained by gradient; one candidate per fusion",
    source="Ngiam et al. (2011); Neverova et al. (2016), ModDrop",
    claims=("absence", "interaction", "trains encoders"),
    cost="medium",
)


class NetworkSettings(BuiltSettings):
    """See ``BuiltSettings``; ``training``: see there."""

    standardise: bool = True
    training: TrainingSettings = TrainingSettings(epochs=40, batch_size=128, learning_rate=2e-3, weight_decay=1e-2, patience=5)


class FittedNetwork(FittedNetworks):
    """The networks, one a seed."""

    Settings = NetworkSettings


class NetworkLearner(Learner):
    """A network whose number of epochs is the path."""

    Settings: ClassVar[type[Settings]] = NetworkSettings
    fitted = FittedNetwork
    settings: NetworkSettings

    def path(self, split: Split, budget: Budget) -> Path:
        situation = self._situation(split.train)
        reducer = Reducer.fit(split.train, self.settings.components, situation.seed, split.memo, sparse_only=True)
        train = reducer.densify(split.train)
        slots, scale = Feed.specs(train), Scale.of(split.target, situation)
        valid = Feed(reducer.densify(split.valid), slots, situation.device)
        with seeded(self._seed(train)):
            network = build(slots, self.settings, situation)
            measure(network, train)
            loss_of = self._loss(Feed(train, slots, situation.device), train, split.target, scale)

            def score(averaged: nn.Module, feed: Feed = valid) -> np.ndarray:
                return scale.undo(run(averaged, feed, lambda output: output.scores))

            rows = some_rows(len(train), situation.seed)
            some = Feed(train.take(rows), slots, situation.device)
            glance = Glance(rows, lambda averaged: score(averaged, some))
            return epochs_path(network, split, loss_of, score, self.settings.training, budget, situation, glance)

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        situation = self._situation(train)
        reducer = Reducer.fit(train, self.settings.components, situation.seed, sparse_only=True)
        train = reducer.densify(train)
        slots, scale = Feed.specs(train), Scale.of(target, situation)
        networks: list[Network] = []
        for index in range(self.situation.seeds):
            if networks and budget.left() <= 0:
                break
            with seeded(self._seed(train, index)):
                network = build(slots, self.settings, situation)
                measure(network, train)
                loss_of = self._loss(Feed(train, slots, situation.device), train, target, scale)
                fit_epochs(network, len(train), loss_of, self.settings.training, point["epochs"], budget, not train.prepared)
            networks.append(network)
        return FittedNetwork(networks, reducer, slots, scale, self.settings, situation)

    def _seed(self, train: Examples, index: int = 0) -> int:
        return derive(self.situation.seed, "network", self.settings.fusion, *train.modalities, *([f"seed {index}"] if index else []))

    def _situation(self, train: Examples) -> Situation:
        """The encoders of these examples: their vocabularies differ from fold to fold."""
        return replace(self.situation, encoders={part.name: part.encoder for part in train.prepared})

    def _loss(self, feed: Feed, train: Examples, target: np.ndarray, scale: Scale) -> Callable[[nn.Module, Tensor], Tensor]:
        task, device = self.situation.task, self.situation.device
        random = generator(self.situation.seed, "network absence")
        present, encoded = train.present(), target_tensor(target, scale, device)
        weights = task.class_weights(target)
        class_weights = None if weights is None else torch.from_numpy(weights).to(device)

        def loss_of(network: nn.Module, rows: Tensor) -> Tensor:
            at = rows.numpy()
            hidden = drop_modalities({name: there[at] for name, there in present.items()}, self.settings.absence, random)
            keep = {name: torch.from_numpy(~gone).to(device) for name, gone in hidden.items()}
            return task.loss(network(feed.batch(at), keep).scores, encoded[rows.to(device)], class_weights)

        return loss_of
