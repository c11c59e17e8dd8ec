"""How much a column looks like series: several numbers in a cell, or files of the right shape; neither sets, nor phone numbers, nor points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.data.kinds._arrays import ARRAY_SUFFIXES, Peek, peek, read_array
from consilience.data.kinds._base import Evidence, Profile
from consilience.data.kinds._cells import clean_sample
from consilience.data.kinds._cloud import MOST_COLUMNS, like_points
from consilience.data.kinds._media import TEXTS, is_name, sample_files, sniff_files
from consilience.data.kinds._number_cells import from_lists, from_text, tokens
from consilience.data.kinds._number_text import GAPS, plain_number
from consilience.data.kinds._numbers import mostly_numbers
from consilience.data.kinds._signal import LATITUDE, LONGITUDE, TIME

__all__ = ["like_series", "sniff_series"]

LEAST = 4
"""Fewer numbers in a cell are a pair, a size or a version, not a series."""
LONG = 8
"""Up to so many whole numbers can be a phone number, a card, a box."""
CELLS, LETTERS = 200, 3000
MANY_POINTS, MANY_CHANNELS, MANY_ROWS = 32, 64, 100_000
START = re.compile(r"[\s\[({+\-.\d]|n(?:an|ull|one|/?a)\b|\?", re.IGNORECASE)
CODE = re.compile(r"\d{2,}")
CERTAIN, LIKELY = 0.985, 0.9
GRAPHS = ("nodes", "edges", "links", "vertices")


def sniff_series(profile: Profile) -> Evidence:
    """Evidence for series."""
    dtype = profile.column.dtype
    if isinstance(dtype, pl.List | pl.Array):
        inner: Any = dtype.inner
        nested = isinstance(inner, pl.List | pl.Array)
        if not (inner.inner if nested else inner).is_numeric():
            return Evidence(0.0, f"the lists hold {inner}")
        return from_sample([cell for cell in profile.sample[:CELLS] if cell is not None], "lists of numbers")
    if isinstance(dtype, pl.Struct):
        return from_sample([cell for cell in profile.sample[:CELLS] if cell is not None], "records of lists")
    if dtype == pl.Binary:
        return of_shapes([cell for cell in profile.sample[:20] if cell], "cells", 0.97)
    if dtype not in TEXTS:
        return Evidence(0.0, f"the cells are {dtype}")
    texts = clean_sample(profile.sample)
    if not texts:
        return Evidence(0.0, "no cell is filled")
    if sum(is_name(text, ARRAY_SUFFIXES) for text in texts) >= 0.3 * len(texts):
        return of_files(profile)
    return of_texts(texts[:: max(1, len(texts) // CELLS)][:CELLS])


def like_series(seen: Peek) -> bool:
    """Whether an array of this shape is rather a series than points, a volume, a picture or a table of something else."""
    if timed(seen):
        return True
    if len(seen.shape) == 1:
        return seen.shape[0] >= LEAST
    if len(seen.shape) != 2:
        return False
    length, channels = seen.shape
    return channels != 3 and length >= channels and channels <= MANY_CHANNELS


def timed(seen: Peek) -> bool:
    """Whether the columns' names say that it is a series: a time, or latitude and longitude."""
    track = all(any(pattern.fullmatch(name) for name in seen.names) for pattern in (LATITUDE, LONGITUDE))
    return track or any(TIME.fullmatch(name) for name in seen.names)


def cloud(file: Path | bytes, seen: Peek) -> bool:
    """Whether an array of 4 to 7 columns without a time is rather points with colours, intensities or normals: only its numbers tell."""
    if timed(seen) or len(seen.shape) != 2 or not 4 <= seen.shape[1] <= MOST_COLUMNS or seen.shape[0] > MANY_ROWS:
        return False
    try:
        return like_points(read_array(file))
    except CellError:
        return False


def of_shapes(files: Sequence[Path | bytes], what: str, most: float) -> Evidence:
    """Evidence from files or bytes that are looked into; names that say so make it sure."""
    peeks = [(file, peek(file)) for file in files]
    good = [seen for file, seen in peeks if seen is not None and like_series(seen) and not cloud(file, seen)]
    share = len(good) / max(1, len(peeks))
    sure = 1.0 if good and all(map(timed, good)) else most
    return Evidence(sure * share**2, f"{share:.0%} of the {what} that were looked into hold series")


def of_files(profile: Profile) -> Evidence:
    """Columns of names: some of the files are opened."""
    named = sniff_files(profile, "series", ARRAY_SUFFIXES, lambda cell: True)
    files = sample_files(profile, ARRAY_SUFFIXES)
    if not files:
        return Evidence(0.3 * named.score, f"{named.reason}; none could be opened")
    inside = of_shapes(files, "files", 0.99)
    return Evidence(min(1.0, 1.01 * named.score) * inside.score, f"{named.reason}; {inside.reason}")


def of_texts(texts: Sequence[str]) -> Evidence:
    """Columns of text: most cells are several numbers."""
    if sum(START.match(text) is not None for text in texts) < 0.5 * len(texts):
        return Evidence(0.0, "the cells are no lists of numbers")
    listed: list[Any] = []
    for text in texts:
        if text[0] == "{" or (text[0] == "[" and ("[" in text[1:] or "{" in text)):
            try:
                listed.append(from_text(text).values if not any(f'"{word}"' in text for word in GRAPHS) else None)
            except CellError:
                listed.append(None)
        else:
            fields = [field for row in tokens(cut_off(text).strip("[]()")) for field in row]
            right = all(plain_number(field) or field.strip("\"'").lower() in GAPS or not field for field in fields)
            listed.append(fields if right and fields else None)
    good = [cell for cell in listed if cell is not None]
    if len(good) < 0.5 * len(texts):
        return Evidence(0.0, f"{len(good) / len(texts):.0%} of the cells are lists of numbers")
    if sum(text[0] == "{" for text in texts) >= 0.5 * len(texts):
        return Evidence(
            CERTAIN * min(1.0, len(good) / len(texts) / 0.9), f"{len(good) / len(texts):.0%} of the cells are records of lists of numbers"
        )
    middle = float(np.median([len(cell) for cell in good]))
    if middle < 6 and mostly_numbers(texts):
        return Evidence(0.0, "the cells are numbers with thousands marks")
    if middle < LONG and all(coded(cell) for cell in good) and not any(mark in text for text in texts for mark in ",;["):
        return Evidence(0.1, "the cells are groups of digits, as phone numbers are")
    return rated(good, len(good) / len(texts), "numbers in the cells' text")


def from_sample(cells: Sequence[Any], what: str) -> Evidence:
    """Columns of native lists and records."""
    if not cells:
        return Evidence(0.0, "no cell is filled")
    good = []
    for cell in cells:
        try:
            plain = isinstance(cell, list) and not any(isinstance(item, list | dict) for item in cell[:5])
            good.append([word for word in cell if word is not None] if plain else from_lists(cell).values)
        except CellError:
            continue
    return rated(good, len(good) / len(cells), what) if good else Evidence(0.0, "no list holds numbers")


def rated(cells: Sequence[Any], share: float, what: str) -> Evidence:
    """The score of cells that are numbers: texts, numbers, or arrays ``[L, C]``."""
    lengths = [len(cell) for cell in cells]
    middle = float(np.median(lengths))
    reason = f"{share:.0%} of the cells are {what}, {middle:,.0f} in the middle"
    plain = [cell for cell in cells if isinstance(cell, list)]
    if len(plain) == len(cells):
        if middle < LEAST:
            return Evidence(0.2 * share, f"{reason}; too few for a series")
        if like_sets(plain):
            return Evidence(0.3, f"{reason}; but they are whole numbers that come again in other cells and never twice in one, as sets do")
    elif middle < 2:
        return Evidence(0.2 * share, f"{reason}; too few for a series")
    cloud = len(plain) < len(cells) and all(cell.shape[1] == 3 for cell in cells if not isinstance(cell, list)) and middle >= MANY_POINTS
    most = LIKELY if cloud or middle < LONG else CERTAIN
    return Evidence(most * min(1.0, share / 0.9), reason)


def like_sets(cells: Sequence[Sequence[Any]]) -> bool:
    """Whole numbers, none twice in a cell, of few sorts that come again in other cells, in cells of unlike length."""
    words = [[str(item) for item in cell] for cell in cells]
    if any("." in word or "e" in word.lower() for cell in words for word in cell) or len({len(cell) for cell in words}) < 2:
        return False
    alone = sum(len(set(cell)) == len(cell) for cell in words) / len(words)
    counts = Counter(word for cell in words for word in set(cell))
    again = sum(count for count in counts.values() if count > 1) / max(1, sum(counts.values()))
    return alone > 0.9 and again > 0.5


def coded(cell: Any) -> bool:
    """Whether all fields are digits, in groups of two or more."""
    return isinstance(cell, list) and all(CODE.fullmatch(str(field).lstrip("+")) for field in cell)


def cut_off(text: str) -> str:
    """The start of a long cell, without the field that the cut went through."""
    if len(text) <= LETTERS:
        return text
    start = text[:LETTERS]
    return start[: max(start.rfind(mark) for mark in " ,;\n\t") if any(mark in start for mark in " ,;\n\t") else LETTERS]
