"""Who is taken for whom: a heat map for up to 30 classes, the worst pairs beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consilience.metrics.by_class import confusion
from consilience.report._material import Judged, Material, short

__all__ = ["Cell", "Confusion", "make_confusion"]

DRAWN_UP_TO = 30
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
    names = tuple(short(name, 22) for name in classes)
    size = 92 if len(classes) == 2 else 64 if len(classes) <= 5 else 48 if len(classes) <= 10 else 34 if len(classes) <= 20 else 26
    longest = max((len_shown(name) for name in names), default=1)
    left = round(min(180, max(92, 16 + 7.2 * longest)))
    drawn = len(classes) <= DRAWN_UP_TO
    cells = [
        Cell(
            x=left + column * size,
            y=row * size,
            text=_count(int(table[row, column])),
            shade=round(float(table[row, column] / support[row]), 3) if support[row] else 0.0,
            right=row == column,
            hint=f"{short(classes[row], 40)} → {short(classes[column], 40)}: {table[row, column]:,}",
        )
        for row in range(len(classes))
        for column in range(len(classes))
        if drawn
    ]
    title = words("confusion.plot") if drawn else words("confusion.pairs", count=len(pairs), classes=len(classes))
    return Confusion(
        conclusion=_conclusion(material, table, pairs),
        title=title,
        legend=words("confusion.legend") if drawn else "",
        cells=tuple(cells),
        names=names if drawn else (),
        size=size,
        left=left,
        top=round(min(120, 24 + 4.4 * longest)),
        header=tuple(words(f"column.{name}") for name in ("true", "predicted", "rows", "share")),
        pairs=tuple(
            (short(classes[row], 60), short(classes[column], 60), f"{table[row, column]:,}", numbers.share(table[row, column] / support[row]))
            for row, column in pairs
        ),
    )


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
