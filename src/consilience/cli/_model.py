"""Opening a model, and showing what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consilience.cli._output import number, safe

if TYPE_CHECKING:
    from rich.table import Table

    from consilience.api import Model

__all__ = ["class_table", "metric_table", "open_model", "plain_table"]


def open_model(folder: str, cache: str | None) -> Model:
    """The model in a folder, verified."""
    from consilience.api import load

    return load(folder, cache=cache)


def plain_table(*titles: str, right: tuple[str, ...] = ()) -> Table:
    """A table without frames; the first column does not shrink, those in ``right`` hold numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", no_wrap=title in right, overflow="fold")
    return table


def metric_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """Each metric with its interval."""
    table = plain_table("metric", "value", "95 % interval", right=("value", "95 % interval"))
    for name, found in metrics.items():
        table.add_row(name, number(found["value"]), f"{number(found['low'])} to {number(found['high'])}")
    return table


def class_table(by_class: Mapping[str, Mapping[str, Any]], limit: int = 30) -> Table:
    """Each class by itself, in the order of the classes."""
    table = plain_table("class", "precision", "recall", "f1", "rows", right=("precision", "recall", "f1", "rows"))
    for name, found in list(by_class.items())[:limit]:
        table.add_row(safe(name), number(found["precision"]), number(found["recall"]), number(found["f1"]), f"{int(found['support']):,}")
    if len(by_class) > limit:
        table.caption = f"and {len(by_class) - limit:,} more classes; --json shows all"
    return table
