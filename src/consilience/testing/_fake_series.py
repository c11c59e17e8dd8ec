"""A tiny column of series: a wave whose speed tells the class, with gaps, unequal lengths and two spellings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from consilience.core.seeds import generator

__all__ = ["fake_series_column"]


def fake_series_column(rows: int = 24, seed: int = 0, folder: Path | None = None, gaps: float = 0.15) -> pl.Series:
    """A column of series as read: the number of waves and their height say which of five classes a row is (row % 5).

    Args:
        rows: How many; row 0 is null, and some others.
        seed: The same seed gives the same column.
        folder: Where series are written as CSV files, named by their full path; None keeps the numbers in the cells.
        gaps: Share of null cells.

    >>> fake_series_column(3).to_list()[0] is None
    True
    """
    draw = generator(seed, "fake series")
    cells: list[str | None] = []
    for row in range(rows):
        code = row % 5
        length = int(draw.integers(24, 48))
        place = np.linspace(0, 1, length)
        values = (1 + 0.5 * code) * np.sin(2 * np.pi * ((1 + code) * place + draw.uniform(0, 0.3))) + draw.normal(0, 0.15, length) + 0.3 * code
        words = ["nan" if draw.random() < 0.03 else f"{value:.4g}" for value in values]
        empty = draw.random() < gaps or row == 0
        cells.append(None if empty else ("[" + ", ".join(words).replace("nan", "null") + "]") if row % 4 == 3 else " ".join(words))
        if folder is not None and not empty:
            path = folder / f"series_{row}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("time,value\n" + "".join(f"{at},{'' if word == 'nan' else word}\n" for at, word in enumerate(words)), encoding="utf-8")
            cells[-1] = str(path.resolve())
    return pl.Series("trace", cells, dtype=pl.String)
