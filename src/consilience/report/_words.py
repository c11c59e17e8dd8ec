"""Every text of the report, in each language: one dict per language, all with the same keys, two files per language."""

from __future__ import annotations

from collections.abc import Mapping

from consilience.core.errors import UnknownName
from consilience.report._chinese import CHINESE
from consilience.report._chinese_worth import CHINESE_WORTH
from consilience.report._english import ENGLISH
from consilience.report._english_worth import ENGLISH_WORTH

__all__ = ["CATALOGUES", "Words", "words_for"]


CATALOGUES: dict[str, dict[str, str]] = {"en": {**ENGLISH, **ENGLISH_WORTH}, "zh": {**CHINESE, **CHINESE_WORTH}}


class Words:
    """Texts of one language.

    >>> words_for("en")("hero.target", target="price")
    'Predicting price'
    """

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language, self.texts = language, texts

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its gaps filled."""
        return self.texts[key].format(**values)

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of a key that need not be there, such as the name of a plugin's metric."""
        return self.texts.get(key, otherwise)

    def both(self, names: list[str]) -> str:
        """Names as one phrase.

        >>> words_for("en").both(["image", "table", "text"])
        'image, table and text'
        """
        if len(names) < 2:
            return "".join(names)
        return f"{self.texts['join.comma'].join(names[:-1])}{self.texts['join.and']}{names[-1]}"


def words_for(language: str) -> Words:
    """The texts of a language.

    Raises:
        UnknownName: There are no texts in this language.
    """
    if language not in CATALOGUES:
        raise UnknownName("language of reports", language, CATALOGUES)
    return Words(language, CATALOGUES[language])
