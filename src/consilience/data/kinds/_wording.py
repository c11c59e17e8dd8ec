"""Changes of a text that leave its meaning: typing errors and lost words. Sources: Belinkov and Bisk (2018), Wei and Zou (2019)."""

from __future__ import annotations

import numpy as np

__all__ = ["drop_words", "typos", "typos_by_severity", "words_by_severity"]


def swap_letters(text: str, share: float, generator: np.random.Generator) -> str:
    """Each letter changes place with the next one with probability ``share``."""
    letters = list(text)
    hits = np.flatnonzero(generator.random(max(0, len(letters) - 1)) < share)
    if share > 0 and not len(hits) and len(letters) > 1:
        hits = generator.integers(len(letters) - 1, size=1)
    for place in hits.tolist():
        letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)


def lose_words(text: str, share: float, generator: np.random.Generator) -> str:
    """Each word is lost with probability ``share``; one is always left. A text without spaces loses characters."""
    spaced = len(text.split()) > 1
    parts = text.split() if spaced else list(text)
    if len(parts) < 2 or share <= 0:
        return text
    keep = generator.random(len(parts)) >= share
    if not keep.any():
        keep[generator.integers(len(parts))] = True
    return (" " if spaced else "").join(part for part, kept in zip(parts, keep, strict=True) if kept)


def typos_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """2 % of the letters swapped at severity 1, 20 % at 5."""
    return swap_letters(decoded, (0.0, 0.02, 0.04, 0.08, 0.14, 0.2)[severity], generator)


def words_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """10 % of the words lost at severity 1, 60 % at 5."""
    return lose_words(decoded, (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)[severity], generator)


def typos(decoded: str, generator: np.random.Generator) -> str:
    """2 % of the letters swapped."""
    return swap_letters(decoded, 0.02, generator)


def drop_words(decoded: str, generator: np.random.Generator) -> str:
    """10 % of the words lost."""
    return lose_words(decoded, 0.1, generator)
