"""Words of a text; Chinese by the words of jieba where it is installed, else by character."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from consilience.encoders.text._segment import choose_segmenter, cut, pattern
from consilience.judge.explain._anatomy import Anatomy, chunks

__all__ = ["TextAnatomy", "spans"]


def spans(text: str) -> list[tuple[int, int]]:
    """Where each word begins and ends; emoji and signs that mean something are words too.

    >>> [text[a:b] for text in ["It's 12.5 kg, good!"] for a, b in spans(text)]
    ["It's", '12.5', 'kg', 'good', '!']
    """
    by_words = choose_segmenter("auto", [text]).method == "jieba"
    found: list[tuple[int, int]] = []
    for match in pattern().finditer(text):
        start, end = match.span()
        if match.lastgroup == "han" and by_words:
            for word in cut(match.group()):
                found.append((start, start + len(word)))
                start += len(word)
        elif match.lastgroup in ("han", "hiragana"):
            found += [(place, place + 1) for place in range(start, end)]
        else:
            found.append((start, end))
    return found


class TextAnatomy(Anatomy):
    """An atom is a word with the blanks behind it; a masked one is left out."""

    unit: ClassVar[str] = "word"
    filled: ClassVar[str] = "left out"
    rounds: ClassVar[int] = 3

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(str(decoded), generator)
        self.spans = spans(self.decoded) or [(0, len(self.decoded))]
        self.atoms = len(self.spans)
        starts = [start for start, _ in self.spans]
        self.pieces = [self.decoded[a:b] for a, b in zip(starts, [*starts[1:], len(self.decoded)], strict=True)]

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        return chunks(group, into)

    def masked(self, kept: np.ndarray) -> Any:
        return "".join(piece for piece, there in zip(self.pieces, kept.tolist(), strict=True) if there).strip()

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        start, end = self.spans[int(group[0])][0], self.spans[int(group[-1])][1]
        return self.decoded[start:end], {"start": start, "end": end}
