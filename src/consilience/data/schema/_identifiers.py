"""Columns that only number the rows."""

from __future__ import annotations

import numpy as np

from consilience.data.kinds._cells import clean_sample
from consilience.data.kinds._names import looks_like_id, words
from consilience.data.kinds._words import count_words
from consilience.data.schema._described import Described

__all__ = ["identifier_reason"]

NEAR_UNIQUE = 0.98
TIMES = {"year", "yr", "month", "week", "day", "hour", "time", "step", "date", "age"}


def identifier_reason(column: Described) -> str:
    """Why the column only names its rows, as a sentence; empty where it may carry more than that."""
    rows = column.present
    if column.kind not in ("number", "category", "text") or rows < 3:
        return ""
    distinct = column.distinct
    if distinct < NEAR_UNIQUE * rows:
        return ""
    hinted = looks_like_id(column.name)
    counted = f"{distinct:,} different values in {rows:,} cells"
    if column.kind == "number":
        return number_reason(column.parsed.values[column.parsed.present], column.name, hinted, counted)
    texts = clean_sample(column.profile.sample)
    if not texts or (rows < 10 and not hinted):
        return ""
    # Free text is near-unique too: an identifier is one token.
    tokens = sum(count_words(text) <= 1.2 and not any(map(str.isspace, text)) for text in texts) / len(texts)
    if tokens < 0.98:
        return ""
    digits = sum(any(map(str.isdigit, text)) for text in texts) / len(texts)
    mails = sum("@" in text for text in texts) / len(texts)
    if digits > 0.8 or mails > 0.9:
        return f"It names the rows: {counted}, each one token with {'digits' if digits > 0.8 else 'an @'}."
    return f"It names the rows: {counted} under the name of an id." if hinted else ""


def number_reason(values: np.ndarray, name: str, hinted: bool, counted: str) -> str:
    if np.any(values != np.round(values)):
        return ""
    if hinted:
        return f"It names the rows: {counted}, whole numbers under the name of an id."
    low, high = float(values.min()), float(values.max())
    if len(values) < 10 or high - low + 1 > 2 * len(values) or TIMES & set(words(name)):
        return ""
    return f"It numbers the rows: {counted}, whole numbers from {low:,.0f} to {high:,.0f} that hardly leave one out."
