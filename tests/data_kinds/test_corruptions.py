"""Corruptions of pictures and texts: nothing at 0, ever farther from the clean cell, the same for the same generator."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from consilience.data.kinds import KINDS
from consilience.data.kinds._alike import LOOK_ALIKE, NEIGHBOURS

IMAGE, TEXT = KINDS.get("image")(), KINDS.get("text")()

ENGLISH = "The early train was late again, so two hundred people waited on a cold platform without any word from the company."
CHINESE = "我在北京的时候他做了一个好看的红色旗子，但是大家都说黄色的更美，所以我们明天再买白色的布。"


def scene(seed: int, width: int = 96, height: int = 72) -> np.ndarray:
    """A picture with edges, areas and a soft background."""
    dice = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    soft = 128 + 60 * np.sin(columns / 17 + dice.uniform(0, 6)) * np.cos(rows / 23 + dice.uniform(0, 6))
    image = Image.fromarray(np.repeat(soft[..., None], 3, axis=2).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        x, y = int(dice.integers(width)), int(dice.integers(height))
        size, colour = int(dice.integers(8, 30)), tuple(dice.integers(0, 256, 3).tolist())
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
    return np.asarray(image)


@pytest.mark.parametrize("family", sorted(IMAGE.corruptions))
def test_pictures_move_away_from_the_clean_one(family: str) -> None:
    corrupt = IMAGE.corruptions[family]
    scenes = [scene(seed) for seed in range(8)]
    off = [
        np.mean([np.abs(corrupt(one, severity, np.random.default_rng(seed)).astype(float) - one).mean() for seed, one in enumerate(scenes)])
        for severity in range(6)
    ]
    assert off[0] == 0
    assert np.all(np.diff(off) > 0), off


@pytest.mark.parametrize("family", sorted(IMAGE.corruptions))
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (5, 3), (40, 64)])
def test_pictures_of_any_size(family: str, height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = pixels.copy()
    for severity in range(6):
        made = IMAGE.corruptions[family](pixels, severity, np.random.default_rng(2))
        assert made.shape == pixels.shape
        assert made.dtype == np.uint8
        np.testing.assert_array_equal(made, IMAGE.corruptions[family](pixels, severity, np.random.default_rng(2)))
    np.testing.assert_array_equal(pixels, before)


def test_the_families_of_the_benchmark_are_there() -> None:
    noise = {"gaussian_noise", "shot_noise", "impulse_noise"}
    blur = {"defocus_blur", "glass_blur", "motion_blur", "zoom_blur"}
    weather, digital = {"snow", "frost", "fog", "brightness"}, {"contrast", "elastic", "pixelate", "jpeg"}
    assert noise | blur | weather | digital | {"rotation", "translation", "occlusion"} <= set(IMAGE.corruptions)
    assert {"keyboard", "typos", "dropped_letters", "case", "ocr", "dropped_words"} <= set(TEXT.corruptions)


def test_blurs_keep_the_brightness_and_an_even_picture() -> None:
    even = np.full((60, 80, 3), 90, dtype=np.uint8)
    for family in ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "blur", "elastic", "pixelate", "translation"):
        made = IMAGE.corruptions[family](even, 5, np.random.default_rng(0))
        assert np.abs(made.astype(int) - 90).max() <= 1, family


def apart(one: str, two: str) -> float:
    return 1 - SequenceMatcher(None, one, two, autojunk=False).ratio()


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
@pytest.mark.parametrize("family", sorted(TEXT.corruptions))
def test_texts_move_away_from_the_clean_one(family: str, text: str) -> None:
    if family == "case" and text == CHINESE:
        assert all(TEXT.corruptions[family](text, severity, np.random.default_rng(0)) == text for severity in range(6))
        return
    off = [
        np.mean([apart(text, TEXT.corruptions[family](text, severity, np.random.default_rng(seed))) for seed in range(12)]) for severity in range(6)
    ]
    assert off[0] == 0
    assert np.all(np.diff(off) > 0), off


@given(st.text(max_size=60), st.integers(0, 5), st.integers(0, 99))
def test_texts_stay_texts(text: str, severity: int, seed: int) -> None:
    for family, corrupt in TEXT.corruptions.items():
        made = corrupt(text, severity, np.random.default_rng(seed))
        assert isinstance(made, str), family
        assert bool(made) == bool(text), family
        assert made == corrupt(text, severity, np.random.default_rng(seed)), family
        assert severity or made == text, family


def test_slips_are_those_of_the_tables() -> None:
    made = TEXT.corruptions["keyboard"](ENGLISH, 5, np.random.default_rng(0))
    assert len(made) == len(ENGLISH)
    slips = [(before, after) for before, after in zip(ENGLISH, made, strict=True) if before != after]
    assert len(slips) == round(0.25 * len(ENGLISH.replace(" ", "")))
    assert all(after in NEIGHBOURS[before] for before, after in slips)
    chinese = TEXT.corruptions["ocr"](CHINESE, 5, np.random.default_rng(0))
    slips = [(before, after) for before, after in zip(CHINESE, chinese, strict=True) if before != after]
    assert slips
    assert all(after in LOOK_ALIKE[before] for before, after in slips)


def test_neighbours_are_mutual_and_near() -> None:
    assert all(letter in NEIGHBOURS[other] for letter, others in NEIGHBOURS.items() for other in others if other.isalpha())
    assert set(NEIGHBOURS["g"]) == {"f", "h", "t", "y", "v", "b"}
    assert set(NEIGHBOURS["A"]) == {"Q", "W", "S", "Z"}
    assert not [letter for table in (NEIGHBOURS, LOOK_ALIKE) for letter, others in table.items() if letter in others or not others]


def test_a_severity_adds_to_the_one_before() -> None:
    for family in ("keyboard", "ocr", "case"):
        hit: set[int] = set()
        for severity in range(1, 6):
            made = TEXT.corruptions[family](CHINESE if family != "case" else ENGLISH, severity, np.random.default_rng(4))
            clean = CHINESE if family != "case" else ENGLISH
            now = {place for place, (before, after) in enumerate(zip(clean, made, strict=True)) if before != after}
            assert hit <= now, family
            hit = now
