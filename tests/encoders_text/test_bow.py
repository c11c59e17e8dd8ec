"""Bag of words."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from consilience.core.errors import MissingExtra, UsageError
from consilience.core.settings import parse_settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders import ENCODERS
from consilience.encoders.text import _tags
from consilience.encoders.text.bow import BagOfWords, BowSettings

Column = Callable[[Sequence[str | None]], dict[str, Cells]]

TEXTS = ["the red cube", "the blue cube on a red sphere", "a cat a cat", "i see the blue blue cone"]


def made(**values: Any) -> BagOfWords:
    return BagOfWords(parse_settings(BowSettings, values, "bow"))


def by_name(encoder: BagOfWords, sort: str, column: dict[str, Cells]) -> dict[str, np.ndarray]:
    start = 0
    for name, grams in encoder.vocabularies.items():
        if name == sort:
            dense = encoder.encode(column).toarray()
            return {gram: dense[:, start + place] for place, gram in enumerate(grams)}
        start += len(grams)
    raise KeyError(sort)


@pytest.mark.parametrize(
    ("sort", "reference"),
    [
        ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")),
        ("chars", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
    ],
)
def test_equals_scikit_learn(sort: str, reference: TfidfVectorizer, column: Column) -> None:
    encoder = made()
    encoder.fit(column(TEXTS))
    new = ["a red cat", *TEXTS]
    expected = reference.fit(TEXTS).transform(new).toarray()
    found = by_name(encoder, sort, column(new))
    assert sorted(found) == sorted(reference.vocabulary_)
    for gram, place in reference.vocabulary_.items():
        np.testing.assert_allclose(found[gram], expected[:, place], atol=1e-6)


def test_shape_type_and_absence(column: Column, mixed: list[str | None]) -> None:
    encoder = made()
    encoder.fit(column(mixed))
    found = encoder.encode(column(mixed))
    assert found.shape == (len(mixed), sum(len(grams) for grams in encoder.vocabularies.values()))
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found.toarray(), axis=1)
    there = np.array([bool(text) for text in mixed])
    np.testing.assert_allclose(lengths[there], np.sqrt(2), atol=1e-5)
    assert not lengths[~there].any()


def test_absent_rows_and_their_content_have_no_influence(column: Column) -> None:
    one, other = made(), made()
    one.fit(column([*TEXTS, None]))
    secret = column([*TEXTS, "a secret word"])
    secret["words"].present[-1] = False
    other.fit(secret)
    assert one.vocabularies == other.vocabularies
    np.testing.assert_array_equal(one.encode(column(TEXTS)).toarray(), other.encode(secret).toarray()[:-1])


def test_batch_equals_one_by_one(column: Column, mixed: list[str | None]) -> None:
    encoder = made()
    encoder.fit(column(mixed))
    whole = encoder.encode(column(mixed)).toarray()
    single = np.concatenate([encoder.encode(column([text])).toarray() for text in mixed])
    np.testing.assert_array_equal(whole, single)


@pytest.mark.parametrize("segment", ["auto", "characters"])
def test_restored_is_equal_to_the_bit(segment: str, column: Column, mixed: list[str | None], through_disk: Callable[[State], State]) -> None:
    first, second = made(segment=segment), made(segment=segment)
    first.fit(column(mixed))
    second.restore(through_disk(first.state()))
    one, two = first.encode(column([*mixed, "new 北京 63.80"])), second.encode(column([*mixed, "new 北京 63.80"]))
    assert (one != two).nnz == 0
    assert one.shape == two.shape


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=()), max_size=20), max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_text_survives_the_disk(column: Column, through_disk: Callable[[State], State], texts: list[str | None]) -> None:
    first, second = made(segment="characters"), made(segment="characters")
    first.fit(column(texts))
    second.restore(through_disk(first.state()))
    assert (first.encode(column(texts)) != second.encode(column(texts))).nnz == 0


@pytest.mark.parametrize("texts", [[], [None, None], ["", " ", "\t\n"]])
def test_nothing_to_learn_from_gives_one_column_of_zeros(texts: list[str | None], column: Column) -> None:
    encoder = made()
    encoder.fit(column(texts))
    found = encoder.encode(column(["some words", None]))
    assert found.shape == (2, 1)
    assert found.nnz == 0


def test_numbers_and_emoji_are_words(column: Column) -> None:
    encoder = made(chars=None)
    encoder.fit(column(["total 63.80 👍🏽"]))
    assert encoder.vocabularies["words"] == sorted(["total", "63.80", "👍🏽", "total 63.80", "63.80 👍🏽"])


def test_characters_of_chinese_words_count_too(column: Column) -> None:
    pytest.importorskip("jieba")
    encoder = made(chars=None, words=(1, 1), segment="jieba")
    encoder.fit(column(["我来到北京"]))
    assert encoder.vocabularies["words"] == sorted(["我", "来到", "来", "到", "北京", "北", "京"])


def test_stop_words(column: Column) -> None:
    for setting, left in [("english", ["red"]), (("RED",), ["the"]), ("none", ["red", "the"])]:
        encoder = made(chars=None, words=(1, 1), stop_words=setting)
        encoder.fit(column(["The red"]))
        assert encoder.vocabularies["words"] == left
    encoder = made(chars=None, words=(1, 1), stop_words="chinese", segment="characters")
    encoder.fit(column(["红的"]))
    assert encoder.vocabularies["words"] == ["红"]


def test_min_rows_and_max_features(column: Column) -> None:
    encoder = made(chars=None, words=(1, 1), min_rows=2)
    encoder.fit(column(["often rare", "often"]))
    assert encoder.vocabularies["words"] == ["often"]
    encoder = made(chars=None, words=(1, 1), max_features=2)
    encoder.fit(column(["a b c", "b c", "c"]))
    assert encoder.vocabularies["words"] == ["b", "c"]


def test_lower(column: Column) -> None:
    encoder = made(chars=None, words=(1, 1), lower=False)
    encoder.fit(column(["Red red"]))
    assert encoder.vocabularies["words"] == ["Red", "red"]


def test_only_a_sample_of_a_huge_column_is_counted(column: Column, monkeypatch: pytest.MonkeyPatch) -> None:
    from consilience.encoders.text import bow

    monkeypatch.setattr(bow, "MOST_CHARACTERS", 100)
    one, other = made(chars=None, min_rows=1), made(chars=None, min_rows=1)
    texts = column([f"word{row}" for row in range(100)])
    one.fit(texts, seed=3)
    other.fit(texts, seed=3)
    assert 0 < len(one.vocabularies["words"]) < 100
    assert one.vocabularies == other.vocabularies


def test_part_of_speech_of_chinese(column: Column, through_disk: Callable[[State], State]) -> None:
    pytest.importorskip("jieba")
    first, second = made(part_of_speech=True), made(part_of_speech=True)
    first.fit(column(["我来到北京", "北京很大"]))
    assert {"r", "v", "ns", "r v"} <= set(first.vocabularies["tags"])
    second.restore(through_disk(first.state()))
    assert (first.encode(column(["他来到上海"])) != second.encode(column(["他来到上海"]))).nnz == 0


def test_part_of_speech_of_english_says_what_it_needs(column: Column, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textblob", None)
    _tags.tag_english.cache_clear()
    with pytest.raises(MissingExtra, match=r"textblob.*consilience\[pos\]"):
        made(part_of_speech=True).fit(column(["the red cube"]))


def test_part_of_speech_of_english_with_a_tagger(column: Column, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_tags(words: list[str]) -> list[list[str]]:
        return [[word, "CD" if word[0].isdigit() else "NN"] for word in words]

    module = types.ModuleType("textblob.en")
    module.parser = types.SimpleNamespace(find_tags=find_tags)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "textblob", types.ModuleType("textblob"))
    monkeypatch.setitem(sys.modules, "textblob.en", module)
    _tags.tag_english.cache_clear()
    encoder = made(words=None, chars=None, part_of_speech=True)
    encoder.fit(column(["red 63.80"]))
    assert encoder.vocabularies["tags"] == ["CD", "NN", "NN CD"]
    _tags.tag_english.cache_clear()


@pytest.mark.skipif(find_spec("textblob") is None, reason="the tagger of English is not installed")
def test_part_of_speech_of_english_for_real(column: Column) -> None:
    encoder = made(words=None, chars=None, part_of_speech=True)
    encoder.fit(column(["The foxes jumped"]))
    assert {"DT", "NNS", "VBD"} <= set(encoder.vocabularies["tags"])


def test_part_of_speech_of_another_language(column: Column) -> None:
    with pytest.raises(UsageError, match="Chinese and English"):
        made(part_of_speech=True).fit(column(["добрый день"]))


@pytest.mark.parametrize("values", [{"words": None, "chars": None}, {"words": (2, 1)}, {"chars": (0, 3)}, {"max_features": 0}, {"stop_words": "of"}])
def test_settings_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        made(**values)


def test_settings_from_a_recipe(column: Column) -> None:
    assert made(words=[1, 3], stop_words=["a"]).settings.stop_words == ("a",)
    assert made().fingerprint() != made(lower=False).fingerprint()


def test_two_columns_are_refused(column: Column) -> None:
    with pytest.raises(UsageError, match="one column"):
        made().fit({**column(["a"]), "other": column(["b"])["words"]})


def test_card() -> None:
    assert ENCODERS.get("text/bow") is BagOfWords
    assert "sparse" in ENCODERS.card("text/bow").claims
