"""What an objective sees of a prepared cell: blocks of it that can be hidden, a small fixed picture of it to be rebuilt, another view of it.

An encoder's prepared arrays say by their names what they are: ``pixels``, ``frames``, ``waves``, ``values``, ``points``, ``edges``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from consilience.layers.augment import PixelAugment

__all__ = ["Decoder", "Form", "form_of"]

Batch = Mapping[str, Tensor]

GRID = 8
"""Blocks of a picture along each side."""
STRETCHES = 16
"""Blocks of a sound or a series."""
PART = 256
"""Rows whose goal is made at once."""


class Decoder(nn.Module):
    """A vector to the blocks of a cell, ``[B, D]`` to ``[B, P, K]``; thrown away after the pretraining.

    Args:
        width: D.
        blocks: P.
        values: K, numbers of a block.
    """

    def __init__(self, width: int, blocks: int, values: int, hidden: int = 512) -> None:
        super().__init__()
        self.shape = (blocks, values)
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, blocks * values))

    def forward(self, vectors: Tensor) -> Tensor:
        made: Tensor = self.layers(vectors)
        return made.reshape(-1, *self.shape)


class Form(ABC):
    """One form of prepared arrays.

    Attributes:
        blocks: P, blocks that can be hidden; 1 where none can.
        hidden: Share of the blocks that is hidden.
    """

    blocks: ClassVar[int] = 1
    hidden: ClassVar[float] = 0.5

    @abstractmethod
    def goal(self, batch: Batch) -> Tensor:
        """``[B, P, K]``: the cell made small, block by block."""

    def hide(self, batch: Batch, hidden: Tensor) -> Batch:
        """The batch without the blocks in which ``hidden [B, P]`` is True."""
        raise NotImplementedError

    def view(self, batch: Batch) -> Batch:
        """The batch changed at random, for encoders that change too little by themselves."""
        return batch

    def goals(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[N, P, K] float32`` of all rows."""
        count = len(arrays["mask"])
        parts = [
            self.goal({name: torch.from_numpy(array[start : start + PART]) for name, array in arrays.items()}).float().numpy()
            for start in range(0, count, PART)
        ]
        return np.concatenate(parts)


class Pictures(Form):
    """``pixels [B, 3, H, W] uint8``: 16 x 16 colours in 8 x 8 blocks."""

    blocks = GRID * GRID
    hidden = 0.6

    def goal(self, batch: Batch) -> Tensor:
        small = functional.adaptive_avg_pool2d(batch["pixels"].float(), 2 * GRID)  # [B, 3, 16, 16]
        return functional.unfold(small, 2, stride=2).transpose(1, 2)

    def hide(self, batch: Batch, hidden: Tensor) -> Batch:
        pixels = batch["pixels"]
        where = functional.interpolate(hidden.reshape(-1, 1, GRID, GRID).float(), size=pixels.shape[2:], mode="nearest") > 0
        colour = pixels.float().mean(dim=(2, 3), keepdim=True).to(pixels.dtype)
        return {**batch, "pixels": torch.where(where, colour, pixels)}

    def view(self, batch: Batch) -> Batch:
        changed = PixelAugment(shift=0.15, rotate=10.0, scale=0.3, colour=0.3, erase=0.3)(batch["pixels"].float() / 255)
        return {**batch, "pixels": (changed * 255).round().to(torch.uint8)}


class Films(Form):
    """``frames [B, T, H, W, 3] uint8``: 4 moments of 8 x 8 colours; what is hidden is hidden at all times. Source: Tong et al. (2022), VideoMAE."""

    blocks = GRID * GRID
    hidden = 0.6

    def goal(self, batch: Batch) -> Tensor:
        small = functional.adaptive_avg_pool3d(batch["frames"].permute(0, 4, 1, 2, 3).float(), (4, GRID, GRID))  # [B, 3, 4, 8, 8]
        return small.flatten(3).permute(0, 3, 1, 2).flatten(2)

    def hide(self, batch: Batch, hidden: Tensor) -> Batch:
        frames = batch["frames"]
        where = functional.interpolate(hidden.reshape(-1, 1, GRID, GRID).float(), size=frames.shape[2:4], mode="nearest") > 0
        colour = frames.float().mean(dim=(1, 2, 3), keepdim=True).to(frames.dtype)
        return {**batch, "frames": torch.where(where.unsqueeze(-1), colour, frames)}


class Sounds(Form):
    """``waves [B, L] int16`` and ``length [B, 1]``: the logarithm of the power in 20 bands of 32 stretches, each as long as the sound asks for."""

    blocks = STRETCHES
    window: ClassVar[int] = 256
    bands: ClassVar[int] = 20

    def goal(self, batch: Batch) -> Tensor:
        waves, length = batch["waves"].float() / 32768, batch["length"].reshape(-1)
        frames = functional.pad(waves, (0, self.window)).unfold(1, self.window, self.window // 2)
        spectrum = torch.fft.rfft(frames * torch.hann_window(self.window))
        # Twice as many frequencies in a band as in the one two below it: narrow bands for low sounds, as the ear has them.
        edges = torch.unique((torch.logspace(0, 1, self.bands + 1) - 1).mul((self.window // 2 + 1) / 9).round().long())
        power = torch.stack([spectrum[:, :, low:high].abs().square().mean(dim=2) for low, high in pairwise(edges.tolist())], dim=2)
        frames_of = (length // (self.window // 2)).clamp(min=1, max=power.shape[1])
        logs = torch.log(over_time(power, frames_of, 2 * STRETCHES).clamp(min=0) + 1e-6)
        return logs.reshape(len(logs), STRETCHES, -1)

    def hide(self, batch: Batch, hidden: Tensor) -> Batch:
        waves = batch["waves"]
        return {**batch, "waves": waves.masked_fill(stretches(hidden, batch["length"].reshape(-1), waves.shape[1]), 0)}


class Courses(Form):
    """``values [B, T, C] int16`` and ``steps [B]``: the mean of each channel in 32 stretches."""

    blocks = STRETCHES

    def goal(self, batch: Batch) -> Tensor:
        values = batch["values"].float() / 1000
        return over_time(values, batch["steps"].reshape(-1), 2 * STRETCHES).reshape(len(values), STRETCHES, -1)

    def hide(self, batch: Batch, hidden: Tensor) -> Batch:
        values = batch["values"]
        where = stretches(hidden, batch["steps"].reshape(-1), values.shape[1])
        return {**batch, "values": values.masked_fill(where.unsqueeze(-1), 0)}


class Clouds(Form):
    """``points [B, S, 3 + F] int16`` and ``count [B, 1]``: the share of the points in each of 6 x 6 x 6 cells of space, by its root."""

    side: ClassVar[int] = 6

    def goal(self, batch: Batch) -> Tensor:
        places, count = batch["points"][:, :, :3].float(), batch["count"].reshape(-1, 1).long()
        there = torch.arange(places.shape[1]) < count
        spread = (places.square().sum(dim=2) * there).sum(dim=1).div(there.sum(dim=1).clamp(min=1)).sqrt().clamp(min=1e-6)
        cell = (places / spread[:, None, None] * (self.side / 4) + self.side / 2).floor().clamp(0, self.side - 1).long()
        code = (cell[:, :, 0] * self.side + cell[:, :, 1]) * self.side + cell[:, :, 2]
        found = torch.zeros(len(places), self.side**3).scatter_add(1, code, there.float())
        return (found / there.sum(dim=1, keepdim=True).clamp(min=1)).sqrt().unsqueeze(1)


class Graphs(Form):
    """``labels``, ``degrees [B, V]``, ``bonds [B, E]`` and ``count [B, 2]``: how often each stands, by its logarithm."""

    def goal(self, batch: Batch) -> Tensor:
        count = batch["count"].long()
        parts = [torch.log1p(count.float())]
        for name, side in (("labels", 0), ("degrees", 0), ("bonds", 1)):
            codes = batch[name].long()
            there = torch.arange(codes.shape[1]) < count[:, side : side + 1]
            parts.append(torch.log1p(torch.zeros(len(codes), 256).scatter_add(1, codes, there.float())))
        return torch.cat(parts, dim=1).unsqueeze(1)


FORMS: dict[str, type[Form]] = {"pixels": Pictures, "frames": Films, "waves": Sounds, "values": Courses, "points": Clouds, "edges": Graphs}


def form_of(arrays: Mapping[str, np.ndarray]) -> Form | None:
    """The form of prepared arrays; None where nobody knows how to rebuild them."""
    return next((form() for name, form in FORMS.items() if name in arrays), None)


def stretches(hidden: Tensor, length: Tensor, most: int) -> Tensor:
    """``[B, most]`` bool from ``[B, P]``: each block is the same share of what is there."""
    place = torch.arange(most, device=hidden.device)
    block = (place * hidden.shape[1]) // length.clamp(min=1).long().unsqueeze(1)  # [B, most]
    return hidden.gather(1, block.clamp(max=hidden.shape[1] - 1)) & (place < length.unsqueeze(1))


def over_time(values: Tensor, length: Tensor, parts: int) -> Tensor:
    """``[B, T, K]`` as the means over ``parts`` equal stretches of the first ``length [B]`` of T: ``[B, parts, K]``."""
    values = values.double()  # small values behind large ones would drown in the sum
    total = functional.pad(values.cumsum(dim=1), (0, 0, 1, 0))  # [B, T + 1, K]
    edges = torch.linspace(0, 1, parts + 1, device=values.device) * length.clamp(min=1).unsqueeze(1)  # [B, parts + 1]
    low = edges.floor().long().clamp(max=values.shape[1] - 1)
    index = low.unsqueeze(-1).expand(-1, -1, values.shape[2])
    at = total.gather(1, index) + (edges - low).unsqueeze(-1) * values.gather(1, index)
    means: Tensor = ((at[:, 1:] - at[:, :-1]) * (parts / length.clamp(min=1))[:, None, None]).float()
    return means
