"""Numbers, as typed or as written. Source: Unicode CLDR number patterns. When amounts are meant; not for codes that happen to be digits."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import shorten
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import UNKNOWN, clean, clean_sample, filled
from consilience.data.kinds._codes import code_reason
from consilience.data.kinds._numbers import NOT_FINITE, fits, number_form, read_number

__all__ = ["NumberKind"]

CARD = Card(
    summary="Numbers with gaps, units, currencies and thousands marks of both conventions.",
    source="Unicode Common Locale Data Repository, number patterns",
)


class NumberKind(Kind):
    """Amounts: ``12 kg``, ``$1,200.50``, ``1.234,56``, ``45 %``, ``1e-3``; the value is float64, NaN where absent.

    The decimal mark and the unit are decided per column: a cell with another unit is absent, with a problem. A percent sign is a unit, so
    ``45 %`` is 45.
    NaN is a gap; an infinite number is absent with a problem.

    >>> NumberKind().parse(pl.Series(["1.234,5", "7", "n/a"])).values.tolist()
    [1234.5, 7.0, nan]
    """

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if dtype == pl.Boolean:
            return Evidence(0.1, "true and false can count as 1 and 0")
        if dtype == pl.Duration:
            return Evidence(0.95, "the cells are durations, counted in seconds")
        if not (dtype.is_numeric() or dtype == pl.String):
            return Evidence(0.0, f"the cells are {dtype}, not numbers")
        if dtype.is_float() and any(value % 1 for value in profile.sample):
            return Evidence(0.97, f"the cells are numbers with decimals, {profile.distinct:,} different")
        texts = clean_sample(profile.sample, UNKNOWN)
        if not texts:
            return Evidence(0.0, "no cell is filled")
        form = number_form(texts)
        share = sum(fits(text, form) for text in texts) / len(texts)
        reason = f"{share:.0%} of the filled cells are numbers, {profile.distinct:,} different"
        if form[1:]:
            reason += f", with the unit {form[1:]!r}"
        if form[0] == ",":
            reason += ", with a decimal comma"
        score = (0.92 if share >= 0.98 else 0.92 * share**3) * (0.85 if form[1:] and share < 1 else 1)
        if profile.distinct <= 2 and {text.removesuffix(".0") for text in texts} <= {"0", "1"}:
            return Evidence(0.3 * score, "the cells are 0 and 1")
        if code := code_reason(profile.name, texts, profile.distinct, len(profile.filled)):
            return Evidence(0.4 * score, f"{reason}; but they look like codes ({code})")
        return Evidence(score, reason)

    def form(self, column: pl.Series) -> str:
        """The decimal mark (``"."`` or ``","``) and the unit."""
        if column.dtype != pl.String:
            return "."
        text = clean(column, UNKNOWN).drop_nulls()
        numbers = text.cast(pl.Float64, strict=False)
        if not numbers.null_count():
            return "."
        odd = text.filter(numbers.is_null()).unique(maintain_order=True)
        # What reads as a plain number has a say as well ("1.5" beside "2,5"), but a few thousand cells settle it.
        odd = odd.gather_every(max(1, len(odd) // 5000))
        plain = text.unique(maintain_order=True).gather_every(max(1, len(text) // 5000))
        return number_form([*odd, *plain])

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.parse_as(column, base, self.form(column))

    def parse_as(self, column: pl.Series, base: Path | None, form: str) -> Parsed:
        dtype = column.dtype
        if dtype.is_numeric() or dtype == pl.Boolean:
            return _finish(column.cast(pl.Float64).to_numpy().astype(np.float64, copy=True), {})
        if dtype == pl.Duration:
            return _finish(column.dt.total_microseconds().cast(pl.Float64).to_numpy() / 1e6, {})
        text = clean(column, UNKNOWN)
        values = text.cast(pl.Float64, strict=False).to_numpy().astype(np.float64, copy=True)
        if form != "." and form[0] == ".":
            values = np.where(np.isnan(values), _without_unit(text, form[1:]), values)
        there = filled(text)
        slow = there & (~np.isfinite(values) if form[0] == "." else text.str.contains(r"\D").fill_null(False).to_numpy())
        problems: dict[int, str] = {}
        cells = text.to_list() if slow.any() else []
        for row in np.flatnonzero(slow).tolist():
            cell = cells[row]
            if cell.lower().lstrip("+-") in {"inf", "infinity"}:
                values[row] = np.inf
                continue
            number = read_number(cell, form[0])
            values[row] = np.nan
            if number is None:
                problems[row] = f"{shorten(cell)} is not a number."
            elif number.unit and form[1:] and number.unit != form[1:]:
                problems[row] = f"{shorten(cell)} has not the unit {form[1:]!r} of the other cells."
            else:
                values[row] = number.value
        return _finish(values, problems, cells)

    def thumbnail(self, value: Any) -> str:
        return escape(f"{value:,.6g}")


def _without_unit(text: pl.Series, unit: str) -> np.ndarray:
    """Most numbers with thousands marks and the column's unit, read all at once; NaN where a closer look is needed."""
    core = text.str.to_lowercase()
    core = core.str.strip_suffix(unit) if unit.isalpha() or unit in "%°" else core.str.strip_prefix(unit)
    core = core.str.strip_chars()
    grouped = core.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$").fill_null(False)
    return core.str.replace_all(",", "", literal=True).zip_with(grouped, core).cast(pl.Float64, strict=False).to_numpy()


def _finish(values: np.ndarray, problems: dict[int, str], cells: list[str] | None = None) -> Parsed:
    for row in np.flatnonzero(np.isinf(values)).tolist():
        problems[row] = f"{shorten(cells[row]) if cells else values[row]} {NOT_FINITE}"
        values[row] = math.nan
    values += 0.0  # -0.0 is 0.0, and has its key
    return Parsed(values, ~np.isnan(values), problems)
