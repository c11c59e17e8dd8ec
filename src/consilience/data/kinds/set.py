"""Sets of labels in one cell: tags, genres, symptoms. Source: Tsoumakas and Katakis (2007). When items repeat across rows; not for sentences."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import cell_text, clean, clean_sample, objects
from consilience.data.kinds._lists import JSON, best_parting, split_cell
from consilience.data.kinds._numbers import mostly_numbers

__all__ = ["SetKind"]

CARD = Card(
    summary="Lists of short items in a cell: a|b|c, a;b, JSON lists, native lists.",
    source="Tsoumakas and Katakis (2007), multi-label classification",
)


class SetKind(Kind):
    """Several names at once: the value is a ``list[str]`` without repeats, in the order of the cell. ``[]`` is a set with nothing in it, and present.

    The mark between the items is decided per column, such that items repeat across rows.

    >>> SetKind().parse(pl.Series(["a|b", "b", None, "c| a"])).values.tolist()
    [['a', 'b'], ['b'], None, ['c', 'a']]
    """

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if isinstance(dtype, pl.List | pl.Array):
            return Evidence(0.98, "the cells are lists")
        if dtype != pl.String:
            return Evidence(0.0, f"the cells are {dtype}, not lists")
        texts = clean_sample(profile.sample)
        if not texts:
            return Evidence(0.0, "no cell is filled")
        if mostly_numbers(texts, 0.8):
            return Evidence(0.0, "the cells are numbers")
        best = best_parting(texts)
        if not best.mark or best.several == 0:
            return Evidence(0.0 if best.mark != JSON else 0.5, "no cell holds several items")
        how = "JSON lists" if best.mark == JSON else f"items parted by {best.mark!r}"
        return Evidence(best.score, f"{how}, {best.items:,} different, {best.again:.0%} of them also in other cells")

    def form(self, column: pl.Series) -> str:
        """The mark between items, or ``"json"``; empty where a cell is one item."""
        if column.dtype != pl.String:
            return ""
        different = clean(column).drop_nulls().unique(maintain_order=True)
        return best_parting(different.gather_every(max(1, len(different) // 2000)).to_list()).mark

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.parse_as(column, base, self.form(column))

    def parse_as(self, column: pl.Series, base: Path | None, form: str) -> Parsed:
        if isinstance(column.dtype, pl.List | pl.Array):
            native = [None if cell is None else _names(cell) for cell in column]
            values = objects(native, len(native))
        else:
            text = clean(column)
            items = {cell: split_cell(cell, form) for cell in text.drop_nulls().unique()}
            values = objects((None if cell is None else list(items[cell]) for cell in text.to_list()), len(column))
        return Parsed(values, objects((value is not None for value in values), len(values)).astype(bool))

    def thumbnail(self, value: Any) -> str:
        text = ", ".join(value)
        return escape(text if len(text) <= 120 else f"{text[:119]}…")


def _names(cell: pl.Series) -> list[str]:
    texts = (cell_text(item) for item in cell)
    return list(dict.fromkeys(text.strip() for text in texts if text is not None and text.strip()))
