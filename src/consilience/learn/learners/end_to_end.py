"""Encoders, fusion and head learned together from the cells themselves. Source: Ngiam et al. (2011); balance: Peng et al. (2022), OGM-GE.

The learner that costs most. It is held out once, on the first fold, and has to win its place there by a comparison on the same rows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.hashing import hash_arrays, hash_json
from consilience.core.registry import Card
from consilience.core.seeds import derive, generator
from consilience.core.settings import Settings
from consilience.features._examples import Examples
from consilience.learn.learners._absence import drop_modalities
from consilience.learn.learners._balance import Whole, slow_down
from consilience.learn.learners._base import CannotWin, CrossFit, Fitted, Learner, OutOfTime, Path, Point, Situation, Split, choose
from consilience.learn.learners._built import BuiltSettings, FittedNetworks, build, run, run_all
from consilience.learn.learners._epochs import Averaged, Epochs, PathOfEpochs, few_rows
from consilience.learn.learners._feed import Feed
from consilience.learn.learners._gradient import Scale, target_tensor
from consilience.learn.learners._reduce import Reducer
from consilience.learn.learners._started import rates, take_over
from consilience.learn.learners._watch import watch
from consilience.learn.spaces import constant_scores
from consilience.learn.training.average import mean_weights
from consilience.learn.training.checkpoint import Checkpoint
from consilience.learn.training.loop import TrainingSettings, seeded, train

__all__ = ["EndToEnd"]

CARD = Card(
    summary="encoders, fusion and head learned together from the cells themselves; where training encoders may pay",
    source="Ngiam et al. (2011); balance of modalities by Peng et al. (2022)",
    claims=("absence", "interaction", "end to end"),
    cost="high",
)

HOPELESS, FAR = 1.6, 0.1
"""Half way through, a loss so many times that of the best candidate, and by so much of a constant prediction's loss above that, is given up."""


class EndToEndSettings(BuiltSettings):
    """See ``BuiltSettings``.

    Args:
        rows_seen: Rows that are learned from in all, each as often as it comes: it decides the number of epochs.
        fewest: Epochs there are at least.
        stages: ``joint``; or ``separate``: each modality's encoder is learned alone first, then all together at a smaller rate; or ``fixed``: the
            encoders that were learned alone stay as they are.
        balance: A modality that is ahead of the others is slowed.
        sampling: ``rows``: each row once an epoch; ``classes``: rows are drawn so that each class comes as often.
        mixup: How strongly rows are mixed (the parameter of the Beta distribution); 0 is not at all.
        averaged: The weights of so many epochs, those with the least held-out loss, are averaged after training; the mean is taken if its held-out
            loss is not above that of the best of them. 1 is not at all.
        training: See there.
    """

    width: int = Field(default=128, ge=8, le=4096)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    rows_seen: int = Field(default=120_000, ge=1)
    fewest: int = Field(default=4, ge=1)
    stages: Literal["joint", "separate", "fixed"] = "joint"
    balance: bool = True
    sampling: Literal["rows", "classes"] = "rows"
    mixup: float = Field(default=0.0, ge=0, le=2)
    averaged: int = Field(default=3, ge=1, le=20)
    training: TrainingSettings = TrainingSettings(
        epochs=60, batch_size=64, learning_rate=2e-3, weight_decay=2e-2, patience=20, schedule="cosine", precision="mixed"
    )


class FittedEndToEnd(FittedNetworks):
    """One network and the slots it was built for."""

    Settings = EndToEndSettings
    whole = True


@dataclass
class _Ready:
    """What is the same for every stage of one training."""

    train: Examples
    target: np.ndarray
    reducer: Reducer
    scale: Scale
    situation: Situation


class EndToEnd(Learner):
    """A network whose number of epochs is the path; of all the epochs planned, since the learning rate falls to zero at the last."""

    Settings: ClassVar[type[Settings]] = EndToEndSettings
    fitted = FittedEndToEnd
    settings: EndToEndSettings

    def path(self, split: Split, budget: Budget) -> Path:
        ready = self._ready(split.train, split.target)
        task, scale = ready.situation.task, ready.scale
        slots = Feed.specs(ready.train)
        valid = Feed(ready.reducer.densify(split.valid), slots, ready.situation.device)
        rows = few_rows(len(ready.train), ready.situation.seed)
        some = Feed(ready.train.take(rows), slots, ready.situation.device)
        history = Epochs()
        settings = self._training(len(ready.train))
        constant = float(task.row_losses(split.valid_target, constant_scores(split.valid_target, task)).mean())

        def after_epoch(epoch: int, averaged: nn.Module) -> bool:
            assert isinstance(averaged, Whole)
            said = run_all(averaged, valid, averaged.picks())
            history.scores.append(scale.undo(said.pop("scores")))
            history.losses.append(float(task.row_losses(split.valid_target, history.scores[-1]).mean()))
            for name, scores in said.items():
                history.parts.setdefault(name, []).append(float(task.row_losses(split.valid_target, scale.undo(scores)).mean()))
            seen = run_all(averaged, some, {"scores": lambda output: output.scores})["scores"]
            history.seen.append(float(task.row_losses(split.target[rows], scale.undo(seen)).mean()))
            at = int(np.argmin(history.losses))
            history.remember(epoch, averaged, self.settings.averaged)
            half = epoch >= settings.epochs / 2 or (budget.seconds is not None and budget.spent() >= budget.seconds / 2)
            if split.rival is not None and half and min(history.losses) > HOPELESS * split.rival + FAR * constant:
                raise CannotWin
            return epoch - 1 - at < settings.patience

        whole, history.planned = self._train(ready, settings, budget, after_epoch, None, "path", history)
        if not history.scores:
            raise OutOfTime

        def of(weights: Mapping[str, np.ndarray]) -> FittedEndToEnd:
            network = copy.deepcopy(whole.network)
            network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
            return FittedEndToEnd([network.eval()], ready.reducer, slots, scale, self.settings, ready.situation)

        averaged = None
        if len(history.kept) > 1:
            epochs = sorted(history.kept)
            mean = of(mean_weights([history.kept[epoch] for epoch in epochs]))
            scores = scale.undo(run(mean.networks[0], valid, lambda output: output.scores))
            if float(task.row_losses(split.valid_target, scores).mean()) <= min(history.losses):
                point = {"epochs": epochs[-1], "planned": history.planned, "averaged": epochs}
                averaged = Averaged(point, scores, mean if self.situation.keep else None)
        fitted = of(history.kept[history.best_first()[0]]) if self.situation.keep else None
        points: list[Point] = [{"epochs": epoch + 1, "planned": history.planned} for epoch in range(len(history.scores))]
        parts = {name: np.array(losses) for name, losses in history.parts.items()}
        return PathOfEpochs(points, np.stack(history.scores), np.array(history.seen), fitted, parts, averaged)

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """As every learner; of one split, the mean of the best epochs' weights takes the place of the best epoch if it has no more loss."""
        if len(splits) != 1:
            return super().cross_fit(splits, num_rows, budget, rival)
        path = self.path(splits[0], budget)
        found = choose([path], splits, self.situation.task, num_rows)
        if not isinstance(path, PathOfEpochs) or path.averaged is None:
            return found
        scores = found.scores.copy()
        scores[splits[0].rows] = path.averaged.scores
        return replace(found, scores=scores, point=path.averaged.point, fitted=path.averaged.fitted)

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        ready = self._ready(train, target)
        settings = self._training(len(ready.train)).model_copy(update={"epochs": point["epochs"]})
        history = Epochs(wanted := tuple(point.get("averaged", ())))

        def after_epoch(epoch: int, averaged: nn.Module) -> bool:
            assert isinstance(averaged, Whole)
            history.remember(epoch, averaged, len(wanted))
            return True

        whole, _ = self._train(ready, settings, budget, after_epoch, point["planned"], "fit", history)
        if len(history.kept) > 1:
            mean = mean_weights([history.kept[epoch] for epoch in sorted(history.kept)])
            whole.network.load_state_dict({name: torch.from_numpy(array) for name, array in mean.items()})
        return FittedEndToEnd([whole.network], ready.reducer, Feed.specs(ready.train), ready.scale, self.settings, ready.situation)

    def _ready(self, train: Examples, target: np.ndarray) -> _Ready:
        situation = replace(self.situation, encoders={part.name: part.encoder for part in train.prepared})
        reducer = Reducer.fit(train, self.settings.components, situation.seed, sparse_only=True)
        return _Ready(reducer.densify(train), target, reducer, Scale.of(target, situation), situation)

    def _training(self, rows: int) -> TrainingSettings:
        """As many epochs as it takes to see so many rows."""
        settings = self.settings.training
        return settings.model_copy(update={"epochs": int(np.clip(self.settings.rows_seen // max(1, rows), self.settings.fewest, settings.epochs))})

    def _train(
        self,
        ready: _Ready,
        settings: TrainingSettings,
        budget: Budget,
        after_epoch: Callable[[int, nn.Module], bool],
        planned: int | None,
        part: str,
        history: Epochs,
    ) -> tuple[Whole, int]:
        """A network learned in all its stages, and the epochs that the last of them planned."""
        modalities = ready.train.modalities
        starts: dict[str, dict[str, Tensor]] = {}
        if self.settings.stages != "joint" and len(modalities) > 1:
            alone = [part_.modality for part_ in ready.train.prepared]
            for place, modality in enumerate(sorted(set(alone))):
                # Half of the time for learning apart, shared by the modalities.
                own = budget.share(0.5 / (len(set(alone)) - place))
                few = replace(ready, train=ready.train.only([modality]))
                whole, _ = self._stage(few, settings, own, lambda epoch, averaged: True, None, f"{part} {modality}", Epochs(), {})
                encoders = zip(whole.network.names, whole.network.encoders, strict=True)
                starts |= {name: copy.deepcopy(encoder.state_dict()) for name, encoder in encoders}
        return self._stage(ready, settings, budget, after_epoch, planned, part, history, starts)

    def _stage(
        self,
        ready: _Ready,
        settings: TrainingSettings,
        budget: Budget,
        after_epoch: Callable[[int, nn.Module], bool],
        planned: int | None,
        part: str,
        history: Epochs,
        starts: dict[str, dict[str, Tensor]],
    ) -> tuple[Whole, int]:
        situation, modalities = ready.situation, ready.train.modalities
        slots = Feed.specs(ready.train)
        with seeded(derive(situation.seed, "end to end", self.settings.fusion, *modalities)):
            network = build(slots, self.settings, situation)
            still = take_over(network, starts, fixed=self.settings.stages == "fixed")
            whole = Whole(network, situation.task.num_outputs, self.settings.width).to(situation.device)
            random = generator(situation.seed, "end to end absence")
            loss_of = self._loss(ready, slots, random)
            balanced = self.settings.balance and len({slot.modality for slot in slots if slot.width is None}) > 1 and not self.settings.steer
            with watch(situation, f"{part} {'+'.join(modalities)}", settings.epochs, history) as seen:
                end = train(
                    whole,
                    len(ready.train),
                    loss_of,
                    settings,
                    budget,
                    lambda epoch, averaged: seen(epoch, after_epoch(epoch, averaged)),
                    rates(whole, starts),
                    planned=planned,
                    before_step=slow_down if balanced else None,
                    checkpoint=self._checkpoint(ready, settings, part, random, history),
                    draw_rows=self._drawing(ready) if self.settings.sampling == "classes" else None,
                    still=still,
                )
        return whole, end

    def _loss(self, ready: _Ready, slots: list[Any], random: np.random.Generator) -> Callable[[nn.Module, Tensor], Tensor]:
        task, device = ready.situation.task, ready.situation.device
        feed = Feed(ready.train, slots, device)
        present, encoded = ready.train.present(), target_tensor(ready.target, ready.scale, device)
        weights = task.class_weights(ready.target)
        class_weights = None if weights is None else torch.from_numpy(weights).to(device)

        def loss_of(whole: nn.Module, rows: Tensor) -> Tensor:
            assert isinstance(whole, Whole)
            at = rows.numpy()
            hidden = drop_modalities({name: there[at] for name, there in present.items()}, self.settings.absence, random)
            keep = {name: torch.from_numpy(~gone).to(device) for name, gone in hidden.items()}
            truth = encoded[rows.to(device)]
            output = whole(feed.batch(at), keep)
            loss = task.loss(output.scores, truth, class_weights)
            if self.settings.mixup:
                share = float(random.beta(self.settings.mixup, self.settings.mixup))
                order = torch.from_numpy(random.permutation(len(at))).to(device)
                mixed = whole.network.head(share * output.fused.vector + (1 - share) * output.fused.vector[order])
                loss = share * task.loss(mixed, truth, class_weights) + (1 - share) * task.loss(mixed, truth[order], class_weights)
            return loss + whole.watch(output, lambda scores, there: task.loss(scores, truth[there], None))

        return loss_of

    def _drawing(self, ready: _Ready) -> Callable[[], Tensor]:
        """As many rows as there are, drawn such that each class comes as often."""
        labels = ready.situation.task.labels(ready.target)
        _, place, count = np.unique(labels, return_inverse=True, return_counts=True)
        weights = torch.from_numpy(1.0 / count[place])
        return lambda: torch.multinomial(weights, len(labels), replacement=True)

    def _checkpoint(self, ready: _Ready, settings: TrainingSettings, part: str, random: np.random.Generator, history: Epochs) -> Checkpoint | None:
        folder = self.situation.checkpoints
        if folder is None:
            return None
        arrays = {f"{prepared.name} {name}": array for prepared in ready.train.prepared for name, array in prepared.arrays.items()}
        about = {
            "part": part,
            "settings": self.settings.model_dump(mode="json"),
            "training": settings.model_dump(mode="json"),
            "seed": self.situation.seed,
            "averaged": list(history.wanted or ()),
            "rows": hash_arrays({**arrays, "target": np.asarray(ready.target)}),
            "encoders": {name: encoder.fingerprint() for name, encoder in ready.situation.encoders.items()},
        }
        return Checkpoint(folder / f"{hash_json(about)}.safetensors", [random], history.as_state, history.restore, self.situation.resume)
