"""Text to words."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import MissingExtra
from consilience.encoders.text import _segment
from consilience.encoders.text._segment import LONGEST, Segmenter, choose_segmenter, clean, has_han

cut = Segmenter("characters")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TOTAL 63.80", ["total", "63.80"]),
        ("12/05/2018 1,200.50", ["12/05/2018", "1,200.50"]),
        ("63.80kg 4k b2b", ["63.80", "kg", "4k", "b2b"]),
        ("end of 2018. Next", ["end", "of", "2018", "next"]),
        ("don't can\u2019t", ["don't", "can\u2019t"]),
        ("$5 100%", ["$", "5", "100", "%"]),
        ("\uff11\uff12\uff2b\uff27", ["12kg"]),
        ("snake_case-word", ["snake_case", "word"]),
        ("👩‍🚀👍🏽", ["👩‍🚀", "👍🏽"]),
        ("🇨🇳🇫🇷", ["🇨🇳", "🇫🇷"]),
        ("1️⃣ ❤️", ["1️⃣", "❤️"]),
        ("हिन्दी สวัสดี", ["हिन्दी", "สวัสดี"]),
        ("東京タワーです", ["東", "京", "タワー", "で", "す"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("", []),
        (" \t\n.,;", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert cut(text) == words


def test_case_is_kept_when_asked() -> None:
    assert Segmenter("characters", lower=False)("The US") == ["The", "US"]


def test_jieba_finds_words() -> None:
    pytest.importorskip("jieba")
    assert Segmenter("jieba")("我来到北京清华大学 OK") == ["我", "来到", "北京", "清华大学", "ok"]


def test_jieba_keeps_its_index_in_our_cache(cache: object) -> None:
    pytest.importorskip("jieba")
    assert _segment.load_jieba("a test").tmp_dir.endswith("jieba")


def test_auto_takes_jieba_only_for_chinese() -> None:
    expected = "jieba" if importlib.util.find_spec("jieba") else "characters"
    assert choose_segmenter("auto", ["hello", "北京"]).method == expected
    assert choose_segmenter("auto", ["hello"]).method == "characters"


def test_auto_without_jieba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_segment, "find_spec", lambda name: None)
    assert choose_segmenter("auto", ["北京"])("北京") == ["北", "京"]


def test_jieba_asked_for_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_segment, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"consilience\[chinese\]"):
        choose_segmenter("jieba", [])


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_gives_writable_words(text: str) -> None:
    words = cut(text)
    assert all(word and not word.isspace() and "\n" not in word for word in words)
    " ".join(words).encode("utf-8")
    assert cut(" ".join(words)) == [piece for word in words for piece in cut(word)]


@given(st.text(max_size=100))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text, lower=False)
    assert clean(once, lower=False) == once


def test_long_text_is_cut() -> None:
    assert len(clean("é" * (LONGEST + 5))) == LONGEST


def test_has_han() -> None:
    assert has_han("a 中")
    assert not has_han("a é か")
