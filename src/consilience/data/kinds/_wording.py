"""Changes of a text that mostly leave its meaning: slips of typing and reading, lost words. Sources: Belinkov and Bisk (2018), Wei and Zou (2019).

With the same generator a severity changes the places that the one before changed, and more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from consilience.data.kinds._alike import LOOK_ALIKE, NEIGHBOURS

__all__ = ["WORDING", "drop_words", "typos"]

SHARES = (0.0, 0.02, 0.05, 0.1, 0.17, 0.25)
"""Of the characters, by severity."""


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


def keyboard_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """The key beside for 2 % of the letters at severity 1, 25 % at 5; for Chinese, another character of the same sound."""
    return mistaken(decoded, SHARES[severity], generator, NEIGHBOURS)


def ocr_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """What a scanner takes 2 % of the characters for at severity 1, 25 % at 5: 0 for o, rn for m; for Chinese, a character that looks alike."""
    return mistaken(decoded, SHARES[severity], generator, LOOK_ALIKE)


def letters_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """2 % of the characters left out at severity 1, 25 % at 5; the blanks and one character stay."""
    return changed_letters(decoded, SHARES[severity], generator, lambda letter, draw: "", lambda letter: not letter.isspace()) or decoded[:1]


def case_by_severity(decoded: str, severity: int, generator: np.random.Generator) -> str:
    """Small for capital and capital for small: 5 % of the letters at severity 1, half of them at 5."""
    share = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5)[severity]
    return changed_letters(decoded, share, generator, lambda letter, draw: letter.swapcase(), lambda letter: letter.swapcase() != letter)


def mistaken(text: str, share: float, generator: np.random.Generator, table: Mapping[str, tuple[str, ...]]) -> str:
    """Characters that the table knows become one of those that stand there."""
    return changed_letters(text, share, generator, lambda letter, draw: table[letter][int(draw * len(table[letter]))], table.__contains__)


def changed_letters(text: str, share: float, generator: np.random.Generator, change: Callable[[str, float], str], apt: Callable[[str], bool]) -> str:
    """``change(letter, draw in 0..1)`` in the place of apt letters: as many as ``share`` of all, at least one."""
    places = [place for place, letter in enumerate(text) if apt(letter)]
    order, draws = generator.random(len(places)), generator.random(len(places))
    if not places or share <= 0:
        return text
    letters = list(text)
    count = max(1, round(share * sum(not letter.isspace() for letter in text)))  # of all, where few can be mistaken
    for hit in np.argsort(order, kind="stable")[:count].tolist():
        letters[places[hit]] = change(letters[places[hit]], float(draws[hit]))
    return "".join(letters)


def typos(decoded: str, generator: np.random.Generator) -> str:
    """2 % of the letters swapped."""
    return swap_letters(decoded, 0.02, generator)


def drop_words(decoded: str, generator: np.random.Generator) -> str:
    """10 % of the words lost."""
    return lose_words(decoded, 0.1, generator)


WORDING: Mapping[str, Callable[[str, int, np.random.Generator], str]] = {
    "keyboard": keyboard_by_severity,
    "typos": typos_by_severity,
    "dropped_letters": letters_by_severity,
    "case": case_by_severity,
    "ocr": ocr_by_severity,
    "dropped_words": words_by_severity,
}
