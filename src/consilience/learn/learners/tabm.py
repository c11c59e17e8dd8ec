"""Many small networks in one, on reduced features. Source: Gorishniy et al. (2025), TabM.

Strong on tables and on frozen embeddings from about a thousand rows on.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.seeds import derive, generator
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._absence import drop_modalities
from consilience.learn.learners._base import Fitted, Learner, Path, Point, Situation, Split
from consilience.learn.learners._gradient import Glance, Scale, epochs_path, fit_epochs, some_rows, target_tensor
from consilience.learn.learners._reduce import Reducer
from consilience.learn.training.loop import TrainingSettings, one_thread, seeded

__all__ = ["TabM"]

CARD = Card(
    summary="many small networks that share weights, on principal components and table columns",
    source="Gorishniy et al. (2025), TabM",
    claims=("absence", "tables"),
    cost="high",
)


class TabMSettings(Settings):
    """``members``: networks that share weights; ``absence``: chance that a modality of a training row is hidden."""

    components: int = Field(default=32, ge=2)
    members: int = Field(default=8, ge=1)
    width: int = Field(default=96, ge=8)
    depth: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.15, ge=0, lt=1)
    absence: float = Field(default=0.1, ge=0, lt=1)
    training: TrainingSettings = TrainingSettings(epochs=40, batch_size=256, learning_rate=3e-3, weight_decay=3e-3, patience=4)


class FittedTabM(Fitted):
    """The network, and how its input is made."""

    def __init__(self, model: nn.Module, inputs: _Inputs, scale: Scale, settings: TabMSettings, situation: Situation) -> None:
        self.model, self.inputs, self.scale, self.settings, self.situation = model, inputs, scale, settings, situation

    def predict(self, examples: Examples) -> np.ndarray:
        return _score(self.model, torch.from_numpy(self.inputs.transform(examples)), self.scale, self.situation)

    def state(self) -> State:
        weights = {name: value.cpu().numpy() for name, value in self.model.state_dict().items()}
        config = {"mean": self.scale.mean, "deviation": self.scale.deviation, "settings": self.settings.model_dump(mode="json")}
        return State.pack({"inputs": self.inputs.state(), "model": State({}, weights)}, config)

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedTabM:
        settings, inputs = TabMSettings(**state.config["settings"]), _Inputs.restore(state.part("inputs"))
        model = _build(inputs.width, settings, situation)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in state.part("model").arrays.items()})
        return cls(model.eval(), inputs, Scale(state.config["mean"], state.config["deviation"]), settings, situation)


class TabM(Learner):
    """TabM whose number of epochs is the path; the members' probabilities are averaged."""

    Settings: ClassVar[type[Settings]] = TabMSettings
    fitted = FittedTabM
    settings: TabMSettings

    def path(self, split: Split, budget: Budget) -> Path:
        inputs = _Inputs.fit(split.train, self.settings.components, self.situation.seed, split.memo)
        scale = Scale.of(split.target, self.situation)
        valid = torch.from_numpy(inputs.transform(split.valid))
        with seeded(derive(self.situation.seed, "tabm", *split.train.modalities)):
            model = _build(inputs.width, self.settings, self.situation)
            loss_of = self._loss(inputs, split.train, split.target, scale)

            def score(averaged: nn.Module, features: Tensor = valid) -> np.ndarray:
                return _score(averaged, features, scale, self.situation)

            rows = some_rows(len(split.train), self.situation.seed)
            some = torch.from_numpy(inputs.transform(split.train.take(rows)))
            glance = Glance(rows, lambda averaged: score(averaged, some))
            return epochs_path(model, split, loss_of, score, self.settings.training, budget, self.situation, glance)

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        inputs = _Inputs.fit(train, self.settings.components, self.situation.seed)
        scale = Scale.of(target, self.situation)
        with seeded(derive(self.situation.seed, "tabm", *train.modalities)):
            model = _build(inputs.width, self.settings, self.situation)
            fit_epochs(model, len(train), self._loss(inputs, train, target, scale), self.settings.training, point["epochs"], budget)
        return FittedTabM(model, inputs, scale, self.settings, self.situation)

    def _loss(self, inputs: _Inputs, train: Examples, target: np.ndarray, scale: Scale):  # type: ignore[no-untyped-def]
        task, device = self.situation.task, self.situation.device
        random = generator(self.situation.seed, "tabm absence")
        present, encoded = train.present(), target_tensor(target, scale, device)
        features = inputs.transform(train)
        weights = task.class_weights(target)
        class_weights = None if weights is None else torch.from_numpy(weights).to(device)

        def loss_of(model: nn.Module, rows: Tensor) -> Tensor:
            at = rows.numpy()
            hidden = drop_modalities({name: there[at] for name, there in present.items()}, self.settings.absence, random)
            batch = torch.from_numpy(inputs.hide(features[at], hidden)).to(device)
            scores = model(batch)  # [B, members, K]
            members = scores.shape[1]
            return task.loss(scores.flatten(0, 1), encoded[rows.to(device)].repeat_interleave(members, dim=0), class_weights)

        return loss_of


class _Inputs:
    """Reduced features, standardised, zero where absent, with a column a modality that says whether it is there."""

    def __init__(self, reducer: Reducer, mean: np.ndarray, deviation: np.ndarray) -> None:
        self.reducer, self.mean, self.deviation = reducer, mean, deviation
        places = {name: place for place, name in enumerate(reducer.modalities)}
        self.owners = np.array([places[name] for name in [*reducer.columns(), *reducer.modalities]], dtype=np.int64)

    @classmethod
    def fit(cls, train: Examples, components: int, seed: int, memo: dict[str, object] | None = None) -> _Inputs:
        reducer = Reducer.fit(train, components, seed, memo)
        features = reducer.transform(train).astype(np.float64)
        seen = ~np.isnan(features)
        counts = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, features, 0).sum(axis=0) / counts
        deviation = np.sqrt((np.where(seen, features - mean, 0) ** 2).sum(axis=0) / counts)
        # Components keep their relative size within a block: noise must not be blown up to the size of what matters.
        wide = np.array(
            [
                directions is not None
                for _, centre, directions in reducer.parts.values()
                for _ in range(len(centre) if directions is None else directions.shape[1])
            ],
            bool,
        )
        deviation = np.where(wide, np.sqrt(np.maximum(deviation, 1e-6)), deviation)
        return cls(reducer, mean.astype(np.float32), np.where(deviation > 1e-8, deviation, 1.0).astype(np.float32))

    @property
    def width(self) -> int:
        return self.reducer.width + len(self.reducer.modalities)

    def transform(self, examples: Examples) -> np.ndarray:
        features = np.clip((self.reducer.transform(examples) - self.mean) / self.deviation, -10, 10)
        present = examples.present()
        flags = np.stack([present[name] for name in self.reducer.modalities], axis=1) if self.reducer.modalities else np.zeros((len(examples), 0))
        return np.concatenate([np.nan_to_num(features, nan=0.0), flags.astype(np.float32)], axis=1).astype(np.float32)

    def hide(self, features: np.ndarray, hidden: dict[str, np.ndarray]) -> np.ndarray:
        """A copy of some rows' features with these modalities hidden."""
        names = self.reducer.modalities
        gone = np.stack([hidden[name] for name in names], axis=1)[:, self.owners]  # [B, D]
        return np.where(gone, np.float32(0), features)

    def state(self) -> State:
        return State.pack({"reducer": self.reducer.state(), "scale": State({}, {"mean": self.mean, "deviation": self.deviation})})

    @classmethod
    def restore(cls, state: State) -> _Inputs:
        scale = state.part("scale").arrays
        return cls(Reducer.restore(state.part("reducer")), scale["mean"], scale["deviation"])


def _build(width: int, settings: TabMSettings, situation: Situation) -> nn.Module:
    import tabm

    return tabm.TabM.make(  # type: ignore[no-any-return]
        n_num_features=width,
        d_out=situation.task.num_outputs,
        k=settings.members,
        n_blocks=settings.depth,
        d_block=settings.width,
        dropout=settings.dropout,
    ).to(situation.device)


def _score(model: nn.Module, features: Tensor, scale: Scale, situation: Situation) -> np.ndarray:
    """``[N, K]``: the logarithm of the members' mean probability, or their mean number."""
    task = situation.task.target.task
    parts = [torch.zeros(0, situation.task.num_outputs)]
    with one_thread(len(features) <= 1024), torch.inference_mode():
        for batch in torch.split(features, 1024):
            scores = model(batch.to(situation.device)).float().cpu()  # [B, members, K]
            if task == "regression":
                parts.append(scores.mean(dim=1))
            elif task == "multilabel":
                parts.append(torch.logit(scores.sigmoid().mean(dim=1), eps=1e-6))
            else:
                parts.append(scores.softmax(dim=-1).mean(dim=1).clamp(min=1e-9).log())
    return scale.undo(torch.cat(parts).numpy())
