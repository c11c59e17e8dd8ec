"""Free text and its corruptions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.data.kinds import KINDS, Profile

KIND = KINDS.get("text")()


def test_only_blank_cells_are_absent():
    parsed = KIND.parse(pl.Series([" NA ", "null", "?", " \u3000", "", None]))
    assert parsed.values.tolist() == ["NA", "null", "?", None, None, None]
    assert not parsed.problems


@given(st.lists(st.one_of(st.none(), st.text()), max_size=20))
def test_texts_come_back_without_their_ends(cells):
    for cell, value in zip(cells, KIND.parse(pl.Series("x", cells, dtype=pl.String)).values, strict=True):
        assert value is None if cell is None or not cell.strip() else value in cell


@given(st.text(), st.text())
def test_key_is_content(left, right):
    assert (KIND.key(left) == KIND.key(right)) == (left == right)


@pytest.mark.parametrize("column", [pl.Series([1.5, None]), pl.Series([True, None]), pl.Series([["a", "b"], None]), pl.Series([b"abc", None])])
def test_typed_cells_become_text(column):
    parsed = KIND.parse(column)
    assert isinstance(parsed.values[0], str)
    assert parsed.present.tolist() == [True, False]


@pytest.mark.parametrize("family", sorted(KIND.corruptions))
@pytest.mark.parametrize("text", ["The quick brown fox jumps over the lazy dog by the river.", "我很喜欢这个产品因为它又快又好", "x", ""])
def test_corruptions(family, text):
    corrupt = KIND.corruptions[family]
    assert corrupt(text, 0, np.random.default_rng(0)) == text
    for severity in range(1, 6):
        once, again = (corrupt(text, severity, np.random.default_rng(7)) for _ in range(2))
        assert once == again
        assert isinstance(once, str)
        assert bool(once) == bool(text)


def test_corruptions_grow():
    text = " ".join(f"word{place}" for place in range(200))
    kept = [len(KIND.corruptions["dropped_words"](text, severity, np.random.default_rng(0)).split()) for severity in range(6)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 200
    assert kept[5] < 110


@pytest.mark.parametrize("name", sorted(KIND.augmentations))
def test_augmentations_are_seeded(name):
    text = "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3
    results = {KIND.augmentations[name](text, np.random.default_rng(seed)) for seed in (1, 1, 2, 3)}
    assert 1 < len(results) <= 3


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"The shape number {value} is red and round." for value in range(30)], "text"),
        (["is the cube left of the ball?", "is a red thing there at all?", "what colour is the small box?"] * 30, "text"),
        (["".join(chr(0x4E00 + (value * 37 + place * 101) % 900) for place in range(12)) for value in range(30)], "text"),
        (["red", "green", "blue"] * 10, "category"),
        (["北京", "上海", "广州"] * 10, "category"),
        (["high school graduate", "some college", "doctorate"] * 10, "category"),
    ],
)
def test_text_beside_category(cells, kind):
    profile = Profile("x", pl.Series(cells))
    assert max(KINDS, key=lambda key: KINDS.get(key)().sniff(profile).score) == kind
