"""Parts of speech: jieba's tags for Chinese, TextBlob's pattern tagger (Penn tags, De Smedt & Daelemans 2012) for English."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module

from consilience.core.errors import MissingExtra, UsageError
from consilience.encoders.text._segment import HAN, clean, load_jieba

__all__ = ["choose_language", "tagger"]

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[A-Za-z]+")
_WORDS = re.compile(r"\d+(?:[.,]\d+)*|\w+|[^\w\s]")


def choose_language(texts: Iterable[str]) -> str:
    """``"chinese"`` or ``"english"``, by which there is more of: Chinese characters or Latin words.

    Raises:
        UsageError: There is neither, so that no tagger fits.
    """
    han = latin = other = 0
    for text in texts:
        han += len(_HAN.findall(text))
        latin += len(_LATIN.findall(text))
        other += any(character.isalpha() for character in text)
    if other and not han and not latin:
        raise UsageError("Part-of-speech features know Chinese and English; this column has neither.", hint="Set part_of_speech to false.")
    return "chinese" if han > latin else "english"


def tagger(language: str) -> Callable[[str], list[str]]:
    """Text to its tags, one per word.

    Raises:
        MissingExtra: The tagger of this language is not installed.
    """
    return tag_chinese() if language == "chinese" else tag_english()


@lru_cache(maxsize=1)
def tag_chinese() -> Callable[[str], list[str]]:
    tokenizer = load_jieba("Part-of-speech tagging of Chinese text")
    from jieba.posseg import POSTokenizer

    posseg = POSTokenizer(tokenizer)
    return lambda text: [str(pair.flag) for pair in posseg.cut(clean(text, lower=False)) if not pair.word.isspace()]


@lru_cache(maxsize=1)
def tag_english() -> Callable[[str], list[str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser = import_module("textblob.en").parser
            parser.find_tags(["word"])  # reads its word list now; it leaves the file open, which would warn later
    except ImportError:
        raise MissingExtra("Part-of-speech tagging of English text", "textblob", "pos") from None
    return lambda text: [str(tag) for _, tag in parser.find_tags(_WORDS.findall(clean(text, lower=False)))]
