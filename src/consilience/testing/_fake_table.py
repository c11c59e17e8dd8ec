"""A tiny table with a column of every kind, all of which tell the target."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from consilience.core.seeds import generator
from consilience.data.kinds import KINDS, Cells

__all__ = ["COLUMN_OF", "fake_column", "fake_columns", "tiny_table"]

COLUMN_OF = {"text": "note", "number": "size", "category": "shape", "date": "day", "set": "tags", "image": "picture"}
"""Kind to the name of its column in ``tiny_table``."""

_CLASSES = ("calm", "busy", "green", "dark", "bright")
_WORDS = (
    ("lake", "quiet", "still"),
    ("street", "loud", "crowded"),
    ("forest", "deep", "mossy"),
    ("cave", "cold", "silent"),
    ("beach", "sunny", "wide"),
)
_PLAIN = ("the", "a", "place", "we", "saw", "with", "people", "day", "near", "old", "small", "road", "some")
_SHAPES = ("round", "flat", "long", "tall", "wide")
_TAGS = ("water", "city", "trees", "stone", "sand")
_COLOURS = ((40, 70, 200), (200, 60, 50), (50, 170, 60), (35, 30, 45), (235, 215, 130))
_ODD = ('👩‍🚀 <b>bold</b> & "quoted"', "我来到北京清华大学，天气很好。", "x", "unbelievable " * 60, "63.80 kg; 12 kg?")


def tiny_table(task: str = "binary", rows: int = 60, seed: int = 0, folder: Path | None = None, gaps: float = 0.15) -> pl.DataFrame:
    """A column of every kind and the target ``label``; cells are missing here and there, and row 0 has none at all.

    Args:
        task: ``binary``, ``multiclass`` (five classes), ``multilabel`` (lists of labels) or ``regression`` (positive and skewed).
        rows: How many; the classes take turns.
        seed: The same seed gives the same table.
        folder: Where pictures are written as PNG files, named by their full path; None keeps them in memory as bytes.
        gaps: Share of cells that are missing in each column.

    >>> tiny_table(rows=3).columns
    ['note', 'size', 'shape', 'day', 'tags', 'picture', 'label']
    """
    draw = generator(seed, "tiny table", task)
    of_class = np.arange(rows) % (2 if task == "binary" else 5)
    told = np.where(draw.random(rows) < 0.9, of_class, draw.integers(0, of_class.max(initial=0) + 1, rows))  # what the evidence says
    filled = draw.random((rows, 6)) >= gaps
    filled[:1] = False
    cells: list[list[Any]] = [
        [" ".join(draw.permutation([*draw.choice(_PLAIN, 5), *draw.choice(_WORDS[code], 2)]).tolist()) for code in told],
        [round(float(draw.normal(10 + 4 * code, 1.5)), 2) for code in told],
        [_SHAPES[code] for code in told],
        [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(200 * code + draw.integers(0, 150))) for code in told],
        [sorted({_TAGS[code], str(draw.choice(_TAGS))}) for code in told],
        [_picture(_COLOURS[code], draw) for code in told],
    ]
    for column, there in zip(cells, filled.T, strict=True):
        column[:] = [cell if kept else None for cell, kept in zip(column, there, strict=True)]
    if folder is not None:
        cells[5] = [_write(folder / f"picture_{row}.png", cell) for row, cell in enumerate(cells[5])]
    types: Sequence[Any] = (pl.String, pl.Float64, pl.String, pl.Date, pl.List(pl.String), pl.Binary if folder is None else pl.String)
    columns = [pl.Series(name, column, dtype=dtype) for name, column, dtype in zip(COLUMN_OF.values(), cells, types, strict=True)]
    return pl.DataFrame([*columns, pl.Series("label", _labels(task, of_class, draw))])


def fake_column(kind: str, rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """The column of one kind, as read, with odd cells among the texts.

    >>> fake_column("set", rows=3).to_list()[0] is None
    True
    """
    if kind not in COLUMN_OF:
        made: pl.Series = getattr(import_module(f"consilience.testing._fake_{kind}"), f"fake_{kind}_column")(rows, seed, folder)
        return made
    column = tiny_table("multiclass", rows, seed, folder)[COLUMN_OF[kind]]
    return _with_odd(column) if kind == "text" else column


def fake_columns(modality: str, rows: int = 24, seed: int = 0, folder: Path | None = None) -> dict[str, Cells]:
    """The columns of one modality as an encoder gets them; row 0 has nothing.

    Args:
        modality: ``table`` for a number, a category, a date and a set; else the kind's own name.

    >>> list(fake_columns("table"))
    ['size', 'shape', 'day', 'tags']
    """
    found: dict[str, Cells] = {}
    for kind in sorted(KINDS, key=[*COLUMN_OF, *KINDS].index):
        made = KINDS.get(kind)()
        if made.modality == modality:
            name = COLUMN_OF.get(kind, kind)
            parsed = made.parse(fake_column(kind, rows, seed, folder), folder)
            found[name] = Cells(name, made, parsed.values, parsed.present)
    return found


def _with_odd(column: pl.Series) -> pl.Series:
    """Some filled cells become Chinese, emoji, markup, very long or very short."""
    cells = column.to_list()
    places = [row for row, cell in enumerate(cells) if cell is not None][3::3]
    for row, text in zip(places, _ODD, strict=False):
        cells[row] = text
    return pl.Series(column.name, cells, dtype=pl.String)


def _labels(task: str, of_class: np.ndarray, draw: np.random.Generator) -> list[Any]:
    if task == "regression":
        numbers: list[Any] = np.round(np.exp(1.0 + 0.8 * of_class + draw.normal(0, 0.1, len(of_class))), 3).tolist()
        return numbers
    if task == "multilabel":
        return [sorted({_CLASSES[code], _CLASSES[(code + 1 + row % 2) % 5]}) for row, code in enumerate(of_class)]
    return [_CLASSES[code] for code in of_class]


def _picture(colour: tuple[int, int, int], draw: np.random.Generator) -> bytes:
    """A small PNG: noise around a colour, of changing size."""
    height, width = (int(side) for side in draw.integers(16, 33, 2))
    pixels = np.clip(np.array(colour) + draw.normal(0, 25, (height, width, 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _write(path: Path, content: bytes | None) -> str | None:
    if content is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path.resolve())
