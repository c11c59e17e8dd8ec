"""Pictures at the proportions that a table's pictures have, for encoders that are learned from nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from consilience.core.errors import CellError
from consilience.core.seeds import generator
from consilience.data.kinds import Cells
from consilience.encoders.image._pixels import PADDING, aspect, enough, scaled

__all__ = ["Canvas", "read_canvas"]

SAMPLE = 1000
"""Pictures that are looked at, at most."""

WIDEST = 4.0
"""No canvas is wider or higher than this times its other side."""

STEP = 8


@dataclass(frozen=True)
class Canvas:
    """Height and width that each picture is brought to, its own proportions kept, and mean and spread of each colour (0 to 1)."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def plain(cls, size: int) -> Canvas:
        """A square, where nothing is known."""
        return cls(size, size, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))

    @classmethod
    def learn(cls, cells: Cells, size: int, seed: int) -> Canvas:
        """The middle proportions of the pictures that are present, at about ``size`` x ``size`` pixels, and their colours."""
        rows = np.flatnonzero(cells.present)
        if len(rows) > SAMPLE:
            rows = np.sort(generator(seed, "canvas").choice(rows, SAMPLE, replace=False))
        if not len(rows):
            return cls.plain(size)
        shapes = np.array([aspect(picture) for picture in decoded(cells, rows, size)], dtype=np.float64)
        middle = float(np.clip(np.median(shapes[:, 1] / shapes[:, 0]), 1 / WIDEST, WIDEST))
        height, width = (max(STEP, round(side / STEP) * STEP) for side in (size * middle**-0.5, size * middle**0.5))
        bare = cls(height, width, (0.5,) * 3, (0.25,) * 3)
        pixels = np.stack([bare.draw(picture) for picture in decoded(cells, rows, size)]).astype(np.float64) / 255
        # Pictures of one flat colour have no spread; a floor keeps their noise from being blown up.
        std = np.maximum(pixels.std(axis=(0, 2, 3)), 0.02)
        return cls(height, width, tuple(pixels.mean(axis=(0, 2, 3)).tolist()), tuple(std.tolist()))

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def draw(self, picture: np.ndarray) -> np.ndarray:
        """``[H, W, 3] uint8`` of any size to ``[3, height, width] uint8``: as large as it can be, in the middle, grey around it."""
        height, width = aspect(picture)
        scale = min(self.height / height, self.width / width)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        whole = Image.new("RGB", (self.width, self.height), PADDING)
        small = scaled(Image.fromarray(np.ascontiguousarray(picture)), inner, (0.0, 0.0, float(width), float(height)), "bilinear")
        whole.paste(small, ((self.width - inner[0]) // 2, (self.height - inner[1]) // 2))
        return np.ascontiguousarray(np.asarray(whole).transpose(2, 0, 1))


def read_canvas(cells: Cells, canvas: Canvas) -> np.ndarray:
    """``[N, 3, height, width] uint8``, grey where absent; a picture that stands in several rows is decoded once.

    Raises:
        CellError: A cell cannot be decoded; ``row`` and ``column`` are set.
    """
    rows = np.flatnonzero(cells.present)
    first: dict[Any, int] = {}
    for row in rows.tolist():
        first.setdefault(cells.values[row], row)
    places = np.array(list(first.values()), dtype=np.int64)
    drawn = dict(zip(first, (canvas.draw(picture) for picture in decoded(cells, places, max(canvas.height, canvas.width))), strict=True))
    pixels = np.full((len(cells), 3, canvas.height, canvas.width), PADDING[0], dtype=np.uint8)
    for row in rows.tolist():
        pixels[row] = drawn[cells.values[row]]
    return pixels


def decoded(cells: Cells, rows: np.ndarray, size: int) -> Any:
    """The rows' pictures, in order, some threads ahead."""
    read_at = getattr(cells.kind, "read_at", None)
    read: Callable[[Any], Any] = cells.kind.read if read_at is None else lambda value: read_at(value, enough(size))

    def one(row: int) -> np.ndarray:
        try:
            return np.asarray(read(cells.values[row]))
        except CellError as error:
            error.row, error.column = row, cells.name
            raise

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(rows), 64):
            yield from pool.map(one, rows[start : start + 64].tolist())
