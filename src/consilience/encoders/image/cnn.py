"""Two blocks of convolutions, learned with the network. Source: LeCun et al., Gradient-based learning applied to document recognition (1998).

When to use it: small pictures, some thousand rows, and an answer that lies in simple marks no pretrained network knows; also for teaching.
When not: few rows, or pictures of things of this world: a frozen pretrained encoder is then far better.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import CellError, UsageError
from consilience.core.registry import Card
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.image._pixels import NormalisedSettings, enough, frame
from consilience.layers.tokens import Tokens

__all__ = ["Cnn"]

CARD = Card(
    summary="Two blocks of 64 and 128 convolution filters, trained from nothing together with the network.",
    source="LeCun et al. (1998); batch normalisation of Ioffe & Szegedy (2015)",
    claims=("trained",),
    cost="medium",
)

SIDE = 4
"""The last feature map is averaged to SIDE x SIDE places."""
SAMPLE = 2000
"""Pictures that are looked at, at most, to learn the normalisation."""
UNKNOWN = (0.5, 0.25)
"""Mean and spread where no training picture was present."""


class CnnSettings(NormalisedSettings):
    """Settings of ``cnn``.

    Args:
        size: Side to which each picture is brought, pixels; the work grows with its square.
        grey: Colour is taken away.
        tokens: ``pooled``: one token per picture; ``grid``: 16, one for each place of 4 x 4.
        width: Numbers per token.
    """

    size: int = Field(default=64, ge=16, le=1024)
    tokens: Literal["pooled", "grid"] = "pooled"
    width: int = Field(default=128, ge=1, le=4096)


class Cnn(TrainedEncoder):
    """Pixels to one token or 16.

    Shape:
        - prepare: ``pixels [N, 3, S, S] uint8`` (zeros where absent), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, 16, width]`` for ``tokens="grid"``.

    >>> Cnn(CnnSettings(tokens="grid")).build().width
    128
    """

    prepares_alike = True
    Settings = CnnSettings
    version: ClassVar[int] = 2

    settings: CnnSettings

    def __init__(self, settings: CnnSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.mean = np.full(3, UNKNOWN[0], dtype=np.float32)
        self.std = np.full(3, UNKNOWN[1], dtype=np.float32)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean.tolist(), "std": self.std.tolist()}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        cells = only(columns)
        rows = np.flatnonzero(cells.present)
        if len(rows) > SAMPLE:
            rows = np.sort(generator(seed, "cnn", "normalisation").choice(rows, SAMPLE, replace=False))
        mean, std = np.full(3, UNKNOWN[0]), np.full(3, UNKNOWN[1])
        if len(rows):
            pixels = [part.astype(np.float64).reshape(3, -1) / 255 for part in self.read(cells, rows)]
            mean = np.mean([part.mean(axis=1) for part in pixels], axis=0)
            square = np.mean([(part**2).mean(axis=1) for part in pixels], axis=0)
            # Pictures of one flat colour have no spread; a floor keeps their noise from being blown up.
            std = np.maximum(np.sqrt(np.maximum(square - mean**2, 0)), 0.02)
        self.mean = np.asarray(self.settings.mean or mean, dtype=np.float32)
        self.std = np.asarray(self.settings.std or std, dtype=np.float32)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells = only(columns)
        rows = np.flatnonzero(cells.present)
        pixels = np.zeros((len(cells), 3, self.settings.size, self.settings.size), dtype=np.uint8)
        for row, part in zip(rows, self.read(cells, rows), strict=True):
            pixels[row] = part
        return {"pixels": pixels, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def build(self) -> nn.Module:
        return Network(self.settings, self.mean, self.std)

    def state(self) -> State:
        return State(arrays={"mean": self.mean, "std": self.std})

    def restore(self, state: State) -> None:
        self.mean, self.std = (np.asarray(state.arrays[name], dtype=np.float32) for name in ("mean", "std"))

    def read(self, cells: Cells, rows: np.ndarray) -> Sequence[np.ndarray]:
        """Pixels of the rows, in order; decoding and resizing run in threads."""
        read_at = getattr(cells.kind, "read_at", None)
        decode: Callable[[Any], Any] = cells.kind.read if read_at is None else lambda value: read_at(value, enough(self.settings.size))

        def one(row: int) -> np.ndarray:
            try:
                return frame(decode(cells.values[row]), self.settings.size, self.settings.fit, self.settings.grey)
            except CellError as error:
                error.row, error.column = row, cells.name
                raise

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            return list(pool.map(one, rows.tolist()))


class Network(nn.Module):
    """The module of ``cnn``: takes ``pixels [B, 3, S, S]`` and ``mask [B, 1]``, gives Tokens."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: CnnSettings, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.width = settings.width
        self.grid = settings.tokens == "grid"
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self.blocks = nn.Sequential(*block(3, 64), *block(64, 128), nn.AdaptiveAvgPool2d(SIDE))
        if self.grid:
            self.project = nn.Linear(128, self.width)
            self.place = nn.Parameter(torch.randn(SIDE * SIDE, self.width) * 0.02)
        else:
            # Flattened, as in the tutorials, and not averaged: with two blocks only, where something is counts as much as that it is.
            self.project = nn.Linear(128 * SIDE * SIDE, self.width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        count = SIDE * SIDE if self.grid else 1
        mask = present.unsqueeze(1).expand(-1, count)
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.project.weight.new_zeros(len(present), count, self.width), mask)
        x = batch["pixels"].index_select(0, rows).to(self.mean.dtype) / 255
        x = self.blocks(((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last))  # [P, 128, SIDE, SIDE]
        tokens = self.project(x.flatten(2).transpose(1, 2)) + self.place if self.grid else self.project(x.flatten(1)).unsqueeze(1)  # [P, T, width]
        values = tokens.new_zeros(len(present), count, self.width)
        return Tokens(values.index_copy(0, rows, tokens), mask)


def block(channels: int, filters: int) -> list[nn.Module]:
    """Convolution, normalisation, rectifier, pooling to half the side."""
    return [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]


def only(columns: Mapping[str, Cells]) -> Cells:
    """The one column that an image encoder gets."""
    if len(columns) != 1:
        raise UsageError(f"The encoder 'cnn' takes one image column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    return next(iter(columns.values()))
