"""A scan slice by slice with an image encoder, pooled over depth. Source: Su et al. (2015), Multi-view CNN, for the pooling.

When to use it: by default; what an encoder of pictures knows is put to use on scans, for which there are hardly ever enough examples.
When not: thousands of scans whose answer lies in the third dimension; then train ``cnn3d``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import Field

from consilience.core.errors import UsageError
from consilience.core.extras import missing_packages
from consilience.core.registry import Card
from consilience.core.settings import parse_settings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.volume._grid import WindowSettings, check, resampled, windowed

__all__ = ["Slices"]

CARD = Card(
    summary="Slices of a scan through any frozen image encoder (slices:hog), mean and maximum over depth; by default the one that pictures get.",
    source="Su et al. (2015)",
    claims=("frozen", "default"),
    cost="high",
)

SMALLEST, LARGEST = 16, 256
"""Sides of a slice as it is shown to the image encoder, pixels."""
AXES = {"depth": (0, 1, 2), "height": (1, 0, 2), "width": (2, 0, 1)}


class SlicesSettings(WindowSettings):
    """Settings of ``slices``.

    Args:
        window: See ``WindowSettings``.
        fit: ``keep`` gives slices their proportions in millimetres; ``squash`` shows them as they lie in the file.
        encoder: Frozen encoder of pictures, such as ``"hog"`` or ``"hf:folder"``; empty for the argument after the colon, else for the default.
        options: Settings of that encoder.
        slices: Slices that are looked at, each the mean of its part of the depth.
        along: The axis along which is cut; ``depth`` is from the feet to the head where the file tells directions.
        channels: ``neighbours`` shows a slice and those beside it as red, green and blue; ``grey`` the slice alone.
    """

    encoder: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    slices: int = Field(default=8, ge=1, le=64)
    along: Literal["depth", "height", "width"] = "depth"
    channels: Literal["grey", "neighbours"] = "grey"


class Slices(FrozenEncoder):
    """One vector per scan: the mean over its slices, then the maximum.

    Shape:
        - cell: ``Volume``.
        - output: values ``[B, 1, 2 D]`` for an image encoder of width D.

    >>> Slices(SlicesSettings(), "hog").width
    1478
    """

    Settings = SlicesSettings
    batch_size = 4

    settings: SlicesSettings

    @cached_property
    def inner(self) -> FrozenEncoder:
        """The encoder of pictures.

        Raises:
            UsageError: It is not one that is frozen.
        """
        from consilience.encoders import ENCODERS

        name = self.settings.encoder or self.argument or default_encoder()
        stem, _, argument = name.partition(":")
        key = stem if "/" in stem else f"image/{stem}"
        cls = ENCODERS.get(key)
        encoder = cls(parse_settings(cls.Settings, self.settings.options, f"The encoder {key!r}"), argument)
        if not key.startswith("image/") or not isinstance(encoder, FrozenEncoder):
            raise UsageError(f"The encoder 'volume/slices' takes a frozen encoder of pictures, and {key!r} is none.")
        return encoder

    @property
    def width(self) -> int:
        return 2 * self.inner.width

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "inner": self.inner.identity()}

    def origin(self) -> str:
        return self.inner.origin()

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        volume = check(cell)
        order = AXES[self.settings.along]
        values = windowed(volume, self.settings.window).transpose(order)
        depth, height, width = (volume.spacing[axis] for axis in order)
        sides = np.array([values.shape[1] * height, values.shape[2] * width])
        if self.settings.fit == "squash":
            shape = (values.shape[1], values.shape[2])
        else:  # no finer than the finer of the two axes has it
            down, across = (max(1, round(side / min(height, width))) for side in sides)
            shape = (down, across)
        shrink = min(1.0, LARGEST / max(shape)) if max(shape) >= SMALLEST else SMALLEST / max(shape)
        rows, columns = (min(LARGEST, max(1, round(side * shrink))) for side in shape)
        planes = resampled(values, (depth, height, width), (self.settings.slices, rows, columns), "squash")
        pixels = np.round(planes * 255).astype(np.uint8)
        shown = [pictures(pixels, row, self.settings.channels == "neighbours") for row in range(len(pixels))]
        return self.inner.collate([self.inner.prepare(picture) for picture in shown])

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([item[name] for item in items]) for name in items[0]}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values, mask = self.inner.encode(batch)  # [B * S, T, D]
        weights = mask[..., None].astype(np.float32)
        found = (np.where(mask[..., None], values, 0) * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        found = found.reshape(-1, self.settings.slices, found.shape[1])  # [B, S, D]
        both = np.concatenate([found.mean(axis=1), found.max(axis=1)], axis=1)[:, None].astype(np.float32)
        return both, np.ones(both.shape[:2], dtype=bool)


def pictures(pixels: np.ndarray, row: int, neighbours: bool) -> np.ndarray:
    """``[H, W, 3]``: a slice thrice, or with those below and above."""
    rows = [max(0, row - 1), row, min(len(pixels) - 1, row + 1)] if neighbours else [row] * 3
    return np.ascontiguousarray(pixels[rows].transpose(1, 2, 0))


def default_encoder() -> str:
    """The frozen encoder that a column of pictures gets: the first default that is installed, else the fallback."""
    from consilience.encoders import ENCODERS

    cards = {key: ENCODERS.card(key) for key in ENCODERS if key.startswith("image/")}
    for claim in ("default", "fallback"):
        for key, card in cards.items():
            if claim in card.claims and "frozen" in card.claims and not missing_packages(card.extra):
                return key
    raise UsageError("There is no frozen encoder of pictures for the slices of a scan.", hint="Name one: --encoder volume=slices:hog")
