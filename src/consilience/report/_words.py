"""Every text of the report, in each language: one dict per language, all with the same keys, a few files per language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

from consilience.core.errors import UnknownName
from consilience.report._chinese import CHINESE
from consilience.report._chinese_data import CHINESE_DATA
from consilience.report._chinese_worth import CHINESE_WORTH
from consilience.report._english import ENGLISH
from consilience.report._english_data import ENGLISH_DATA
from consilience.report._english_worth import ENGLISH_WORTH

__all__ = ["CATALOGUES", "Words", "words_for"]


CATALOGUES: dict[str, dict[str, str]] = {"en": {**ENGLISH, **ENGLISH_DATA, **ENGLISH_WORTH}, "zh": {**CHINESE, **CHINESE_DATA, **CHINESE_WORTH}}


class Words:
    """Texts of one language.

    >>> words_for("en")("hero.target", target="price")
    'Predicting price'
    """

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language, self.texts = language, texts

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its gaps filled.

        >>> words_for("zh")("evidence.unused", names="图像"), words_for("zh")("evidence.unused", names="image")
        ('选中的模型没有使用表中的图像。', '选中的模型没有使用表中的 image。')
        """
        return self._filled(self.texts[key], values)

    def _filled(self, text: str, values: Mapping[str, object]) -> str:
        """Chinese has a space beside letters and digits, and none between its own characters."""
        if self.language != "zh":
            return text.format(**values)
        made = ""
        for before, name, _, _ in Formatter().parse(text):
            made = _spaced(made, before)
            made = made if name is None else _spaced(made, str(values[name]))
        return made

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of a key that need not be there, such as the name of a plugin's metric."""
        return self.texts.get(key, otherwise)

    def modality(self, name: str) -> str:
        """A modality's name; that of a plugin's stays as it is.

        >>> words_for("zh").modality("image"), words_for("en").modality("image")
        ('图像', 'image')
        """
        return self.maybe(f"modality.{name}", name)

    def kind(self, name: str) -> str:
        """A kind's name; that of a plugin's stays as it is."""
        return self.maybe(f"kind.{name}", name)

    def modalities(self, names: Sequence[str]) -> str:
        """Modalities as one phrase.

        >>> words_for("zh").modalities(["image", "text"])
        '图像和文本'
        """
        return self.both([self.modality(name) for name in names])

    def pattern(self, names: Sequence[str]) -> str:
        """Modalities that are there together.

        >>> words_for("en").pattern(["image", "text"]), words_for("en").pattern([])
        ('image + text', 'nothing')
        """
        return " + ".join(self.modality(name) for name in names) or self("evidence.nothing")

    def both(self, names: list[str]) -> str:
        """Names as one phrase.

        >>> words_for("en").both(["image", "table", "text"])
        'image, table and text'
        """
        if len(names) < 2:
            return "".join(names)
        return self("join.pair", first=self.texts["join.comma"].join(names[:-1]), last=names[-1])


def _spaced(left: str, right: str) -> str:
    """One after the other; only the space between them is touched."""
    if left[-1:] == " " and _is_chinese(left[-2:-1]) and _is_chinese(right[:1]):
        return left[:-1] + right
    if right[:1] == " " and _is_chinese(left[-1:]) and _is_chinese(right[1:2]):
        return left + right[1:]
    one, other = left[-1:], right[:1]
    apart = (_is_chinese(one) and _is_latin(other)) or (_is_latin(one) and _is_chinese(other))
    return f"{left} {right}" if apart else left + right


def _is_chinese(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff"


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def words_for(language: str) -> Words:
    """The texts of a language.

    Raises:
        UnknownName: There are no texts in this language.
    """
    if language not in CATALOGUES:
        raise UnknownName("language of reports", language, CATALOGUES)
    return Words(language, CATALOGUES[language])
