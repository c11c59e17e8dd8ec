"""What the image encoders share that learn with the network: pictures as bytes of one size, and their mean and spread."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import nn

from consilience.core.errors import CellError, UsageError
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.image._pixels import NormalisedSettings, enough, frame
from consilience.layers.augment import PixelAugment

__all__ = ["LearnedSettings", "PixelEncoder", "augmentation"]

SAMPLE = 2000
"""Pictures that are looked at, at most, to learn the normalisation."""
UNKNOWN = (0.5, 0.25)
"""Mean and spread where no training picture was present."""


class LearnedSettings(NormalisedSettings):
    """Settings of an encoder that learns from pixels.

    Args:
        size: Side to which each picture is brought, pixels; the work grows with its square.
        grey: Colour is taken away.
        width: Numbers per token.
        augment: How much pictures are changed at random in training: moved, turned, scaled, coloured; ``strong`` also covers parts of them.
        flip: Left and right are changed at random in training; only where they do not matter.
    """

    size: int = Field(default=64, ge=16, le=1024)
    width: int = Field(default=128, ge=1, le=4096)
    augment: Literal["none", "light", "strong"] = "light"
    flip: bool = False


def augmentation(settings: LearnedSettings) -> nn.Module:
    """What is done to pixels ``[B, 3, S, S]`` of 0 to 1 in training."""
    if settings.augment == "strong":
        return PixelAugment(settings.flip, shift=0.12, rotate=15.0, scale=0.2, colour=0.4, erase=0.5)
    if settings.augment == "light":
        return PixelAugment(settings.flip, shift=0.06, rotate=5.0, scale=0.08, colour=0.1)
    if settings.flip:
        return PixelAugment(True, shift=0.0, rotate=0.0, scale=0.0, colour=0.0)
    return nn.Identity()


class PixelEncoder(TrainedEncoder):
    """``fit`` learns the pixels' mean and spread, ``prepare`` gives ``pixels [N, 3, S, S] uint8`` (zeros where absent) and ``mask [N, 1] bool``."""

    prepares_alike = True
    who: ClassVar[str] = ""
    settings: LearnedSettings

    def __init__(self, settings: LearnedSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.mean = np.full(3, UNKNOWN[0], dtype=np.float32)
        self.std = np.full(3, UNKNOWN[1], dtype=np.float32)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean.tolist(), "std": self.std.tolist()}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        cells = self.only(columns)
        rows = np.flatnonzero(cells.present)
        if len(rows) > SAMPLE:
            rows = np.sort(generator(seed, self.who, "normalisation").choice(rows, SAMPLE, replace=False))
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
        cells = self.only(columns)
        rows = np.flatnonzero(cells.present)
        pixels = np.zeros((len(cells), 3, self.settings.size, self.settings.size), dtype=np.uint8)
        for row, part in zip(rows, self.read(cells, rows), strict=True):
            pixels[row] = part
        return {"pixels": pixels, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

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

    def only(self, columns: Mapping[str, Cells]) -> Cells:
        """The one column that an image encoder gets."""
        if len(columns) != 1:
            raise UsageError(f"The encoder {self.who!r} takes one image column, found {len(columns)}: {', '.join(columns) or 'none'}.")
        return next(iter(columns.values()))
