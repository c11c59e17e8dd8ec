"""Networks that learn from cells without labels. Source: Erhan et al. (2010), Why does unsupervised pre-training help deep learning?

autoencoder  the cell is rebuilt, small, from its one vector (Hinton and Salakhutdinov, 2006)
masked       parts of the cell are hidden, and those are rebuilt (He et al., 2022)
mlm          words are hidden and guessed from the others (Devlin et al., 2019)
contrastive  what belongs together is found again: two columns of a row (Radford et al., 2021), or two views of a cell (Chen et al., 2020)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.errors import DataError, UsageError
from consilience.core.seeds import derive
from consilience.core.settings import Settings
from consilience.encoders import TrainedEncoder
from consilience.learn.training._decoders import form_of
from consilience.learn.training._objectives import Contrast, Objective, Rebuild, Rows, Words
from consilience.learn.training.loop import TrainingSettings, seeded, train

__all__ = ["OBJECTIVES", "ObjectiveName", "Pretrained", "Rows", "pretrain", "read_for", "still"]

ObjectiveName: TypeAlias = Literal["autoencoder", "masked", "mlm", "contrastive"]
OBJECTIVES: tuple[str, ...] = get_args(ObjectiveName)

LEAST = 20
"""Cells that there must be: two of them are held out."""
SETTLING = 40
"""Batches of whole cells over which normalisation learns its statistics in the end."""


@dataclass(frozen=True)
class Pretrained:
    """What came of it.

    Args:
        weights: For each column its network's ``state_dict``, of the epoch with the least held-out loss.
        losses: One entry an epoch: ``epoch``, ``loss`` of the held-out rows, ``train`` (mean over the epoch's batches), and ``accuracy`` where there
            is one.
        best: The epoch that was kept.
        baseline: ``loss`` (and ``accuracy``) on the held-out rows of one who knows nothing of a row.
    """

    weights: tuple[dict[str, np.ndarray], ...]
    losses: list[dict[str, float]]
    best: int
    baseline: dict[str, float]

    @property
    def reached(self) -> dict[str, float]:
        """The entry of the epoch that was kept."""
        return self.losses[self.best - 1]


def read_for(settings: Settings, objective: str, who: str) -> Settings:
    """An encoder's settings as it needs them for an objective: to guess words it has to give a token for each.

    Raises:
        UsageError: It cannot.
    """
    if objective != "mlm":
        return settings
    if "tokens" not in type(settings).model_fields or "max_words" not in type(settings).model_fields:
        raise UsageError(f"The encoder {who!r} reads no words, so none can be hidden.", hint="Use --objective masked, autoencoder or contrastive.")
    return type(settings)(**{**settings.model_dump(), "tokens": "sequence"})


def still(settings: Settings) -> Settings:
    """The same settings without changes of cells in training: a cell that was moved cannot be rebuilt where it was."""
    fields = type(settings).model_fields
    changed: dict[str, object] = {name: 0.0 for name in ("shift", "scale", "jitter", "lose", "drop_edges") if name in fields}
    changed |= {"turn": "none"} if "turn" in fields else {}
    if "augment" in fields:
        changed = {"augment": False if isinstance(settings.model_dump()["augment"], bool) else "none"}
    return type(settings)(**{**settings.model_dump(), **changed})


def pretrain(
    encoders: Sequence[TrainedEncoder],
    learned: Rows,
    held: Rows,
    objective: ObjectiveName,
    settings: TrainingSettings,
    budget: Budget,
    *,
    seed: int = 0,
    device: str = "cpu",
    told: Callable[[dict[str, float]], None] | None = None,
) -> Pretrained:
    """Teaches the encoders' networks.

    Args:
        encoders: One for each column of the rows; they have learned what ``fit`` learns.
        learned: Rows to learn from.
        held: Rows on which each epoch is judged; the best one is kept.
        budget: When it ends the best epoch so far is kept.
        told: Called with each epoch's entry.

    Raises:
        UsageError: The encoder cannot learn in that way.
        DataError: There are too few rows, or no epoch ended in time.
    """
    if len(learned) + len(held) < LEAST:
        raise DataError(f"There are {len(learned) + len(held)} different cells; to learn without labels takes {LEAST} at least.")
    number = derive(seed, "pretrain", objective)
    with seeded(number):
        model = made(encoders, learned, held, objective, device).to(device)
    entries: list[dict[str, float]] = []
    kept: list[dict[str, Tensor]] = []
    seen: list[float] = []

    def loss_of(model: nn.Module, rows: Tensor) -> Tensor:
        assert isinstance(model, Objective)
        loss = model.loss(learned, rows)
        seen.append(float(loss.detach()))
        return loss

    def after_epoch(epoch: int, averaged: nn.Module) -> bool:
        entry = {"epoch": epoch, "train": float(np.mean(seen)), **judged(averaged, held, number)}
        seen.clear()
        entries.append(entry)
        if told is not None:
            told(entry)
        best = min(entries, key=lambda other: other["loss"])["epoch"]
        if best == epoch:
            kept[:] = [copy.deepcopy(averaged.state_dict())]
        return epoch - best < settings.patience

    with seeded(derive(number, "steps")):
        train(model, len(learned), loss_of, settings, budget, after_epoch, draw_rows=lambda: drawn(len(learned), settings))
        if not kept:
            raise DataError("No epoch ended within the time limit.", hint="Give it more time, or fewer rows.")
        model.load_state_dict(kept[0])
        settle(model, learned)
    with seeded(number), torch.no_grad():
        baseline = model.eval().baseline(held)
    weights = tuple({name: tensor.cpu().contiguous().numpy() for name, tensor in network.state_dict().items()} for network in model.networks)
    return Pretrained(weights, entries, int(min(entries, key=lambda entry: entry["loss"])["epoch"]), baseline)


def made(encoders: Sequence[TrainedEncoder], learned: Rows, held: Rows, objective: ObjectiveName, device: str) -> Objective:
    """The objective with fresh networks."""
    names = sorted(learned.arrays[0])
    if objective == "contrastive":
        contrast = Contrast([encoder.build() for encoder in encoders], learned, device).to(device)
        if len(encoders) == 1:
            check_views(contrast, learned)
        return contrast
    (encoder,) = encoders
    if objective == "mlm":
        if "ids" not in names:
            raise UsageError(
                f"The objective 'mlm' is for words; this encoder prepares {', '.join(names)}.", hint="Use --objective masked or autoencoder."
            )
        return Words(encoder.build(), learned, int(max(part.arrays[0]["ids"].max() for part in (learned, held))) + 1, device)
    form = form_of(learned.arrays[0])
    if form is None:
        raise UsageError(f"Nobody knows how to rebuild what this encoder prepares ({', '.join(names)}).", hint="Use --objective mlm or contrastive.")
    if objective == "masked" and form.blocks < 2:
        raise UsageError("Parts of points and graphs are not hidden.", hint="Use --objective autoencoder or contrastive there.")
    quiet = type(encoder)(still(encoder.settings), encoder.argument)
    quiet.restore(encoder.state())
    return Rebuild(quiet.build(), form, learned, objective == "masked", device)


def check_views(contrast: Contrast, data: Rows) -> None:
    """Raises UsageError where the two views of a cell are one and the same."""
    rows = torch.arange(min(8, len(data)))
    batches = [contrast.seen(data, rows, 0) for _ in range(2)]
    with torch.no_grad():
        first, second = (copy.deepcopy(contrast).train().tokens(0, batch).pooled() for batch in batches)
    if torch.equal(first, second):
        raise UsageError(
            "This encoder changes nothing in training, so that two views of a cell are the same.", hint="Name a second column: --with COL."
        )


def drawn(number: int, settings: TrainingSettings) -> Tensor:
    """All rows in a random order, without the last if it would be a batch by itself: there normalisation has nothing to go by."""
    order = torch.randperm(number)
    size = int(min(settings.batch_size, max(16, number // 12)))  # as ``train`` makes them
    return order[:-1] if number % size == 1 and number > 1 else order


def judged(averaged: nn.Module, held: Rows, seed: int) -> dict[str, float]:
    """What the held-out rows say; on a copy, for views of a cell are made in training mode."""
    model = copy.deepcopy(averaged)
    assert isinstance(model, Objective)
    with seeded(seed), torch.no_grad():
        return model.eval().judge(held)


def settle(model: Objective, data: Rows) -> None:
    """Normalisation learns again what is usual, on whole cells: in training it saw hidden parts and views."""
    for side, network in enumerate(model.networks):
        network.train()
        for part in network.modules():
            if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d):
                part.eval()
        with torch.no_grad():
            for rows in torch.split(torch.randperm(len(data)), 64)[:SETTLING]:
                if len(rows) > 1:
                    network(data.batch(rows, model.device, side))
        network.eval()
