"""From a decoded picture to pixels of one size: crop, squash or pad, grey. No torch here; normalisation is a matter of each module."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field, model_validator

from consilience.core.errors import CellError
from consilience.core.settings import Settings

__all__ = ["Fit", "NormalisedSettings", "PixelSettings", "Smooth", "aspect", "enough", "frame"]

Fit = Literal["crop", "squash", "pad"]
Smooth = Literal["bicubic", "bilinear"]
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
PADDING = (127, 127, 127)
"""Middle grey: about zero after any usual normalisation."""


class PixelSettings(Settings):
    """How a picture becomes a square.

    Args:
        size: Side of the square, pixels.
        fit: ``crop`` keeps the middle square and loses what sticks out, ``squash`` keeps everything and changes the proportions,
            ``pad`` keeps both and adds grey bars. On photographs of rooms and on scanned receipts squashing predicted better than cropping.
        grey: Colour is taken away.
    """

    size: int = Field(default=224, ge=16, le=1024)
    fit: Fit = "squash"
    grey: bool = False


class NormalisedSettings(PixelSettings):
    """Pixel settings for encoders whose normalisation can be chosen.

    Args:
        mean: Taken from each channel (red, green, blue; 0 to 1); None for the encoder's own.
        std: Divides each channel afterwards (0 to 1); None for the encoder's own.
    """

    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    @model_validator(mode="after")
    def spread_is_positive(self) -> NormalisedSettings:
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("each std must be above 0")
        return self


def frame(cell: Any, size: int, fit: Fit = "squash", grey: bool = False, smooth: Smooth = "bicubic") -> np.ndarray:
    """A picture as a square.

    Shape:
        - cell: ``[H, W, 3] uint8``, any height and width from 1 pixel.
        - output: ``[3, size, size] uint8``.

    Raises:
        CellError: The cell is no such array.

    >>> frame(np.zeros((1, 500, 3), dtype=np.uint8), 32).shape
    (3, 32, 32)
    """
    check(cell)
    picture = Image.fromarray(np.ascontiguousarray(cell))
    width, height = picture.size
    if fit == "pad":
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = Image.new("RGB", (size, size), PADDING)
        square.paste(scaled(picture, inner, (0.0, 0.0, float(width), float(height)), smooth), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    else:
        # The middle square is cut out by the box of the resizing itself, so that a strip of 1 x 500 never becomes a picture of 224 x 112,000.
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side) if fit == "crop" else (0.0, 0.0, float(width), float(height))
        square = scaled(picture, (size, size), box, smooth)
    if grey:
        square = square.convert("L").convert("RGB")
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def enough(size: int) -> int:
    """Short side at which a picture may be decoded for a square of ``size`` pixels.

    A quarter more: the coarse reduction of the decoder is then always followed by a smooth one, which hides it.
    """
    return size + size // 4


def aspect(cell: Any) -> tuple[int, int]:
    """Height and width of a decoded picture, pixels.

    Raises:
        CellError: The cell is no ``[H, W, 3] uint8`` array.
    """
    check(cell)
    return int(cell.shape[0]), int(cell.shape[1])


def check(cell: Any) -> None:
    if not isinstance(cell, np.ndarray) or cell.dtype != np.uint8 or cell.ndim != 3 or cell.shape[2] != 3 or 0 in cell.shape:
        found = f"{cell.dtype} array of shape {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__
        raise CellError("The picture is not an array of height x width x 3 bytes.", found=found)


def scaled(picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float], smooth: Smooth) -> Image.Image:
    # A gap of 2 first shrinks large pictures by whole factors: about twice as fast, and close to the slow way.
    return picture.resize(size, FILTERS[smooth], box=box, reducing_gap=2.0)
