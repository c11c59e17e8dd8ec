"""Rows with their cells: the surest right ones and the surest mistakes, the closest and the farthest numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from consilience.data.kinds import Cells
from consilience.report._material import Judged, Material, short

__all__ = ["Example", "Group", "Shown", "answer_text", "make_examples", "pick_examples", "shown_row"]

ROWS, LEAST_ROWS = 24, 8
PICTURES = 40
COLUMNS = 12
LARGEST = 60_000
"""Characters that one cell may take in the page."""


@dataclass(frozen=True)
class Shown:
    """A cell: its column and a piece of safe HTML, or None where it is absent."""

    column: str
    html: Markup | None


@dataclass(frozen=True)
class Example:
    """A row of the table."""

    row: str
    said: str
    true: str
    sure: str
    right: bool
    pictures: tuple[Shown, ...]
    cells: tuple[Shown, ...]
    more: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Examples under one heading."""

    title: str
    examples: tuple[Example, ...]


def make_examples(material: Material, judged: Judged) -> tuple[str, tuple[Group, ...]]:
    """A sentence, and two groups of rows; empty groups are left out."""
    words, media = material.words, _media(judged)
    each = max(1, PICTURES // _most(media))
    decoded = material.task.decode(judged.scored.output)
    said = decoded["prediction"]
    number = material.task.target.task == "regression"
    sure = None if number else np.asarray(decoded["probability"], dtype=float)
    right = np.zeros(len(said), dtype=bool) if number else _right(judged, said)
    picked = pick_examples(material, judged)
    groups = tuple(
        Group(words(f"examples.{title}"), tuple(_example(material, judged, row, said[row], sure, bool(right[row]), media, each) for row in rows))
        for title, rows in picked.items()
        if rows
    )
    if not picked.get("far", picked.get("wrong")):
        return words("examples.no_mistake"), groups
    shown = groups[0].examples[0]
    key = "examples.conclusion_far" if number else "examples.conclusion"
    return words(key, sure=shown.sure, predicted=shown.said, true=shown.true), groups


def pick_examples(material: Material, judged: Judged) -> dict[str, list[int]]:
    """Places of rows among those scored: ``far`` and ``close`` for numbers, ``wrong`` and ``right`` else, the most telling first."""
    media = _media(judged)
    total = _most(media)
    if material.task.target.task == "regression":
        off = np.abs(judged.encoded - judged.scored.scores.reshape(-1))
        order = np.argsort(off, kind="stable")
        far = order[::-1][: min(total // 2, len(order) // 2)]
        return {"far": far.tolist(), "close": order[: min(total // 2, len(order) - len(far))].tolist()}
    decoded = material.task.decode(judged.scored.output)
    said, right = decoded["prediction"], _right(judged, decoded["prediction"])
    order = np.argsort(-np.asarray(decoded["probability"], dtype=float), kind="stable")
    wrong = _varied(order[~right[order]], said, total // 2)
    return {"wrong": wrong, "right": _varied(order[right[order]], said, total - len(wrong) if media else total // 2)}


def _media(judged: Judged) -> list[str]:
    """Columns with pictures."""
    dataset = judged.scored.dataset
    return [name for name, cells in dataset.cells.items() if cells.kind.media and name not in dataset.absent_columns]


def _most(media: list[str]) -> int:
    """Rows that are shown at most."""
    return min(ROWS, max(LEAST_ROWS, PICTURES // len(media))) if media else ROWS


def _right(judged: Judged, said: list[Any]) -> np.ndarray:
    target = judged.scored.dataset.target
    assert target is not None
    pairs = zip(said, target, strict=True)
    return np.array([set(one) == set(other) if isinstance(one, list) else one == other for one, other in pairs], dtype=bool)


def _varied(order: np.ndarray, said: list[Any], count: int) -> list[int]:
    """The first ``count`` of an order, each answer at most three times as long as there are others."""
    seen: Counter[str] = Counter()
    first: list[int] = []
    rest: list[int] = []
    for row in order.tolist():
        seen[str(said[row])] += 1
        (first if seen[str(said[row])] <= 3 else rest).append(row)
    kept = set([*first, *rest][:count])
    return [row for row in order.tolist() if row in kept]


def _example(material: Material, judged: Judged, row: int, said: Any, sure: np.ndarray | None, right: bool, media: list[str], each: int) -> Example:
    numbers, dataset = material.numbers, judged.scored.dataset
    assert dataset.target is not None
    if sure is not None:
        note = numbers.share(float(sure[row]))
    else:
        truth = dataset.target[row]
        ratio = float(said) / float(truth) if material.task.target.log else float(said) - float(truth)
        note = f"× {numbers.plain(ratio)}" if material.task.target.log else ("+" if ratio > 0 else "") + numbers.plain(ratio)
    return shown_row(material, judged, row, said, note, right=right, media=media, each=each)


def shown_row(
    material: Material, judged: Judged, row: int, said: Any, note: str, *, right: bool, media: list[str] | None = None, each: int = 3
) -> Example:
    """A row with its cells, what is said of it, and ``note`` beside that.

    Args:
        row: Its place among the rows that were scored.
        media: Columns with pictures; found where they are not given.
        each: How many of these are shown.
    """
    words, dataset = material.words, judged.scored.dataset
    assert dataset.target is not None
    media, truth = _media(judged) if media is None else media, dataset.target[row]
    # Words say most, so they come first; then what is there before what is not.
    plain = sorted(
        (cells for name, cells in dataset.cells.items() if name not in media and name not in dataset.absent_columns),
        key=lambda cells: (not cells.present[row], cells.kind.modality == "table"),
    )
    pictures = [dataset.cells[name] for name in media]
    more = []
    if len(pictures) > each:
        more.append(words("examples.more_media", count=len(pictures) - each))
    if len(plain) > COLUMNS:
        more.append(words("examples.more", count=len(plain) - COLUMNS))
    return Example(
        row=words("examples.row", row=f"{int(dataset.rows[row]):,}"),
        said=answer_text(material, said),
        true=answer_text(material, truth),
        sure=note,
        right=right,
        pictures=tuple(_shown(material, cells, row) for cells in pictures[:each]),
        cells=tuple(_shown(material, cells, row) for cells in plain[:COLUMNS]),
        more=tuple(more),
    )


def answer_text(material: Material, value: Any) -> str:
    """A class, a list of labels or a number, for a card."""
    if isinstance(value, list | tuple | np.ndarray):
        return short(material.words("join.comma").join(map(str, value)) or material.words("examples.empty"), 120)
    return short(value, 80) if isinstance(value, str) else material.numbers.plain(float(value))


def _shown(material: Material, cells: Cells, row: int) -> Shown:
    if not cells.present[row]:
        return Shown(short(cells.name), None)
    html = cells.kind.thumbnail(cells.values[row])
    # A kind promises safe HTML; its size is another matter, and the page has to stay small.
    return Shown(short(cells.name), Markup(html) if len(html) <= LARGEST else Markup.escape(material.words("examples.too_large")))  # noqa: S704
