"""Series: numbers over time, in a cell or in a file. Source: common practice of the UCR and UEA archives. For sensors, curves, tracks, logs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.registry import Card
from consilience.data.kinds._arrays import ARRAY_SUFFIXES, read_named
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import MISSING, as_text
from consilience.data.kinds._media import content_key, is_name, parse_files
from consilience.data.kinds._number_cells import from_lists, from_text
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._series_sniff import sniff_series
from consilience.data.kinds._signal import Signal, from_table, stack
from consilience.data.kinds._signals import AUGMENTATIONS, CORRUPTIONS

__all__ = ["SeriesKind"]

CARD = Card(
    summary="Series: numbers in a cell (blanks, commas, JSON, lists) or a file of them (csv, txt, npy, parquet), with gaps and times.",
    source="Conventions of the UCR and UEA archives (Dau et al., 2019; Bagnall et al., 2018)",
)

WIDTH, HEIGHT, POINTS, LINES = 120, 32, 100, 8


class SeriesKind(Kind):
    """Numbers over time: the value is the cell's text, its lists, a ``Path`` or bytes; ``read`` gives a ``Signal``.

    Several columns of one table can be the channels of one series (``together``): ``_signal.stack`` joins what was read.

    >>> signal = SeriesKind().read("1 2.5 nan 4")
    >>> signal.values[:, 0].tolist()
    [1.0, 2.5, nan, 4.0]
    """

    modality = "series"
    media = True
    together = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        return sniff_series(profile)

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        if column.dtype == pl.Binary:
            return parse_files(column, base, "series")
        problems: dict[int, str] = {}
        values = np.empty(len(column), dtype=object)
        present = np.zeros(len(column), dtype=bool)
        names: list[str | None] = [None] * len(column)
        nested = isinstance(column.dtype, pl.List | pl.Array | pl.Struct | pl.Object)
        flat = as_text(column) if column.dtype in (pl.Duration, pl.Time) else column if nested else column.cast(pl.String, strict=False)
        for row, cell in enumerate(flat.to_list()):
            if cell is None or (isinstance(cell, float) and np.isnan(cell)):
                continue
            if isinstance(cell, str):
                cell = cell.strip()
                if cell.lower() in MISSING:
                    continue
                if is_name(cell, ARRAY_SUFFIXES):
                    names[row] = cell
                    continue
            elif not isinstance(cell, list | dict):
                cell = str(cell)
            try:
                self.read(cell)
            except CellError as error:
                problems[row] = error.reason
                continue
            values[row], present[row] = cell, True
        if any(name is not None for name in names):
            files = parse_files(pl.Series(column.name, names, dtype=pl.String), base, "series")
            values[files.present], problems = files.values[files.present], {**problems, **files.problems}
            present |= files.present
        return Parsed(values, present, problems)

    def read(self, value: Any) -> Signal:
        """The series.

        Raises:
            CellError: There is text among the numbers, nothing but gaps, or the file cannot be read.
        """
        if isinstance(value, str):
            return from_text(value)
        if isinstance(value, list | tuple | dict):
            return from_lists(value)
        named = read_named(value)
        try:
            return from_table(named.values, named.names)
        except CellError as error:
            error.file = error.file or (str(value) if isinstance(value, Path) else None)
            raise

    def stacked(self, parts: Sequence[Any | None]) -> Signal:
        """Several columns' series as the channels of one."""
        return stack(parts)

    def key(self, value: Any) -> bytes:
        """The same text, lists or file content have the same key."""
        return content_key(value) if isinstance(value, Path | bytes | Outside) else repr(value).encode()

    def thumbnail(self, value: Any) -> str:
        try:
            return drawing(self.read(value))
        except CellError as error:
            return escape(f"no series: {error.what}")

    def draw(self, decoded: Any) -> str:
        return drawing(decoded)


def drawing(signal: Signal) -> str:
    """Each channel as a line over its own range, the first ones strongest; a gap breaks the line, a lone point is a dot."""
    length = len(signal.values)
    picked = np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(np.int64))
    across = np.linspace(2, WIDTH - 2, len(picked)) if len(picked) > 1 else np.array([WIDTH / 2])
    if signal.times is not None and signal.times[-1] > signal.times[0]:
        across = 2 + (signal.times[picked] - signal.times[0]) / (signal.times[-1] - signal.times[0]) * (WIDTH - 4)
    marks = []
    count = min(signal.values.shape[1], LINES)
    for place in range(count):
        whole = signal.values[:, place].astype(np.float64)
        if np.isnan(whole).all():
            continue
        low, high = np.nanmin(whole), np.nanmax(whole)
        share = (whole[picked] - low) / (high - low) if high > low else np.where(np.isnan(whole[picked]), np.nan, 0.5)
        opacity = 1.0 - 0.75 * place / max(1, count)
        marks.append(f'<path d="{path_of(across, 2 + (1 - share) * (HEIGHT - 4))}" stroke-opacity="{opacity:.2f}"/>')
    lines = "".join(marks)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="currentColor" '
        f'stroke-width="1.2" stroke-linecap="round" stroke-linejoin="round">{lines}</svg>'
    )


def path_of(across: np.ndarray, down: np.ndarray) -> str:
    """Points joined by lines; where a gap was, a new line begins."""
    parts = []
    begun = False
    for x, y in zip(across.tolist(), down.tolist(), strict=True):
        if np.isnan(y):
            begun = False
            continue
        parts.append(f"{'L' if begun else 'M'}{x:.1f} {y:.1f}" + ("" if begun else "h0"))
        begun = True
    return "".join(parts)
