"""The films of a column, one after another, decoded in threads a few ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from consilience.core.errors import CellError
from consilience.data.kinds import Cells
from consilience.data.kinds._film import Film
from consilience.encoders.video._small import check_film

__all__ = ["present_films"]


def present_films(cells: Cells, side: int | None) -> Iterator[tuple[int, Film]]:
    """Row and film of each row that is present, in order; only a few films are in memory at a time.

    Args:
        cells: The column.
        side: Short side that the frames need, pixels; None for all there is.

    Raises:
        CellError: A film cannot be decoded; ``row`` and ``column`` are set.
    """
    read_at = getattr(cells.kind, "read_at", None)
    decode: Callable[[Any], Any] = cells.kind.read if read_at is None or side is None else lambda value: read_at(value, side)

    def one(row: int) -> Film:
        try:
            return check_film(decode(cells.values[row]))
        except CellError as error:
            error.row, error.column = row, cells.name
            raise

    workers = min(8, os.cpu_count() or 1)
    waiting: deque[tuple[int, Future[Film]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for row in np.flatnonzero(cells.present).tolist():
                if len(waiting) >= 2 * workers:
                    first, film = waiting.popleft()
                    yield first, film.result()
                waiting.append((row, pool.submit(one, row)))
            while waiting:
                first, film = waiting.popleft()
                yield first, film.result()
        finally:
            for _, film in waiting:
                film.cancel()
