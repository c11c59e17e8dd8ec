"""Dates and times, as typed or as written. Source: ISO 8601, RFC 3339. When moments are meant; not for years alone or durations."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import shorten
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import UNKNOWN, clean, clean_sample
from consilience.data.kinds._dates import date_form, iso, read_date

__all__ = ["DateKind"]

CARD = Card(
    summary="Dates and times in many spellings; day or month first is decided per column.",
    source="ISO 8601 (2019), RFC 3339 (2002)",
)

WORDS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


class DateKind(Kind):
    """Moments: the value is float64 seconds since 1970 UTC, NaN where absent. A moment without a zone counts as UTC.

    >>> DateKind().parse(pl.Series(["1970-01-02", "2 Jan 1970", "1970年1月2日", "soon"])).values.tolist()
    [86400.0, 86400.0, 86400.0, nan]
    """

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if dtype in (pl.Date, pl.Datetime):
            return Evidence(1.0, "the cells are dates")
        if dtype != pl.String and not dtype.is_integer():
            return Evidence(0.0, f"the cells are {dtype}, not dates")
        texts = clean_sample(profile.sample, UNKNOWN)
        if not texts or not any(map(str.isdigit, "".join(texts[:50]))):
            return Evidence(0.0, "no cell has a digit")
        form = date_form(texts)
        share = sum(read_date(text, form) is not None for text in texts) / len(texts)
        reason = f"{share:.0%} of the filled cells are dates"
        other = {"dmy": "mdy", "mdy": "dmy"}.get(form)
        settled = sum(read_date(text, form) is not None and read_date(text, other) is None for text in texts) if other else 0
        differ = any(read_date(text, form) != read_date(text, other) for text in texts) if other else False
        if settled or form == "ymd":
            reason += f", {WORDS[form]}" + (f" ({settled:,} cells leave no other reading)" if settled else "")
        elif differ:
            reason += f", taken as {WORDS[form]} (no cell settles it)"
        if dtype.is_integer() or all(text.isdigit() for text in texts):
            # Eight digits that are all calendar days are no chance once there are a few of them.
            return Evidence(0.95 if share == 1 and len(texts) >= 5 else 0.0, f"{reason} of eight digits")
        return Evidence(0.96 * share**2, reason)

    def form(self, column: pl.Series) -> str:
        """``"dmy"``, ``"mdy"`` or ``"ymd"``."""
        return date_form(clean(column, UNKNOWN).drop_nulls().unique(maintain_order=True)) if column.dtype == pl.String else "dmy"

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.parse_as(column, base, self.form(column))

    def parse_as(self, column: pl.Series, base: Path | None, form: str) -> Parsed:
        if column.dtype in (pl.Date, pl.Datetime):
            values = column.cast(pl.Datetime("us")).dt.epoch("us").to_numpy() / 1e6
            return Parsed(values.astype(np.float64), ~np.isnan(values))
        text = clean(column, UNKNOWN)
        values = np.full(len(text), np.nan)
        problems: dict[int, str] = {}
        for row, cell in enumerate(text):
            if cell is None:
                continue
            seconds = read_date(cell, form)
            if seconds is None:
                problems[row] = f"{shorten(cell)} is not a date."
            else:
                values[row] = seconds
        return Parsed(values, ~np.isnan(values), problems)

    def thumbnail(self, value: Any) -> str:
        return escape(iso(float(value)))
