"""Text to words: numbers, emoji and symbols are kept, Chinese is cut by jieba or by character."""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from consilience.core.errors import MissingExtra, UsageError
from consilience.core.files import cache_folder

if TYPE_CHECKING:
    from consilience.data.kinds import Cells

__all__ = ["LONGEST", "SegmentSetting", "Segmenter", "choose_segmenter", "clean", "has_han", "load_jieba", "texts_of"]

SegmentSetting = Literal["auto", "jieba", "characters"]

LONGEST = 100_000
"""Characters of one cell that are looked at; the rest of a longer text is left out."""

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = "\u3041-\u3096\u309d-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
PICTURE = "\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d"
FITTING = "\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
NO_WIDTH = {ord(character): None for character in "\u200b\ufeff\u00ad\ufe0e"}

_HAN = re.compile(f"[{HAN}]")


def clean(text: str, lower: bool = True) -> str:
    """The text in one spelling: full-width forms made plain (NFKC), invisible characters out, cut at ``LONGEST``.

    >>> clean("\uff11\uff12 KG")
    '12 kg'
    """
    text = text[:LONGEST]
    if not text.isascii():
        # A lone surrogate cannot be written as UTF-8, neither into a model folder nor to a tokenizer.
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8")).translate(NO_WIDTH)[:LONGEST]
    return text.lower() if lower else text


def has_han(text: str) -> bool:
    """True if a Chinese character occurs."""
    return not text.isascii() and _HAN.search(text) is not None


def texts_of(columns: Mapping[str, Cells]) -> tuple[list[str], np.ndarray, int]:
    """The present texts of the one column, their rows ``[P]``, and N."""
    if len(columns) != 1:
        raise UsageError(f"A text encoder gets one column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    (cells,) = columns.values()
    rows = np.flatnonzero(cells.present)
    return [str(cells.read(int(row))) for row in rows], rows, len(cells)


class Segmenter:
    """Cuts a text into words.

    Args:
        method: ``"jieba"`` or ``"characters"``, for runs of Chinese characters. Everything else is cut in the same way by both.
        lower: Whether to lower the case.

    >>> Segmenter("characters")("Total: 63.80 \u20ac, paid on 2018-03-01. \u5f88\u597d\U0001f44d\U0001f3fd")
    ['total', '63.80', '\u20ac', 'paid', 'on', '2018-03-01', '\u5f88', '\u597d', '\U0001f44d\U0001f3fd']
    """

    def __init__(self, method: str, lower: bool = True) -> None:
        self.method = method
        self.lower = lower

    def __call__(self, text: str) -> list[str]:
        words: list[str] = []
        for match in pattern().finditer(clean(text, self.lower)):
            if match.lastgroup == "han" and self.method == "jieba":
                words += cut(match.group())
            elif match.lastgroup in ("han", "hiragana"):
                words += match.group()
            else:
                words.append(match.group())
        return words


def choose_segmenter(setting: SegmentSetting, texts: Iterable[str], lower: bool = True) -> Segmenter:
    """The segmenter for a column: ``auto`` takes jieba if it is installed and any text has Chinese characters, else single characters.

    Raises:
        MissingExtra: ``jieba`` was asked for and is not installed.
    """
    if setting == "jieba":
        load_jieba("The setting segment = 'jieba'")
    if setting == "auto":
        setting = "jieba" if find_spec("jieba") and any(has_han(text) for text in texts) else "characters"
    return Segmenter(setting, lower)


@lru_cache(maxsize=1)
def pattern() -> re.Pattern[str]:
    """One expression with a named group per sort of word; built when first used."""
    # Python's \w lacks the combining vowel signs of Indic and Thai scripts, so that it would cut their words apart.
    marks = "".join(chr(code) for code in range(0x300, 0xFE00) if not 0x20D0 <= code <= 0x20FF and unicodedata.category(chr(code)).startswith("M"))
    letter = f"[^\\W{HAN}{HIRAGANA}{KATAKANA}]"
    inside = f"(?:{letter}|[{marks}])"
    emoji = f"[{PICTURE}][{FITTING}]*"
    return re.compile(
        f"(?P<han>[{HAN}]+)|(?P<hiragana>[{HIRAGANA}]+)|(?P<katakana>[{KATAKANA}]+)"
        f"|(?P<emoji>[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{emoji}(?:\u200d{emoji})*)"
        r"|(?P<number>\d+(?:[.,:/\-]\d+)+)"
        f"|(?P<word>{letter}{inside}*(?:['\u2019]{inside}+)*)"
        "|(?P<symbol>[$%&@#+!?\u00a2-\u00a5\u00b0\u20a0-\u20bf])"
    )


@lru_cache(maxsize=50_000)
def cut(run: str) -> tuple[str, ...]:
    """A run of Chinese characters as words; kept, because every fold cuts the same texts."""
    return tuple(load_jieba("this text encoder").lcut(run))


def load_jieba(who: str) -> Any:
    """A jieba tokenizer of our own, which a dictionary that the person loads elsewhere does not change; loaded once.

    Raises:
        MissingExtra: jieba is not installed.
    """
    if find_spec("jieba") is None:
        raise MissingExtra(who, "jieba", "chinese")
    return loaded_jieba()


@lru_cache(maxsize=1)
def loaded_jieba() -> Any:
    logger = logging.getLogger("jieba")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its source has old escape sequences
        import jieba
    level = logger.level
    tokenizer = jieba.Tokenizer()
    folder = cache_folder() / "jieba"
    # Its index would otherwise stand in the shared temporary folder, where anyone may write one. Where ours cannot be made, it goes without.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(folder)
    try:
        logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer.initialize()
    finally:
        logger.setLevel(level)
    return tokenizer
