"""The different cells of a column, wherever labels may be, ready to be learned from without any."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from consilience.core.errors import CellError, ColumnError, UsageError, listed
from consilience.core.hashing import hash_bytes
from consilience.core.progress import Progress
from consilience.core.seeds import generator
from consilience.data.kinds import KINDS, Cells, Profile
from consilience.data.kinds._joined import joined
from consilience.data.schema._described import describe
from consilience.data.schema._lookup import check_column
from consilience.data.table import Table
from consilience.encoders import ENCODERS, TrainedEncoder
from consilience.learn.training.pretraining import LEAST

__all__ = ["dealt", "different", "gathered", "modality_of", "readied"]

HELD = 0.1
"""Share of the cells that is held out."""


def gathered(tables: Sequence[Table], names: Sequence[str], kinds: Mapping[str, str]) -> Cells:
    """The cells of a column in all tables, one after another; of several columns, as the channels of one thing.

    Raises:
        ColumnError: A table lacks it.
        UsageError: It is of a kind whose cells stand for themselves.
    """
    columns = []
    for name in names:
        parts = []
        kind_name = kinds.get(name)
        for table in tables:
            check_column(name, table.columns, table.source, "column to pretrain on")
            if kind_name is None:  # the first table decides for all
                described = describe(Profile(name, table.frame[name], table.bases.get(name)))
                kind_name, parsed = described.kind, described.parsed
            else:
                KINDS.check(kind_name)
                parsed = KINDS.get(kind_name)().parse(table.frame[name], table.bases.get(name))
            parts.append(parsed)
        assert kind_name is not None
        kind = KINDS.get(kind_name)()
        if f"{kind.modality}/own" not in ENCODERS:
            able = sorted(key for key in KINDS if f"{KINDS.get(key).modality}/own" in ENCODERS)
            raise UsageError(
                f"The column {name!r} is taken for {kind_name}; encoders are pretrained for {', '.join(able)}.",
                hint=f"Say what it is with --kind {name}=KIND, or name another column.",
            )
        columns.append(Cells(name, kind, np.concatenate([part.values for part in parts]), np.concatenate([part.present for part in parts])))
    if len(columns) == 1:
        return columns[0]
    first = columns[0].kind
    if not first.together or any(type(cells.kind) is not type(first) for cells in columns):
        raise UsageError(
            f"The columns {listed(list(names))} are not channels of one thing.", hint="Name one column, or several series of one sensor."
        )
    return joined(f"{names[0]}…{names[-1]}", columns)


def modality_of(cells: Cells) -> str:
    """Also of several columns, whose kind is that of each."""
    return str(getattr(cells.kind, "kind", cells.kind).modality)


def different(sides: Sequence[Cells]) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Rows in which all columns are there, each content once; for each column ``[N]`` numbers that are equal for equal cells; unreadable cells."""
    rows = np.flatnonzero(np.all([cells.present for cells in sides], axis=0))
    numbers, gone = [], np.zeros(len(sides[0]), dtype=bool)
    for cells in sides:

        def key(row: int, cells: Cells = cells) -> bytes | None:
            try:
                return hash_bytes(cells.key(row))
            except (CellError, OSError):
                return None

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            found = list(pool.map(key, rows.tolist()))
        known: dict[bytes, int] = {}
        number = np.full(len(cells), -1)
        for row, content in zip(rows.tolist(), found, strict=True):
            if content is None:
                gone[row] = True
            else:
                number[row] = known.setdefault(content, len(known))
        numbers.append(number)
    there = rows[~gone[rows]]
    if len(there):
        _, first = np.unique(np.stack([number[there] for number in numbers], axis=1), axis=0, return_index=True)
        there = there[np.sort(first)]
    return there, numbers, int(gone.sum())


def dealt(rows: np.ndarray, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from, and a tenth that is held out."""
    if len(rows) < LEAST:
        raise ColumnError(f"It has {len(rows)} different cells that can be used; to learn without labels takes {LEAST} at least.", column=name)
    order = generator(seed, "pretrain", "held out").permutation(rows)
    count = max(2, round(HELD * len(rows)))
    return np.sort(order[count:]), np.sort(order[:count])


def readied(
    sides: Sequence[Cells], encoders: Sequence[TrainedEncoder], rows: np.ndarray, seed: int, progress: Progress
) -> tuple[np.ndarray, np.ndarray, list[dict[str, np.ndarray]], int]:
    """Rows to learn from, rows held out, each column's prepared arrays (of the first, then of the second), and how many rows cannot be decoded.

    The encoders learn what ``fit`` learns from the rows to learn from.
    """
    good, checked = rows, False
    while True:
        learned, held = dealt(good, sides[0].name, seed)
        try:
            for cells, encoder in zip(sides, encoders, strict=True):
                encoder.fit({cells.name: cells.take(learned)}, seed)
            everything = np.concatenate([learned, held])
            prepared = [encoder.prepare({cells.name: cells.take(everything)}) for cells, encoder in zip(sides, encoders, strict=True)]
        except CellError:
            if checked:
                raise
            checked, good = True, np.array([row for row in rows.tolist() if all(decodes(cells, row) for cells in sides)], dtype=np.int64)
            progress.say(f"{len(rows) - len(good):,} rows have a cell that cannot be read, and are left out.")
        else:
            return learned, held, prepared, len(rows) - len(good)


def decodes(cells: Cells, row: int) -> bool:
    try:
        cells.read(row)
    except CellError:
        return False
    return True
