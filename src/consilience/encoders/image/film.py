"""A small residual network over a picture that a question can steer. Source: Perez et al. (2018), FiLM, a general conditioning layer.

When to use it: the answer lies where a text asks for it in a drawn or simple picture, and no pretrained network's single vector holds it; thousands
of rows. Without a text beside it, it is a plain small network that is learned from nothing.
When not: few rows, or photographs of things of this world: a frozen pretrained encoder is then far better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import SteeredEncoder
from consilience.encoders.image._canvas import Canvas, read_canvas
from consilience.layers.attention import Attention
from consilience.layers.augment import PixelAugment
from consilience.layers.tokens import Tokens

__all__ = ["Film"]

CARD = Card(
    summary="A small residual network whose feature maps a text can steer; learned from nothing, in a model that is learned end to end.",
    source="Perez et al. (2018), FiLM; residual blocks of He et al. (2016)",
    claims=("trained", "learned", "steered"),
    cost="medium",
)

HEADS = 4


class FilmSettings(AnySettings):
    """Settings of ``film``.

    Args:
        size: Root of the number of pixels that a picture is brought to; its proportions are those of the training pictures.
        channels: Feature maps.
        blocks: Residual blocks, each of which is steered.
        width: Numbers of the token.
        steering: What a question does: it scales and shifts the feature maps (``film``), looks for places to read (``attention``), or both.
        shift: Largest shift of a picture in training, as a share of its sides; 0 leaves it where it is. Nothing else is changed: a question may ask
            for it.
    """

    size: int = Field(default=64, ge=16, le=512)
    channels: int = Field(default=48, ge=8, le=512, multiple_of=HEADS)
    blocks: int = Field(default=3, ge=1, le=12)
    width: int = Field(default=128, ge=8, le=2048)
    steering: Literal["film", "attention", "both"] = "both"
    shift: float = Field(default=0.06, ge=0, le=0.5)


class Film(SteeredEncoder):
    """Pixels to one token.

    Shape:
        - prepare: ``pixels [N, 3, H, W] uint8`` (grey where absent), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``; steered, it also takes Tokens ``[B, T, C]``.

    >>> Film(FilmSettings()).build().width
    128
    """

    Settings: ClassVar[type[AnySettings]] = FilmSettings
    settings: FilmSettings
    version: ClassVar[int] = 1

    def __init__(self, settings: AnySettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.canvas = Canvas.plain(self.settings.size)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "canvas": self.canvas.as_dict()}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        (cells,) = columns.values()
        self.canvas = Canvas.learn(cells, self.settings.size, seed)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        (cells,) = columns.values()
        return {"pixels": read_canvas(cells, self.canvas), "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def build(self) -> nn.Module:
        return FilmNetwork(self.settings, self.canvas, None)

    def build_steered(self, width: int) -> nn.Module:
        return FilmNetwork(self.settings, self.canvas, width)

    def state(self) -> State:
        return State(self.canvas.as_dict())

    def restore(self, state: State) -> None:
        self.canvas = Canvas(**state.config)


class FilmNetwork(nn.Module):
    """The module of ``film``.

    Args:
        asked: Width of the tokens that steer it; None for a network that nothing steers.
    """

    mean: Tensor
    std: Tensor
    places: Tensor

    def __init__(self, settings: FilmSettings, canvas: Canvas, asked: int | None) -> None:
        super().__init__()
        self.width = settings.width
        self.augment = PixelAugment(shift=settings.shift, rotate=0.0, scale=0.0, colour=0.0)
        channels = settings.channels
        self.register_buffer("mean", torch.tensor(canvas.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(canvas.std).reshape(1, 3, 1, 1))
        self.stem = nn.Sequential(*halved(3, channels // 2), *halved(channels // 2, channels))
        height, width = -(-canvas.height // 4), -(-canvas.width // 4)
        grid = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        self.register_buffer("places", torch.stack(grid).unsqueeze(0), persistent=False)  # [1, 2, h, w]
        self.blocks = nn.ModuleList(Block(channels) for _ in range(settings.blocks))
        film = asked is not None and settings.steering != "attention"
        self.film = nn.Linear(asked, 2 * channels * settings.blocks) if film and asked is not None else None
        self.read = Reader(channels, asked) if asked is not None and settings.steering != "film" else None
        self.project = nn.Linear((3 if self.read is not None else 2) * channels, self.width)
        if self.film is not None:
            nn.init.normal_(self.film.weight, std=0.1 / max(1, asked or 1) ** 0.5)
            nn.init.zeros_(self.film.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Mapping[str, Tensor], asked: Tokens | None = None) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.project.weight.new_zeros(len(present), 1, self.width), present.unsqueeze(1))
        pixels = batch["pixels"].index_select(0, rows).to(self.mean.dtype) / 255
        x = self.stem(((self.augment(pixels) - self.mean) / self.std).contiguous(memory_format=torch.channels_last))
        question = None if asked is None else Tokens(asked.values.index_select(0, rows), asked.mask.index_select(0, rows))
        steps: list[Tensor | None] = [None] * len(self.blocks)
        if self.film is not None and question is not None:
            there = question.present.to(x.dtype).unsqueeze(1)  # nothing asked: nothing changed
            steps = list((self.film(question.pooled()) * there).unflatten(1, (len(self.blocks), -1)).unbind(dim=1))
        for block, step in zip(self.blocks, steps, strict=True):
            x = block(x, self.places.expand(len(x), -1, -1, -1).to(x.dtype), step)
        flat = x.flatten(2)  # [P, C, h w]
        parts = [flat.mean(dim=2), flat.amax(dim=2)]
        if self.read is not None and question is not None:
            parts.append(self.read(flat.transpose(1, 2), question))
        tokens = self.project(torch.cat(parts, dim=1))
        values = tokens.new_zeros(len(present), self.width)
        return Tokens.single(values.index_copy(0, rows, tokens), present)


class Block(nn.Module):
    """1 x 1 and 3 x 3 convolutions with the places beside the maps; the second is scaled and shifted by what is asked, and added to the first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels + 2, channels, 1)
        self.look = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, places: Tensor, step: Tensor | None) -> Tensor:
        first = torch.relu(self.mix(torch.cat([x, places], dim=1)))
        second = self.norm(self.look(first))
        if step is not None:
            scale, move = step[:, :, None, None].chunk(2, dim=1)
            second = second * (1 + scale) + move
        return first + torch.relu(second)


class Reader(nn.Module):
    """The question looks over all places and reads where it finds something."""

    def __init__(self, channels: int, asked: int) -> None:
        super().__init__()
        self.ask = nn.Linear(asked, channels)
        self.attention = Attention(channels, HEADS)

    def forward(self, places: Tensor, question: Tokens) -> Tensor:
        everywhere = torch.ones(places.shape[:2], dtype=torch.bool, device=places.device)
        query = self.ask(question.pooled()).unsqueeze(1)
        read: Tensor = self.attention(query, places, everywhere).squeeze(1)
        return torch.where(question.present.unsqueeze(1), read, torch.zeros((), dtype=read.dtype, device=read.device))


def halved(inside: int, outside: int) -> list[nn.Module]:
    """Convolution to half the side, normalisation, rectifier."""
    return [nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
