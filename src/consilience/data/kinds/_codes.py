"""Integers that are names: zip codes, class numbers, flags."""

from __future__ import annotations

import re

import numpy as np

from consilience.data.kinds._names import CODE_WORDS, words

__all__ = ["code_reason"]

WHOLE = re.compile(r"-?\d+(?:\.0+)?")


def code_reason(name: str, texts: list[str], distinct: int, rows: int) -> str:
    """Why numbers of this column would be codes, as a clause; empty if nothing speaks for it.

    Args:
        name: The column's name.
        texts: A sample of its filled cells.
        distinct: How many different filled cells the column has.
        rows: How many filled cells it has.
    """
    if not texts or not all(WHOLE.fullmatch(text) for text in texts):
        return ""
    zeros = sum(len(text) > 1 and text[0] == "0" and text[1] != "." for text in texts)
    if zeros:
        return f"{zeros / len(texts):.0%} of the cells are digits with a zero in front, which a number would lose"
    repeats = rows / max(1, distinct)
    if CODE_WORDS & set(words(name)) and (repeats >= 1.5 or len(texts) < 20):
        return f"whole numbers that repeat ({distinct:,} different in {rows:,} cells) under the name of a code"
    values = np.unique(np.array([int(float(text)) for text in texts if len(text) < 300]))  # more digits are an infinite float
    if len(values) < 3 or repeats < 5 or rows < 20:
        return ""
    low, high = int(values[0]), int(values[-1])
    if low >= 1900 and high <= 2100:  # years
        return ""
    width = len(str(low))
    if low > 0 and width >= 4 and len(str(high)) == width and np.mean(values % 10 == 0) < 0.5 and len(values) < 0.1 * (high - low):
        return f"whole numbers of {width} digits each, only {distinct:,} different in {rows:,} cells"
    if len(values) <= 30 and repeats >= 10 and low >= 0 and len(values) < 0.25 * (high - low) and np.mean(values % 10 == 0) < 0.5:
        return f"only {distinct:,} different whole numbers between {low:,} and {high:,}, with wide gaps between them"
    return ""
