"""Free text in any language. Source: none needed. When cells are phrases or sentences; not for short values that repeat."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import as_text, clean_sample, filled, objects
from consilience.data.kinds._numbers import mostly_numbers
from consilience.data.kinds._wording import WORDING, drop_words, typos
from consilience.data.kinds._words import count_words, share_of_files

__all__ = ["TextKind"]

CARD = Card(
    summary="Free text, English and Chinese and any other language; only a blank cell is absent.",
    source="Corruptions after Belinkov and Bisk (2018) and Wei and Zou (2019)",
)


class TextKind(Kind):
    """Phrases, sentences, documents: the value is the text without the blanks at its ends. ``NA`` is a text like any other.

    >>> TextKind().parse(pl.Series([" a red cube ", "", "NA"])).values.tolist()
    ['a red cube', None, 'NA']
    """

    modality = "text"
    corruptions = WORDING
    augmentations: ClassVar = {"typos": typos, "drop_words": drop_words}

    def sniff(self, profile: Profile) -> Evidence:
        if profile.column.dtype not in (pl.String, pl.Categorical, pl.Enum):
            return Evidence(0.0, f"the cells are {profile.column.dtype}, not text")
        texts = clean_sample(profile.sample)
        if not texts:
            return Evidence(0.0, "no cell is filled")
        if mostly_numbers(texts):
            return Evidence(0.02, "nearly all cells are numbers")
        count = sum(count_words(text) for text in texts) / len(texts)
        new = min(1.0, 2 * profile.distinct / len(profile.filled))
        many = min(1.0, max(0.0, (count - 1) / 4))
        # Sentences stay text when they repeat (questions out of templates); short phrases that repeat are names.
        names = 0.7 * (1 - new) * (1 - min(1.0, max(0.0, (count - 4.5) / 4)))
        reason = f"{count:.1f} words per cell, {profile.distinct:,} different in {len(profile.filled):,} cells"
        files = 1 - 0.8 * share_of_files(texts[:200]) if count < 3 else 1.0
        return Evidence(0.92 * (0.25 + 0.75 * many) * (1 - names) * files, reason)

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        text = as_text(column)
        return Parsed(objects(text, len(text)), filled(text))

    def key(self, value: Any) -> bytes:
        return str(value).encode("utf-8", errors="surrogatepass")

    def thumbnail(self, value: Any) -> str:
        text = str(value)
        return escape(text if len(text) <= 200 else f"{text[:199]}…")
