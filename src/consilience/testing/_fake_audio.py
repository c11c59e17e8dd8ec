"""A column of short sounds whose pitch and rhythm tell the class."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import polars as pl

from consilience.core.seeds import generator

__all__ = ["fake_audio_column"]

_PITCHES = (220.0, 440.0, 880.0, 1500.0, 2600.0)
_RATE = 8000


def fake_audio_column(rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """WAV files in memory, or named by their full path; the classes take turns over five, and row 0 is missing.

    Args:
        rows: How many.
        seed: The same seed gives the same sounds.
        folder: Where the files are written; None keeps them in memory as bytes.

    >>> fake_audio_column(rows=3).to_list()[0] is None
    True
    """
    draw = generator(seed, "fake audio")
    filled = draw.random(rows) >= 0.15
    filled[:1] = False
    cells: list[bytes | str | None] = []
    for row in range(rows):
        content = _tone(row % 5, draw)
        cells.append(content if filled[row] else None)
        if filled[row] and folder is not None:
            path = folder / f"sound_{row}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            cells[-1] = str(path.resolve())
    return pl.Series("sound", cells, dtype=pl.Binary if folder is None else pl.String)


def _tone(of_class: int, draw: np.random.Generator) -> bytes:
    """A WAV of 16 bit and 8 kHz, 0.15 to 0.3 seconds: beats of one pitch with its octave, in faint noise."""
    seconds = np.arange(int(_RATE * draw.uniform(0.15, 0.3))) / _RATE
    pitch = _PITCHES[of_class] * draw.uniform(0.95, 1.05)
    tone = np.sin(2 * np.pi * pitch * seconds + draw.uniform(0, 6)) + 0.3 * np.sin(4 * np.pi * pitch * seconds)
    beats = 0.6 + 0.4 * np.cos(2 * np.pi * (5 + 3 * of_class) * seconds)
    samples = draw.uniform(0.2, 0.6) * tone * beats + draw.normal(0, 0.01, len(seconds))
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(_RATE)
        written.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
