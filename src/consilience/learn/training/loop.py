"""The training loop that all networks share: AdamW, warm-up, clipping, an average of the weights (EMA), early stopping."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from consilience.core.budget import Budget
from consilience.core.settings import Settings

__all__ = ["TrainingSettings", "one_thread", "seeded", "train"]


_STEPS = 12
"""Steps that an epoch has at least; batches get smaller for it, down to 16 rows."""


class TrainingSettings(Settings):
    """``learning_rate`` after warm-up; ``patience``: epochs without a better held-out loss; ``average``: memory of the average, in epochs."""

    epochs: int = Field(default=60, ge=1)
    batch_size: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    clip: float = Field(default=1.0, gt=0)
    patience: int = Field(default=8, ge=1)
    average: float = Field(default=1.0, ge=0)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's randomness from this seed inside the block, untouched outside."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def one_thread(wanted: bool = True) -> Iterator[None]:
    """One torch thread inside the block.

    Steps of small networks are over before a second thread has begun, and wait for it if another process has its core.
    """
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(
    model: nn.Module,
    num_rows: int,
    loss_of: Callable[[nn.Module, Tensor], Tensor],
    settings: TrainingSettings,
    budget: Budget,
    after_epoch: Callable[[int, nn.Module], bool],
    learning_rate_of: Callable[[str], float] | None = None,
) -> None:
    """Trains in place, batch by batch, until ``after_epoch`` says False, the epochs or the budget end.

    The learning rate is constant after the warm-up, and what is judged is the average of the weights: so an epoch's model does not depend
    on how many epochs were planned, and the number of epochs chosen on held-out rows holds for a second training on all rows.

    Args:
        loss_of: (model, row positions ``[B]``) -> mean loss.
        after_epoch: (epoch from 1, model with averaged weights) -> go on?
        learning_rate_of: Factor of the learning rate by parameter name.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(learning_rate_of(name) if learning_rate_of else 1.0, []).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": parameters, "lr": settings.learning_rate * factor} for factor, parameters in groups.items()],
        weight_decay=settings.weight_decay,
        fused=True,  # steps of small networks are mostly overhead
    )
    trained = [parameter for parameters in groups.values() for parameter in parameters]
    # Few rows in large batches are few steps an epoch, and patience counts in epochs.
    batch_size = int(min(settings.batch_size, max(16, num_rows // _STEPS)))
    steps = math.ceil(num_rows / batch_size)
    warm_up = max(1, min(2 * steps, 100))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / warm_up))
    average = _Average(model, 1 - 1 / max(1.0, settings.average * steps))
    for epoch in range(1, settings.epochs + 1):
        model.train()
        for rows in torch.split(torch.randperm(num_rows), batch_size):
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(model, rows)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trained, settings.clip)
            optimiser.step()
            schedule.step()
            average.update()
            if budget.left() <= 0:
                break
        if not after_epoch(epoch, average.model) or budget.left() <= 0:
            break
    model.load_state_dict(average.model.state_dict())
    model.eval()


class _Average:
    """A moving average of a model's weights and buffers. Torch's own walks through all modules at every step, which costs as much as a small one."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        pairs = list(zip(self.model.state_dict(keep_vars=True).values(), model.state_dict(keep_vars=True).values(), strict=True))
        self.kept = [(mean, source) for mean, source in pairs if mean.is_floating_point()]
        self.counted = [(mean, source) for mean, source in pairs if not mean.is_floating_point()]
        self.blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self.begun = False

    def update(self) -> None:
        """Once after each step; the first one is taken as it is."""
        with torch.no_grad():
            means, sources = [mean for mean, _ in self.kept], [source.detach() for _, source in self.kept]
            if self.begun:
                self.blend(means, sources, 0)
            else:
                for mean, source in self.kept:
                    mean.copy_(source)
                self.begun = True
            for mean, source in self.counted:
                mean.copy_(source)
