"""From a decoded film to a few small frames. No torch here."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import Cells
from consilience.data.kinds._film import Film

__all__ = ["check_film", "only_film", "shrink"]


def check_film(cell: Any) -> Film:
    """The cell, if it is a film with frames.

    Raises:
        CellError: It is none.
    """
    if not isinstance(cell, Film) or cell.frames.ndim != 4 or cell.frames.dtype != np.uint8 or 0 in cell.frames.shape:
        found = f"frames {cell.frames.dtype} {cell.frames.shape}" if isinstance(cell, Film) else type(cell).__name__
        raise CellError("The cell is not a film of frames x height x width x 3 bytes.", found=found)
    return cell


def shrink(frames: np.ndarray, size: int) -> np.ndarray:
    """Every frame as a square, its proportions not kept.

    Shape:
        - frames: ``[T, H, W, 3] uint8``.
        - output: ``[T, size, size, 3] uint8``.
    """
    if frames.shape[1:3] == (size, size):
        return frames
    small = (Image.fromarray(frame).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0) for frame in frames)
    return np.stack([np.asarray(frame) for frame in small])


def only_film(columns: dict[str, Cells] | Any, who: str) -> Cells:
    """The one column that an encoder of films gets.

    Raises:
        UsageError: There is none, or more than one.
    """
    if len(columns) != 1:
        raise UsageError(f"The encoder {who!r} takes one video column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    cells: Cells = next(iter(columns.values()))
    return cells
