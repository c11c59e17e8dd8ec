"""A column that is read a second time as another kind: the sound of a film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from consilience.data.table._table import Table

__all__ = ["again", "name_again"]


def name_again(column: str, kind: str) -> str:
    """What the second reading of a column is called.

    >>> name_again("clip", "audio")
    'clip as audio'
    """
    return f"{column} as {kind}"


def again(table: Table, also: Mapping[str, str]) -> Table:
    """The table with a copy of each named column that it has, beside the others.

    Args:
        also: Column to the kind that its copy is to be.

    >>> import polars as pl
    >>> again(Table(pl.DataFrame({"clip": ["a.mp4"]})), {"clip": "audio"}).columns
    ['clip', 'clip as audio']
    """
    frame, bases = table.frame, dict(table.bases)
    for column, kind in also.items():
        name = name_again(column, kind)
        if column in frame.columns and name not in frame.columns:
            frame = frame.with_columns(frame[column].alias(name))
            if column in bases:
                bases[name] = bases[column]
    return table if frame is table.frame else replace(table, frame=frame, bases=bases)
