"""Pictures in memory (arrays, PIL images) -> PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["encode_pictures", "is_pil"]

MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}


def encode_pictures(cells: Sequence[Any]) -> list[bytes] | None:
    """One PNG per cell, or None where some array is no picture.

    Whole numbers count as 0 to 255 (``uint16``: to 65,535). Fractions count as 0 to 1 where no array of the column exceeds 1, else as 0 to 255:
    the scale belongs to the column, so that a dark picture stays dark.

    Shape: ``[H, W]``, ``[H, W, 1|3|4]`` or, as PyTorch has it, ``[1|3|4, H, W]``.
    """
    arrays = [cell for cell in cells if isinstance(cell, np.ndarray)]
    if not all(is_picture(array) for array in arrays):
        return None
    fractions = [float(array.max()) for array in arrays if array.dtype.kind == "f"]
    scale = 255.0 if fractions and max(fractions) <= 1.0 else 1.0
    return [png(to_uint8(cell, scale)) if isinstance(cell, np.ndarray) else pil_png(cell) for cell in cells]


def is_pil(cell: object) -> bool:
    """Whether it is a PIL image; PIL is not imported to find out."""
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(cell).__mro__)


def is_picture(array: np.ndarray) -> bool:
    channels = {array.shape[2], array.shape[0]} if array.ndim == 3 else {1}
    if array.ndim not in (2, 3) or not channels & {1, 3, 4} or array.size == 0 or array.dtype.kind not in "buif":
        return False
    low, high = float(array.min()), float(array.max())  # NaN fails both comparisons
    return low >= 0 and high <= (65535 if array.dtype == np.uint16 else 255)


def to_uint8(array: np.ndarray, scale: float) -> np.ndarray:
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype.kind == "b":
        array = array * np.uint8(255)
    elif array.dtype.kind == "f":
        array = np.rint(array.astype(np.float64) * scale)
    elif array.dtype == np.uint16:
        array = np.rint(array / 257)
    return np.ascontiguousarray(array.astype(np.uint8))


def png(array: np.ndarray) -> bytes:
    from PIL import Image

    return pil_png(Image.fromarray(array))


def pil_png(picture: Any) -> bytes:
    out = io.BytesIO()
    (picture if picture.mode in MODES else picture.convert("RGB")).save(out, format="PNG", compress_level=1)
    return out.getvalue()
