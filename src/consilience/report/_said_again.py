"""Sentences that were written into a model in English, said again in the language of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from consilience.report._chinese_reasons import CHINESE_REASONS
from consilience.report._words import Words

__all__ = ["said_again"]

REASONS: dict[str, Mapping[str, str]] = {"zh": CHINESE_REASONS}
"""Language to English sentences with gaps and what they become. A gap ``again`` holds a sentence itself, a gap ``what`` a word."""

LONGEST = 800
"""Characters of a text that is said again. No reason is as long, and patterns with several gaps take the cube of it."""


def said_again(words: Words, text: str) -> str:
    """The same in the language of ``words``; as it is where nobody has said it again.

    >>> from consilience.report._words import words_for
    >>> said_again(words_for("zh"), "98% of the filled cells are numbers, 12 different.")
    '98% 的非空单元格是数值，共 12 种。'
    >>> said_again(words_for("zh"), "Something else.")
    'Something else.'
    """
    table = _compiled(words.language)
    if not table or len(text) > LONGEST:
        return text
    made = _again(words, text.removesuffix("."), table)
    return text if made is None else f"{made}{words('reason.end')}" if text.endswith(".") else made


def _again(words: Words, text: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> str | None:
    for pattern, template in table:
        found = pattern.fullmatch(text)
        if found is None:
            continue
        values = {}
        for name, value in found.groupdict().items():
            if name.startswith("again"):
                values[name] = _again(words, value.removesuffix("."), table) or value
            elif name.startswith("what"):
                values[name] = words.maybe(f"reason.{value}", value)
            else:
                values[name] = words.kind(value) if name == "kind" else value
        return template.format(**values)
    return None


@cache
def _compiled(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(english), template) for english, template in REASONS.get(language, {}).items())


def _pattern(english: str) -> re.Pattern[str]:
    """Gaps take as little as they can; a sentence may begin with a small letter where it is part of another."""
    parts = re.split(r"\{(\w+)\}", english)
    made = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(made, re.IGNORECASE | re.DOTALL)
