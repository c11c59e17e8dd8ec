"""Patches of a picture. Source: Zeiler and Fergus (2014), occlusion; Petsiuk et al. (2018), random masks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from PIL import Image

from consilience.judge.explain._anatomy import Anatomy

__all__ = ["SIDE", "ImageAnatomy"]

SIDE = 8
"""Patches along the width and the height at the finest."""

LARGEST = 640
"""Pixels of the short side; a larger picture is made smaller first, since encoders do so anyway and every mask would be paid for."""


class ImageAnatomy(Anatomy):
    """An atom is one of 8 x 8 patches; a masked one has the picture's median colour, which on a drawing is the paper's."""

    unit: ClassVar[str] = "patch"
    filled: ClassVar[str] = "painted over in the picture's median colour"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(smaller(np.asarray(decoded)), generator)
        height, width = self.decoded.shape[:2]
        self.rows, self.columns = min(SIDE, height), min(SIDE, width)
        self.atoms = self.rows * self.columns
        self.paint = np.median(self.decoded.reshape(-1, 3), axis=0).astype(np.uint8)
        self.row_of = np.arange(height) * self.rows // height
        self.column_of = np.arange(width) * self.columns // width

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        side = max(2, round(into**0.5))
        down, across = group // self.columns, group % self.columns
        found = []
        for rows in np.array_split(np.unique(down), min(side, len(np.unique(down)))):
            for columns in np.array_split(np.unique(across), min(side, len(np.unique(across)))):
                found.append(group[np.isin(down, rows) & np.isin(across, columns)])
        return [part for part in found if len(part)]

    def masked(self, kept: np.ndarray) -> Any:
        shown = kept.reshape(self.rows, self.columns)[self.row_of][:, self.column_of]
        return np.where(shown[:, :, None], self.decoded, self.paint)

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        down, across = group // self.columns, group % self.columns
        top, bottom = int(down.min()) / self.rows, (int(down.max()) + 1) / self.rows
        left, right = int(across.min()) / self.columns, (int(across.max()) + 1) / self.columns
        return named((left + right) / 2, (top + bottom) / 2), {"left": left, "top": top, "right": right, "bottom": bottom}


def named(x: float, y: float) -> str:
    """A place in a picture in words.

    >>> named(0.1, 0.9), named(0.5, 0.5)
    ('bottom left', 'middle')
    """
    down = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    return f"{down} {across}".strip() or "middle"


def smaller(pixels: np.ndarray) -> np.ndarray:
    """The picture with a short side of at most ``LARGEST`` pixels."""
    height, width = pixels.shape[:2]
    if min(height, width) <= LARGEST:
        return pixels
    scale = LARGEST / min(height, width)
    return np.asarray(Image.fromarray(pixels).resize((round(width * scale), round(height * scale)), Image.Resampling.BOX))
