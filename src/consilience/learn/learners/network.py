"""Encoders, fusion and head as one network. Source: Ngiam et al. (2011), multimodal deep learning; modality dropout: Neverova et al. (2016).

The learner for interaction between modalities, and the only one that trains encoders; the fusion is a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.seeds import derive, generator
from consilience.core.settings import Settings, parse_settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP
from consilience.learn.learners._absence import drop_modalities
from consilience.learn.learners._base import Fitted, Learner, Path, Point, Situation, Split
from consilience.learn.learners._feed import Feed, SlotSpec
from consilience.learn.learners._gradient import Glance, Scale, epochs_path, fit_epochs, some_rows, target_tensor
from consilience.learn.learners._reduce import Reducer
from consilience.learn.spaces import from_mean_space, to_mean_space
from consilience.learn.training.loop import TrainingSettings, one_thread, seeded
from consilience.model import CachedFeatures, Network, Slot

__all__ = ["NetworkLearner"]

CARD = Card(
    summary="encoders -> fusion -> head, trained by gradient; one candidate per fusion",
    source="Ngiam et al. (2011); Neverova et al. (2016), ModDrop",
    claims=("absence", "interaction", "trains encoders"),
    cost="medium",
)


class NetworkSettings(Settings):
    """``fusion`` and its settings; ``width``: of all tokens; ``components``: of a sparse block; ``absence``: chance that a modality is hidden."""

    fusion: str = "concat"
    fusion_settings: dict[str, Any] = Field(default_factory=dict)
    width: int = Field(default=64, ge=8)
    components: int = Field(default=64, ge=2)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    absence: float = Field(default=0.1, ge=0, lt=1)
    training: TrainingSettings = TrainingSettings(epochs=40, batch_size=128, learning_rate=2e-3, weight_decay=1e-2, patience=5)


class FittedNetwork(Fitted):
    """Networks that differ by their seed alone, and the slots they were built for; their probabilities (or numbers) are averaged."""

    def __init__(
        self, networks: Sequence[Network], reducer: Reducer, slots: list[SlotSpec], scale: Scale, settings: NetworkSettings, situation: Situation
    ) -> None:
        self.networks, self.reducer, self.slots = list(networks), reducer, slots
        self.scale, self.settings, self.situation = scale, settings, situation

    def predict(self, examples: Examples) -> np.ndarray:
        feed, task = self._feed(examples), self.situation.task
        scores = [self.scale.undo(_run(network, feed, lambda output: output.scores)) for network in self.networks]
        return scores[0] if len(scores) == 1 else from_mean_space(np.mean([to_mean_space(one, task) for one in scores], axis=0), task)

    def embed(self, examples: Examples) -> np.ndarray:
        """The fused vectors of all networks side by side ``[N, width * S]``."""
        feed = self._feed(examples)
        return np.concatenate([_run(network, feed, lambda output: output.fused.vector) for network in self.networks], axis=1)

    def _feed(self, examples: Examples) -> Feed:
        return Feed(self.reducer.densify(examples), self.slots, self.situation.device)

    def state(self) -> State:
        networks = {
            f"network{index}": State({}, {name: value.cpu().numpy() for name, value in network.state_dict().items()})
            for index, network in enumerate(self.networks)
        }
        config = {
            "settings": self.settings.model_dump(mode="json"),
            "slots": [list(slot) for slot in self.slots],
            "scale": [self.scale.mean, self.scale.deviation],
            "networks": len(self.networks),
        }
        return State.pack({**networks, "reducer": self.reducer.state()}, config)

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedNetwork:
        settings = NetworkSettings(**state.config["settings"])
        slots = [SlotSpec(*slot) for slot in state.config["slots"]]
        networks = []
        for index in range(state.config["networks"]):
            network = _build(slots, settings, situation)
            network.load_state_dict({name: torch.from_numpy(value) for name, value in state.part(f"network{index}").arrays.items()})
            networks.append(network.eval())
        return cls(networks, Reducer.restore(state.part("reducer")), slots, Scale(*state.config["scale"]), settings, situation)


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
            network = _build(slots, self.settings, situation)
            loss_of = self._loss(Feed(train, slots, situation.device), train, split.target, scale)

            def score(averaged: nn.Module, feed: Feed = valid) -> np.ndarray:
                return scale.undo(_run(averaged, feed, lambda output: output.scores))

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
                network = _build(slots, self.settings, situation)
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


def _build(slots: list[SlotSpec], settings: NetworkSettings, situation: Situation) -> Network:
    """A network with fresh weights; its parts have no order but that of the slots' names."""
    made = []
    for slot in slots:
        if slot.width is None:
            module: nn.Module = situation.encoders[slot.name].build()
            made.append(Slot(slot.name, slot.modality, module, int(module.width)))  # type: ignore[arg-type]
        else:
            made.append(Slot(slot.name, slot.modality, CachedFeatures(), slot.width))
    cls: Any = FUSIONS.get(settings.fusion)
    chosen = parse_settings(cls.Settings, settings.fusion_settings, f"The fusion {settings.fusion!r}")
    fusion: Fusion = cls(sorted({slot.modality for slot in slots}), settings.width, chosen)
    head = MLP(settings.width, situation.task.num_outputs, hidden=settings.width, dropout=settings.dropout)
    return Network(made, fusion, head, settings.dropout).to(situation.device)


def _run(network: nn.Module, feed: Feed, pick: Callable[[Any], Tensor]) -> np.ndarray:
    """One part of the output for all rows, as numpy."""
    made = []
    with one_thread(len(feed) <= 512 and not feed.prepared), torch.inference_mode():
        for start in range(0, max(1, len(feed)), 512):
            made.append(pick(network(feed.batch(np.arange(start, min(start + 512, len(feed)))))).float().cpu())
    return np.asarray(torch.cat(made).numpy())
