"""How many words a text has, in scripts with and without spaces."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["count_words", "share_of_files"]

SCRIPT = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")

FILE = re.compile(r"\S.*\.[A-Za-z][A-Za-z0-9]{1,4}")


def share_of_files(texts: Sequence[str]) -> float:
    """Share of the texts that read like names of files: no name of a class and no sentence."""
    return sum(FILE.fullmatch(text) is not None for text in texts) / max(1, len(texts))


def count_words(text: str) -> float:
    """Words between spaces; in Chinese, Japanese and Korean 1.7 characters count as one word.

    >>> count_words("a red cube"), round(count_words("我很喜欢这个产品"), 1)
    (3, 4.7)
    """
    characters = len(SCRIPT.findall(text)) if not text.isascii() else 0
    if not characters:
        return len(text.split())
    return len([word for word in SCRIPT.sub(" ", text).split() if any(map(str.isalnum, word))]) + characters / 1.7
