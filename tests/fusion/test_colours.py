"""The task of colours: neither view tells the place, products of both do."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from consilience.core.budget import Budget
from consilience.encoders import ENCODERS
from consilience.features._examples import Block, Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.testing import fake_task


@pytest.fixture(scope="module")
def colours() -> Any:
    path = Path(__file__).parents[2] / "examples" / "colours.py"
    spec = importlib.util.spec_from_file_location("colours", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["colours"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(words: str) -> set[str]:
    return set(words.split()) if words.isascii() else set(words)


def features(colours: Any, rows: int, seed: int) -> tuple[Examples, np.ndarray]:
    """Words as which of the known words (in Chinese, characters) occur; pictures by ``hog``."""
    scenes = list(colours.draw_scenes(rows, seed))
    known = sorted({part for scene in colours.draw_scenes(4000, 9) for part in parts(scene.words)})
    found = np.array([[part in parts(scene.words) for part in known] for scene in scenes])
    words = sparse.csr_matrix(found.astype(np.float32))
    cls: Any = ENCODERS.get("image/hog")
    hog = cls(cls.Settings())
    pictures = np.stack([hog.prepare(np.asarray(colours.paint(scene)))["features"] for scene in scenes])
    there = np.ones(rows, bool)
    target = np.array([colours.PLACES.index(scene.place) for scene in scenes])
    return Examples((Block("picture:hog", "image", pictures, there), Block("words:bow", "text", words, there)), rows), target


def accuracy(train: tuple[Examples, np.ndarray], test: tuple[Examples, np.ndarray], modalities: tuple[str, ...], **settings: Any) -> float:
    cls: Any = LEARNERS.get("linear")
    point = {"penalty": 1e-4, "factors": {"image": 100.0, "text": 100.0}, "balance": 0.0}
    fitted = cls(cls.Settings(**settings), Situation(fake_task("multiclass", 3))).fit(train[0].only(modalities), train[1], point, Budget(None))
    return float((fitted.predict(test[0].only(modalities)).argmax(axis=1) == test[1]).mean())


def test_single_views_are_at_chance_by_construction(colours: Any) -> None:
    scenes = list(colours.draw_scenes(9000, 3))
    for language in ("the darker red one", "较深的那个红色", "最深的那个", "the red one"):
        places = Counter(scene.place for scene in scenes if scene.words == language)
        total = sum(places.values())
        assert total > 20
        assert max(places.values()) / total < 1 / 3 + 4 * (2 / 9 / total) ** 0.5
    assert max(Counter(scene.place for scene in scenes).values()) / 9000 < 0.35
    assert any("darker" in scene.words for scene in scenes)


def test_a_person_could_tell(colours: Any) -> None:
    """Words and colours decide the place: the darkest is the darkest, the grey one has no colour, and what is named occurs once."""
    for scene in colours.draw_scenes(2000, 4):
        light = [max(patch) + min(patch) for patch in scene.patches]
        colourful = [max(patch) - min(patch) for patch in scene.patches]
        meant = colours.PLACES.index(scene.place)
        if scene.words in ("the darkest one", "最深的那个"):
            assert light[meant] == min(light)
        if scene.words in ("the lightest one", "最浅的那个"):
            assert light[meant] == max(light)
        if scene.words in ("the grey one", "灰色的那个"):
            assert [value == 0 for value in colourful].count(True) == 1
            assert colourful[meant] == 0
        if scene.words in ("the darker of the two grey ones", "较深的那个灰色"):
            greys = [value for value, colour in zip(light, colourful, strict=True) if colour == 0]
            assert len(greys) == 2
            assert light[meant] == min(greys)


def test_the_same_seed_draws_the_same_table(colours: Any, tmp_path: Path) -> None:
    assert colours.build(tmp_path / "a", 20, 10) == {"train": 20, "test": 10}
    colours.build(tmp_path / "b", 20, 10)
    for name in ("train.csv", "test.csv", "images/train00003.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "train.csv").read_text(encoding="utf-8") != (tmp_path / "a" / "test.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def both(colours: Any) -> tuple[tuple[Examples, np.ndarray], tuple[Examples, np.ndarray]]:
    return features(colours, 3000, 0), features(colours, 800, 1)


@pytest.mark.slow
def test_the_products_reach_nine_in_ten(both: Any) -> None:
    train, test = both
    assert accuracy(train, test, ("text",)) < 0.4
    assert accuracy(train, test, ("image",)) < 0.4
    assert accuracy(train, test, ("image", "text")) < 0.4
    assert accuracy(train, test, ("image", "text"), products=32) >= 0.90


@pytest.mark.slow
def test_a_network_reaches_nine_in_ten(both: Any) -> None:
    """Only with the features on a common scale does it leave the plateau of a constant prediction soon."""
    train, test = both
    cls: Any = LEARNERS.get("network")
    learner = cls(cls.Settings(fusion="concat"), Situation(fake_task("multiclass", 3)))
    scores = learner.fit(*train, {"epochs": 16}, Budget(None)).predict(test[0])
    assert (scores.argmax(axis=1) == test[1]).mean() >= 0.90
