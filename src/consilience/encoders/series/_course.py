"""What the networks for series share: settings, statistics of the training rows, compact arrays, changes in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import CellError, UsageError
from consilience.core.seeds import generator
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.data.kinds._signal import Signal
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.series._resample import check, dense, places, resampled
from consilience.layers.tokens import Tokens

__all__ = ["CourseEncoder", "CourseNetwork", "CourseSettings", "augment", "summary"]

SAMPLE = 2000
"""Series that are looked at, at most, to learn the statistics."""
FAR = 20.0
"""Values further from the mean, in spreads, are cut."""
STEP = 1600
"""Parts of a spread that are told apart: 16 bits then hold everything up to ``FAR``."""
LIMIT = 1e30
GAPS_FROM = 0.01
"""From this share of gaps among the training values on, the network is told where they are."""


class CourseSettings(Settings):
    """Settings that all networks for series have.

    Args:
        length: Points that are read, at most; a longer series is averaged down to so many, a shorter one keeps its points.
        width: Numbers of the token.
        dropout: Share of units that are dropped in training.
        augment: In training series are changed a little each time: noise, height, speed, moment, a stretch lost.
    """

    length: int = Field(default=256, ge=8, le=8192)
    width: int = Field(default=128, ge=8, le=4096)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    augment: bool = True


class CourseEncoder(TrainedEncoder):
    """Series to one token each.

    Shape:
        - prepare: ``values [N, T, C] int16`` (1,600th parts of the training rows' spread; a further channel says
          where gaps were, if there were many),
          ``steps [N] int32`` (how many of the T points are there), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.
    """

    version: ClassVar[int] = 1
    settings: CourseSettings
    mean: np.ndarray
    std: np.ndarray

    def __init__(self, settings: CourseSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.mean, self.std = np.zeros(1, dtype=np.float32), np.ones(1, dtype=np.float32)
        self.longest, self.gaps = 8, False

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean.tolist(), "std": self.std.tolist(), "longest": self.longest, "gaps": self.gaps}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        cells = only(columns)
        rows = np.flatnonzero(cells.present)
        if len(rows) > SAMPLE:
            rows = np.sort(generator(seed, "series", "statistics").choice(rows, SAMPLE, replace=False))
        signals = [read(cells, int(row)) for row in rows]
        self.longest = int(np.clip(max((len(signal.values) for signal in signals), default=8), 8, self.settings.length))
        channels = max((signal.values.shape[1] for signal in signals), default=1)
        total, square, count, size = np.zeros(channels), np.zeros(channels), np.zeros(channels), 0
        for signal in signals:
            values = np.clip(signal.values.astype(np.float64), -LIMIT, LIMIT)
            there = np.isfinite(values)
            width = values.shape[1]
            total[:width] += np.where(there, values, 0).sum(axis=0) / len(values)
            square[:width] += np.where(there, values**2, 0).sum(axis=0) / len(values)
            count[:width] += there.sum(axis=0) / len(values)
            size += width
        mean = total / np.maximum(count, 1e-12)
        std = np.sqrt(np.maximum(square / np.maximum(count, 1e-12) - mean**2, 0))
        self.mean = mean.astype(np.float32)
        self.std = np.where(std > 1e-6 * np.abs(mean), std, np.maximum(np.abs(mean), 1.0)).astype(np.float32)
        self.gaps = bool(size and 1 - count.sum() / size > GAPS_FROM)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells, channels = only(columns), len(self.mean)
        values = np.zeros((len(cells), self.longest, channels + self.gaps), dtype=np.int16)
        steps = np.ones(len(cells), dtype=np.int32)
        for row in np.flatnonzero(cells.present):
            part = self.one(read(cells, int(row)))
            values[row, : len(part)] = np.round(part * STEP)
            steps[row] = len(part)
        return {"values": values, "steps": steps, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def one(self, signal: Signal) -> np.ndarray:
        """``[L, C]`` of one series, L at most ``longest``; channels that training rows did not have are left out, missing ones are all gaps."""
        channels = len(self.mean)
        given = np.full((len(signal.values), channels), np.nan, dtype=np.float32)
        width = min(channels, signal.values.shape[1])
        given[:, :width] = signal.values[:, :width]
        signal = Signal(given, signal.times)
        gone = np.isnan(given).mean(axis=1, keepdims=True)
        length = min(len(given), self.longest)
        full = (np.clip(dense(signal), -LIMIT, LIMIT) - self.mean) / self.std
        full = np.where(np.isnan(given).all(axis=0), 0.0, full)
        made = resampled(full, places(signal), length)
        if self.gaps:
            made = np.concatenate([made, resampled(gone, places(signal), length)], axis=1)
        bounded: np.ndarray = np.clip(made, -FAR, FAR)
        return bounded

    def state(self) -> State:
        return State({"longest": self.longest, "gaps": self.gaps}, {"mean": self.mean, "std": self.std})

    def restore(self, state: State) -> None:
        self.mean, self.std = (np.asarray(state.arrays[name], dtype=np.float32) for name in ("mean", "std"))
        self.longest, self.gaps = int(state.config["longest"]), bool(state.config["gaps"])


class CourseNetwork(nn.Module, ABC):
    """From a batch of ``CourseEncoder`` to Tokens: rows that are present go through ``read``, the others are left out.

    Args:
        width: Numbers of the token.
        channels: Channels that the values have.
        augmented: Whether series are changed in training.
    """

    def __init__(self, width: int, channels: int, augmented: bool) -> None:
        super().__init__()
        self.width = width
        self.channels = channels
        self.augmented = augmented

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        rows = present.nonzero().squeeze(1)
        weight = next(self.parameters())
        if not len(rows):
            return Tokens.single(weight.new_zeros(len(present), self.width), present)
        values = batch["values"].to(weight.dtype) / STEP
        steps = batch["steps"].long()
        if self.training and self.augmented:
            values, steps = augment(values, steps)
        values, steps = values.index_select(0, rows), steps.index_select(0, rows)
        there = torch.arange(values.shape[1], device=values.device) < steps[:, None]  # [P, T]
        vectors = self.read(values, there)  # [P, width]
        return Tokens.single(vectors.new_zeros(len(present), self.width).index_copy(0, rows, vectors), present)

    @abstractmethod
    def read(self, values: Tensor, there: Tensor) -> Tensor:
        """Values ``[P, T, C]`` and which points are there ``[P, T]`` (one at least in each row), as ``[P, width]``."""


def augment(values: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Series changed a little, each in its own way: speed and moment, height of each channel, noise, a stretch lost.

    Source: Um et al. (2017); the lost stretch after Park et al. (2019), SpecAugment. All draws have the shape of the batch, whatever is in it.

    Shape:
        - values: ``[B, T, C]``; steps: ``[B]``.
    """
    rows, length, channels = values.shape
    speed, moment = torch.empty(rows, 1).uniform_(0.85, 1.15), torch.empty(rows, 1).uniform_(-0.1, 0.1)
    height = torch.empty(rows, 1, channels).normal_(1.0, 0.1)
    noise = torch.empty(rows, length, channels).normal_(0.0, 0.05)
    start, lost = torch.rand(rows, 1), torch.rand(rows, 1) * 0.15
    speed, moment, height, noise, start, lost = (draw.to(values.device) for draw in (speed, moment, height, noise, start, lost))
    place = torch.arange(length, device=values.device, dtype=values.dtype)[None]  # [1, T]
    last = (steps[:, None] - 1).to(values.dtype)  # [B, 1]
    middle = last / 2
    source = ((place - middle) * speed + middle + moment * last).clamp(min=0)
    source = torch.minimum(source, last)
    low = source.floor()
    share = (source - low).unsqueeze(-1)
    low_at = low.long().unsqueeze(-1).expand(-1, -1, channels)
    high_at = (low_at + 1).clamp(max=length - 1)
    high_at = torch.minimum(high_at, last.long().unsqueeze(-1))
    values = values.gather(1, low_at) * (1 - share) + values.gather(1, high_at) * share
    kept = (place < start * last) | (place > (start + lost) * last) | (last < 8)
    return (values * height + noise) * kept.unsqueeze(-1), steps


def summary(values: Tensor, there: Tensor) -> Tensor:
    """Mean and largest of what is there: ``[P, T, D]`` to ``[P, 2 * D]``."""
    shown = there.unsqueeze(-1)
    mean = (values * shown).sum(dim=1) / shown.sum(dim=1)
    return torch.cat([mean, values.masked_fill(~shown, torch.finfo(values.dtype).min).amax(dim=1)], dim=1)


def read(cells: Cells, row: int) -> Signal:
    try:
        return check(cells.read(row))
    except CellError as error:
        error.row, error.column = row, cells.name
        raise


def only(columns: Mapping[str, Cells]) -> Cells:
    """The one column that an encoder of series gets."""
    if len(columns) != 1:
        raise UsageError(f"An encoder of series takes one column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    return next(iter(columns.values()))
