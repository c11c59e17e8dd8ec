"""A row's cells as pieces of HTML, to be looked at beside what is said of the row."""

from __future__ import annotations

from html import escape

from consilience.data.schema import Dataset

__all__ = ["shown_cells"]

LARGEST = 60_000
"""Characters that one cell's picture may take."""


def shown_cells(dataset: Dataset, place: int) -> dict[str, str]:
    """Column to safe HTML, of the cells that the row at ``place`` has."""
    columns = (cells for name, cells in dataset.cells.items() if name not in dataset.absent_columns and cells.present[place])
    made = {cells.name: cells.kind.thumbnail(cells.values[place]) for cells in columns}
    return {name: html if len(html) <= LARGEST else escape("(too large to show)") for name, html in made.items()}
