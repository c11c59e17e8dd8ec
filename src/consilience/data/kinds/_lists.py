"""Lists written into one cell: which mark parts the items of a column, and the items."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consilience.data.kinds._words import count_words

__all__ = ["JSON", "MARKS", "Parting", "best_parting", "split_cell"]

JSON = "json"
MARKS = ("|", ";", "；", "、", "，", ",")


@dataclass(frozen=True)
class Parting:
    """How well a mark parts a column's cells into items of a set.

    Args:
        mark: The mark, or ``"json"``.
        several: Share of the cells with more than one item.
        again: Share of the items (over different cells) that also stand in another cell. Sets share items; sentences and addresses hardly do.
        items: How many different items there are.
        score: 0 to 1.
    """

    mark: str
    several: float
    again: float
    items: int
    score: float


def split_cell(text: str, mark: str) -> list[str]:
    """The items of a cell, each once, in the order of the cell.

    >>> split_cell("a| b |a|", "|"), split_cell('["x", "y"]', "json"), split_cell("{a, b}", ",")
    (['a', 'b'], ['x', 'y'], ['a', 'b'])
    """
    listed = read_json(text) if text[:1] == "[" else None
    if listed is None:
        if text[:1] + text[-1:] in ("[]", "{}", "()"):
            text = text[1:-1]
        listed = text.split(mark) if mark and mark != JSON else [text]
    stripped = (item.strip().strip("'\"").strip() for item in listed)
    return list(dict.fromkeys(item for item in stripped if item))


def best_parting(texts: Sequence[str]) -> Parting:
    """The mark that makes the best set of the cells; an empty mark where none does."""
    different = list(dict.fromkeys(texts))
    if not different:
        return Parting("", 0.0, 0.0, 0, 0.0)
    if sum(text[:1] == "[" and read_json(text) is not None for text in different) > 0.9 * len(different):
        return rate(different, texts, JSON)
    rated = [rate(different, texts, mark) for mark in MARKS if any(mark in text for text in different)]
    best = max(rated, key=lambda parting: parting.score, default=Parting("", 0.0, 0.0, 0, 0.0))
    if best.score > 0 or not rated:
        return best
    return max(rated, key=lambda parting: parting.several)


def rate(different: Sequence[str], texts: Iterable[str], mark: str) -> Parting:
    cells = [split_cell(text, mark) for text in different]
    several = sum(len(items) > 1 for items in cells) / len(cells)
    counts = Counter(item for items in cells for item in items)
    total = sum(counts.values())
    if not total:
        return Parting(mark, several, 0.0, 0, 0.0)
    again = sum(count for count in counts.values() if count > 1) / total
    if mark == JSON:
        return Parting(mark, several, again, len(counts), 0.95)
    crowd = 0.5 if total > 12 * len(cells) else 1.0
    words = sum(count_words(item) for item in counts) / len(counts)
    length = sum(map(len, counts)) / len(counts)
    if words > 4 or length > 40 or not several or len(different) < 2 or placed(cells):
        return Parting(mark, several, again, len(counts), 0.0)
    # A weak mark (comma) also stands in sentences and in names such as "Smith, John".
    need = 0.5 if mark in "|;；、" or words <= 1.2 else 0.65
    score = 0.96 * min(1.0, again / (need + 0.25)) if again >= need else 0.2 * again
    many = several if len(different) > 10 else max(several, 0.2)
    return Parting(mark, several, again, len(counts), score * min(1.0, 0.5 + 5 * many) * (1.0 if words <= 2.5 else 0.8) * crowd)


def placed(cells: Sequence[Sequence[str]]) -> bool:
    """True if every cell has the same number of items and each item keeps to one place: then it is a record ("Austin, TX"), not a set."""
    width = len(cells[0])
    if width < 2 or len(cells) < 5 or any(len(items) != width for items in cells):
        return False
    places = [set(column) for column in zip(*cells, strict=True)]
    return sum(map(len, places)) == len(set().union(*places))


def read_json(text: str) -> list[str] | None:
    """The items of a JSON list or of a list as Python writes it; None if it is neither."""
    for spelled in (text, text.replace("'", '"')):
        try:
            listed = json.loads(spelled)
        except (ValueError, RecursionError):
            continue
        if isinstance(listed, list) and not any(isinstance(item, list | dict) for item in listed):
            return [item if isinstance(item, str) else json.dumps(item) for item in listed if item is not None]
    return None
