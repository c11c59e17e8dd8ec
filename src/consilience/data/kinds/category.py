"""Short values that repeat: names of classes, flags, codes. Source: none needed. When few values share many rows; not for sentences and amounts."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import SMALL, clean, clean_sample, filled, objects
from consilience.data.kinds._codes import code_reason
from consilience.data.kinds._numbers import mostly_numbers
from consilience.data.kinds._words import count_words, share_of_files

__all__ = ["CategoryKind"]

CARD = Card(
    summary="Short values that repeat: classes, flags in five spellings, codes such as zip codes.",
    source="Categorical variables (Stevens 1946, nominal scale)",
)

TRUE = {"true": "false", "yes": "no", "y": "n", "t": "f", "1": "0", "on": "off", "是": "否"}
FALSE = {no: yes for yes, no in TRUE.items()}
WHOLE = re.compile(r"-?\d+\.0+")


class CategoryKind(Kind):
    """Names out of a list: the value is the stripped text; ``3.0`` and the number 3 are ``"3"``.

    A column of yes and no is read in the spelling it had first: if a model learned ``yes`` and ``no``, then ``TRUE``, ``y`` and ``1`` are ``yes``.
    A column that mixes spellings is read as ``true`` and ``false``.

    >>> CategoryKind().parse(pl.Series(["Y", "no", "TRUE", " "])).values.tolist()
    ['true', 'false', 'true', None]
    """

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if dtype == pl.Boolean:
            return Evidence(0.98, "the cells are true and false")
        if dtype.is_temporal() or dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            return Evidence(0.0, f"the cells are {dtype}")
        if dtype.is_float() and any(value % 1 for value in profile.sample):
            return Evidence(0.02, "numbers with decimals")
        texts = clean_sample(profile.sample)
        if not texts:
            return Evidence(0.0, "no cell is filled")
        rows, distinct = len(profile.filled), profile.distinct
        counted = f"{distinct:,} different values in {rows:,} cells"
        if distinct <= 2 * len(TRUE) * 3 and _truth({text.lower().removesuffix(".0") for text in texts}):
            return Evidence(0.97, f"the cells are yes and no in the spelling {', '.join(sorted(set(texts))[:6])}")
        repeats = rows / distinct
        if dtype.is_numeric() or mostly_numbers(texts, 0.95):
            if code := code_reason(profile.name, texts, distinct, rows):
                return Evidence(0.8, code)
            return Evidence(0.4 if distinct <= 20 and repeats >= 5 else 0.02, f"numbers, {counted}")
        count = sum(count_words(text) for text in texts) / len(texts)
        length = sum(map(len, texts)) / len(texts)
        again = 1.0 if repeats >= 5 or (distinct <= 10 and repeats >= 2) else max(0.0, (repeats - 1) / 4) ** 0.5
        brief = float(np.clip(1 - 0.27 * (count - 3), 0.05, 1)) * float(np.clip(1.5 - length / 80, 0.05, 1))
        asked = sum(text.endswith(("?", "!", ". ", "？", "。", "！")) for text in texts) > 0.5 * len(texts) and count > 3
        typed = 0.96 if dtype in (pl.Categorical, pl.Enum) else 0.0
        files = 1 - 0.8 * share_of_files(texts[:200])
        return Evidence(max(typed, 0.92 * again * brief * files * (0.3 if asked else 1)), f"{counted}, {count:.1f} words each")

    def form(self, column: pl.Series) -> str:
        """The words for true and false as ``"yes|no"``; empty for a column that holds anything else."""
        distinct = _plain(clean(column)).drop_nulls().unique()
        if len(distinct) > 40:
            return ""
        spelled = {text.lower(): text for text in sorted(distinct)}
        if not spelled or not all(word in TRUE or word in FALSE for word in spelled):
            return ""
        yes = [word for word in spelled if word in TRUE]
        no = [word for word in spelled if word in FALSE]
        if len(distinct) == 2 and len(yes) == 1 and len(no) == 1:
            return f"{spelled[yes[0]]}|{spelled[no[0]]}"
        return "true|false" if yes and no else ""

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return self.parse_as(column, base, self.form(column))

    def parse_as(self, column: pl.Series, base: Path | None, form: str) -> Parsed:
        text = _plain(clean(column))
        if form:
            yes, no = form.split("|")
            lower = text.str.to_lowercase()
            own = text.is_in([yes, no]).fill_null(False)
            text = text.set(lower.is_in(list(TRUE)).fill_null(False) & ~own, yes).set(lower.is_in(list(FALSE)).fill_null(False) & ~own, no)
        return Parsed(objects(text, len(text)), filled(text))

    def thumbnail(self, value: Any) -> str:
        text = str(value)
        return escape(text if len(text) <= 80 else f"{text[:79]}…")


def _plain(text: pl.Series) -> pl.Series:
    """``3.0`` as ``3``: gaps turn whole numbers into floats on their way through other programs."""
    if len(text) <= SMALL:
        cells = [cell.rstrip("0")[:-1] if cell is not None and WHOLE.fullmatch(cell) else cell for cell in text.to_list()]
        return pl.Series(text.name, cells, dtype=pl.String)
    whole = text.str.contains(r"^-?\d+\.0+$").fill_null(False)
    return text.str.replace(r"\.0+$", "").zip_with(whole, text) if whole.any() else text


def _truth(words: set[str]) -> bool:
    return all(word in TRUE or word in FALSE for word in words) and any(word in TRUE for word in words) and any(word in FALSE for word in words)
