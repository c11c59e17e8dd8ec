"""A long table piece by piece, so that memory does not grow with its features, under one count of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from consilience.core.progress import Progress, Step
from consilience.data.kinds import KINDS
from consilience.data.kinds._forms import Formed
from consilience.data.schema import Schema
from consilience.data.table import Table

__all__ = ["Together", "piece_size", "pieces"]

PIECE, MEDIA_PIECE = 48 * 1024, 8 * 1024
"""Rows that are worked on at once; fewer where a cell's features are a thousand numbers and more. Both are whole batches of the networks."""


def piece_size(schema: Schema, rows: int) -> int:
    """Rows of one piece of a table of ``rows``."""
    if rows <= 1:
        return 1
    kinds = {column.name: KINDS.get(column.kind)() for column in schema.features()}
    if any(isinstance(kinds[column.name], Formed) and not column.examples for column in schema.features()):
        return max(1, rows)  # nothing was learned of how its cells are written: only all of them together tell
    return PIECE if all(kind.modality == "table" for kind in kinds.values()) else MEDIA_PIECE


def pieces(table: Table, size: int) -> Iterator[tuple[int, Table]]:
    """First row and rows of each piece, in order; one piece of no rows for an empty table."""
    for first in range(0, max(1, len(table)), size):
        yield first, Table(table.frame.slice(first, size), table.bases, table.source)


class Together:
    """The progress of all pieces as one: their steps count rows of the whole, and what several of them say is said once.

    Args:
        outer: The step that the person sees.
        progress: Where it is shown.
        steps: How many steps the work on a piece has, about; each counts for an equal share of its rows.
    """

    def __init__(self, outer: Step, progress: Progress, steps: int) -> None:
        self.outer, self.progress, self.steps = outer, progress, max(1, steps)
        self.said: set[str] = set()
        self.rows = self.counted = 0
        self.done = 0.0

    @contextmanager
    def piece(self, rows: int) -> Iterator[None]:
        """The work on one piece of so many rows."""
        self.rows, self.counted, self.done = rows, 0, 0.0
        yield
        self.outer.advance(rows - self.counted)

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        """A share of the piece's rows."""
        together = self

        class Share:
            def advance(self, amount: int = 1) -> None:
                together.count(together.rows * amount / max(1, total) / together.steps)

            def note(self, text: str) -> None:
                """Steps of pieces say nothing by themselves."""

        yield Share()

    def count(self, rows: float) -> None:
        """Goes on by so many rows, in whole ones, and never past the end of the piece."""
        self.done += rows
        whole = min(int(self.done), self.rows)
        if whole > self.counted:
            self.outer.advance(whole - self.counted)
            self.counted = whole

    def say(self, text: str) -> None:
        if text not in self.said:
            self.said.add(text)
            self.progress.say(text)
