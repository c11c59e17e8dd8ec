"""A column of small films: a square that moves over a colour, both of which tell the class."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from consilience.core.seeds import generator

__all__ = ["fake_video_column"]

_COLOURS = ((40, 70, 200), (200, 60, 50), (50, 170, 60), (35, 30, 45), (235, 215, 130))
_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))
_FRAMES, _SIDE, _SQUARE = 8, 24, 8


def fake_video_column(rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """The column ``clip``: animated GIF files of 8 frames, as bytes or, with a folder, as the paths of files written there.

    Args:
        rows: How many; five classes take turns, row 0 is null, and so is about one in seven of the others.
        seed: The same seed gives the same films.
        folder: Where the files are written; None keeps them in memory.

    >>> fake_video_column(rows=3).null_count() >= 1
    True
    """
    draw = generator(seed, "fake video")
    gone = draw.random(rows) < 0.15
    gone[:1] = True
    cells: list[bytes | str | None] = []
    for row in range(rows):
        content = _film(row % 5, draw)
        if gone[row]:
            cells.append(None)
        elif folder is None:
            cells.append(content)
        else:
            path = folder / f"clip_{row}.gif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            cells.append(str(path.resolve()))
    return pl.Series("clip", cells, dtype=pl.Binary if folder is None else pl.String)


def _film(code: int, draw: np.random.Generator) -> bytes:
    """One GIF: the square goes on by two pixels a frame, in the direction of its class."""
    back = np.clip(np.array(_COLOURS[code]) + draw.integers(-20, 21, 3), 0, 255)
    top, left = (int(place) for place in draw.integers(6, 11, 2))
    down, right = _STEPS[code]
    frames = []
    for step in range(_FRAMES):
        pixels = np.empty((_SIDE, _SIDE, 3), dtype=np.uint8)
        pixels[...] = back
        y, x = (np.clip(start + 2 * way * (step - _FRAMES // 2), 0, _SIDE - _SQUARE) for start, way in ((top, down), (left, right)))
        pixels[y : y + _SQUARE, x : x + _SQUARE] = 250 - 20 * (step % 2 if code == 4 else 0)
        frames.append(Image.fromarray(pixels))
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=int(draw.integers(4, 12)) * 10, loop=0)
    return file.getvalue()
