"""The training loop that all networks share: AdamW, warm-up, a schedule, clipping, accumulation, an average of the weights (EMA), early stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.allocator import keep_freed
from consilience.core.budget import Budget
from consilience.core.settings import Settings
from consilience.learn.training.average import Average
from consilience.learn.training.checkpoint import Checkpoint, Progress

__all__ = ["TrainingSettings", "mixed_precision", "one_thread", "rows_of_a_step", "seeded", "train"]


_STEPS = 12
"""Steps that an epoch has at least; batches get smaller for it, down to 16 rows."""

_TRIAL = 4
"""Batches of an epoch that run on one thread, and on all, to see which is quicker."""

_MEASURED = 3
"""Epochs after which a plan that has to fit into a time limit stands."""


class TrainingSettings(Settings):
    """How a network learns.

    Args:
        epochs: The most.
        batch_size: Rows of a step; fewer where a table is small.
        learning_rate: After the warm-up.
        weight_decay: Of AdamW.
        clip: Largest norm of the gradient.
        patience: Epochs without a better held-out loss after which it ends.
        average: Memory of the average of the weights, in epochs.
        schedule: ``constant``, or ``cosine`` down to zero at the last epoch.
        accumulate: Batches whose gradients are added up for one step.
        precision: ``mixed`` computes in bfloat16 with weights in float32 where the processor has units for it; ``float32`` never does.
    """

    epochs: int = Field(default=60, ge=1)
    batch_size: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    clip: float = Field(default=1.0, gt=0)
    patience: int = Field(default=8, ge=1)
    average: float = Field(default=1.0, ge=0)
    schedule: Literal["constant", "cosine"] = "constant"
    accumulate: int = Field(default=1, ge=1, le=1024)
    precision: Literal["mixed", "float32"] = "float32"


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


def mixed_precision(device: str) -> bool:
    """True where bfloat16 is faster than float32: on a card, and on processors with matrix units for it (AMX, AVX-512 BF16)."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(features.get("amx_bf16") or features.get("amx_tile") or features.get("avx512_bf16"))


def rows_of_a_step(settings: TrainingSettings, num_rows: int) -> int:
    """Rows of a batch: few rows in large batches are few steps an epoch, and patience counts in epochs."""
    return int(min(settings.batch_size, max(16, num_rows // _STEPS)))


@keep_freed()
def train(
    model: nn.Module,
    num_rows: int,
    loss_of: Callable[[nn.Module, Tensor], Tensor],
    settings: TrainingSettings,
    budget: Budget,
    after_epoch: Callable[[int, nn.Module], bool],
    learning_rate_of: Callable[[str], float] | None = None,
    *,
    planned: int | None = None,
    before_step: Callable[[nn.Module], None] | None = None,
    checkpoint: Checkpoint | None = None,
    draw_rows: Callable[[], Tensor] | None = None,
    still: Sequence[nn.Module] = (),
) -> int:
    """Trains in place, batch by batch, until ``after_epoch`` says False, the epochs or the budget end.

    What is judged is the average of the weights. Under the constant schedule an epoch's model does not depend on how many epochs were planned,
    so the number of epochs chosen on held-out rows holds for a second training on all rows; under the cosine it holds with the same ``planned``.

    Args:
        loss_of: (model, row positions ``[B]``) -> mean loss.
        after_epoch: (epoch from 1, model with averaged weights) -> go on?
        learning_rate_of: Factor of the learning rate by parameter name; 0 leaves a parameter as it is.
        planned: Epochs at which the cosine ends; by itself the most there may be, or as many as the budget is about to allow.
        before_step: Called with gradients in place.
        checkpoint: Where to go on after a process was killed.
        draw_rows: Order of the rows of one epoch; by itself a permutation of all.
        still: Parts that stay as they are at prediction: no dropout, no change of their input, and no batch moves the statistics they normalise by.

    Returns:
        The epochs that were planned.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and (factor := learning_rate_of(name) if learning_rate_of else 1.0) > 0:
            groups.setdefault(factor, []).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": parameters, "lr": settings.learning_rate * factor} for factor, parameters in groups.items()],
        weight_decay=settings.weight_decay,
        fused=True,  # steps of small networks are mostly overhead
    )
    trained = [parameter for parameters in groups.values() for parameter in parameters]
    draw = draw_rows or (lambda: torch.randperm(num_rows))
    batch_size = rows_of_a_step(settings, num_rows)
    steps = math.ceil(num_rows / batch_size / settings.accumulate)
    warm_up = max(1, min(2 * steps, 100))
    progress = Progress(planned=planned or settings.epochs)
    flexible = planned is None and settings.schedule == "cosine" and budget.seconds is not None
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _factor(step, warm_up, steps * progress.planned, settings.schedule))
    average = Average(model, 1 - 1 / max(1.0, settings.average * steps))
    device = next((parameter.device.type for parameter in trained), "cpu")
    mixed = settings.precision == "mixed" and mixed_precision(device)
    going = True
    if checkpoint is not None:
        going = checkpoint.restore(progress, model, average, optimiser, schedule)
    threads = _Threads(budget.seconds is not None)
    began, before = time.monotonic(), progress.epoch
    while going and progress.epoch < min(settings.epochs, progress.planned if settings.schedule == "cosine" else settings.epochs):
        model.train()
        for part in still:
            part.eval()
        batches = torch.split(draw(), batch_size)
        for place, rows in enumerate(batches):
            if place % settings.accumulate == 0:
                optimiser.zero_grad(set_to_none=True)
            together = min(settings.accumulate, len(batches) - place // settings.accumulate * settings.accumulate)
            with threads.step(place):
                with torch.autocast(device, torch.bfloat16) if mixed else nullcontext():
                    loss = loss_of(model, rows) / together
                loss.backward()  # type: ignore[no-untyped-call]
            if (place + 1) % settings.accumulate and place + 1 < len(batches):
                continue
            if before_step is not None:
                before_step(model)
            nn.utils.clip_grad_norm_(trained, settings.clip)
            optimiser.step()
            schedule.step()
            average.update()
            if budget.left() <= 0:
                break
        progress.epoch += 1
        going = after_epoch(progress.epoch, average.model) and budget.left() > 0
        if flexible and progress.epoch - before <= _MEASURED:
            each = (time.monotonic() - began) / (progress.epoch - before)
            progress.planned = max(progress.epoch, min(settings.epochs, progress.epoch + int(budget.left() / max(each, 1e-9))))
        if checkpoint is not None:
            checkpoint.save(progress, going, model, average, optimiser, schedule)
    model.load_state_dict(average.model.state_dict())
    model.eval()
    return progress.planned


class _Threads:
    """Finds out at the beginning of each epoch whether one thread is quicker than all: where another process has a core, the others wait for it.

    Args:
        wanted: Only under a time limit; without one a training has to end with the same weights, whatever else the machine does.
    """

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted and torch.get_num_threads() > 1
        self.took = {True: 0.0, False: 0.0}

    @contextmanager
    def step(self, place: int) -> Iterator[None]:
        """One batch of an epoch, the first of which are a trial."""
        if not self.wanted:
            yield
            return
        if place == 0:
            self.took = {True: 0.0, False: 0.0}
        trial = place < 2 * _TRIAL
        alone = bool(place % 2) if trial else self.took[True] < self.took[False]
        began = time.monotonic()
        with one_thread(alone):
            yield
        if trial and place > 1:  # the very first steps also make room in memory
            self.took[alone] += time.monotonic() - began


def _factor(step: int, warm_up: int, total: int, schedule: str) -> float:
    """Factor of the learning rate at a step."""
    rising = min(1.0, (step + 1) / warm_up)
    return rising if schedule == "constant" else rising * 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, total))))
