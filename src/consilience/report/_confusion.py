"""Who is taken for whom: a heat map of up to 30 classes; of more, the classes with most mistakes among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consilience.metrics.by_class import confusion
from consilience.report._material import Judged, Material, short

__all__ = ["Cell", "Confusion", "make_confusion"]

DRAWN_UP_TO = 30
PART = 20
"""Classes that are drawn where there are more."""
PAIRS = 20


@dataclass(frozen=True)
class Cell:
    """A square of the heat map: its place in pixels, its count, 0 to 1 how dark, and the words of its hint."""

    x: float
    y: float
    text: str
    shade: float
    right: bool
    hint: str


@dataclass(frozen=True)
class Confusion:
    """See the template. ``size`` is the side of a cell in pixels, ``left`` and ``top`` the room for the names."""

    conclusion: str
    title: str
    legend: str
    cells: tuple[Cell, ...]
    names: tuple[str, ...]
    size: int
    left: int
    top: int
    header: tuple[str, ...]
    pairs: tuple[tuple[str, ...], ...]

    @property
    def side(self) -> int:
        """All cells of a row together, in pixels."""
        return self.size * len(self.names)


def make_confusion(material: Material, judged: Judged) -> Confusion:
    """Counts by true and predicted class."""
    words, numbers, classes = material.words, material.numbers, material.task.target.classes
    table = confusion(judged.encoded, judged.scored.output.argmax(axis=1), len(classes))
    support = table.sum(axis=1)
    wrong = table - np.diag(np.diag(table))
    order = [int(place) for place in np.argsort(-wrong, axis=None, kind="stable")[:PAIRS] if wrong.flat[int(place)]]
    pairs = [divmod(place, len(classes)) for place in order]
    shown = list(range(len(classes))) if len(classes) <= DRAWN_UP_TO else _most_mistaken(wrong)
    names = tuple(short(classes[code], 22) for code in shown)
    size = 92 if len(shown) == 2 else 64 if len(shown) <= 5 else 48 if len(shown) <= 10 else 34 if len(shown) <= 20 else 26
    longest = max((len_shown(name) for name in names), default=1)
    left = round(min(180, max(92, 16 + 7.2 * longest)))
    cells = [
        Cell(
            x=left + x * size,
            y=y * size,
            text=_count(int(table[row, column])),
            shade=round(float(table[row, column] / support[row]), 3) if support[row] else 0.0,
            right=row == column,
            hint=f"{short(classes[row], 40)} → {short(classes[column], 40)}: {table[row, column]:,}",
        )
        for y, row in enumerate(shown)
        for x, column in enumerate(shown)
    ]
    part = len(shown) < len(classes)
    return Confusion(
        conclusion=_conclusion(material, table, pairs),
        title=words("confusion.part", count=len(shown), classes=len(classes)) if part else words("confusion.plot"),
        legend=words("confusion.legend"),
        cells=tuple(cells),
        names=names,
        size=size,
        left=left,
        top=round(min(120, 24 + 4.4 * longest)),
        header=tuple(words(f"column.{name}") for name in ("true", "predicted", "rows", "share")),
        pairs=tuple(
            (short(classes[row], 60), short(classes[column], 60), f"{table[row, column]:,}", numbers.share(table[row, column] / support[row]))
            for row, column in pairs
        ),
    )


def _most_mistaken(wrong: np.ndarray) -> list[int]:
    """The classes with most mistakes among them: from all, the one with fewest is left out until ``PART`` remain. Near each other: most alike."""
    both = wrong + wrong.T
    kept, among = list(range(len(both))), both.sum(axis=1).astype(float)
    while len(kept) > PART:
        least = min(kept, key=lambda code: among[code])
        kept.remove(least)
        among -= both[:, least]
    order = [max(kept, key=lambda code: among[code])]
    while len(order) < len(kept):
        rest = [code for code in kept if code not in order]
        order.append(max(rest, key=lambda code: (both[code, order[-1]], among[code])))
    return order


def len_shown(text: str) -> int:
    """How many Latin letters wide a text is."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _conclusion(material: Material, table: np.ndarray, pairs: list[tuple[int, int]]) -> str:
    words, numbers, classes = material.words, material.numbers, material.task.target.classes
    if not pairs:
        return words("confusion.perfect", rows=f"{table.sum():,}")
    row, column = pairs[0]
    return words(
        "confusion.conclusion",
        right=f"{np.trace(table):,}",
        rows=f"{table.sum():,}",
        true=short(classes[row], 60),
        predicted=short(classes[column], 60),
        count=f"{table[row, column]:,}",
        support=f"{table[row].sum():,}",
        share=numbers.share(table[row, column] / table[row].sum()),
    )


def _count(count: int) -> str:
    """What fits into a cell; nothing for zero."""
    return "" if not count else str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 10_000 else f"{count // 1000}k"
