"""One small fitted model of numbers, text and pictures, for all that is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import consilience
from consilience.data.table import read_table
from consilience.pipeline.fitted import Pipeline, Scored

WORDS = {"a": "bright sunny morning walk", "b": "dark rainy evening ride", "c": "cold snowy winter sleep"}
LEVELS = {"a": 40, "b": 128, "c": 220}


def mixed_frame(folder: Path, rows: int = 120, seed: int = 0) -> pl.DataFrame:
    """Three classes that the words tell well, the picture's brightness fairly, and the number a little; about one cell in ten is missing."""
    dice = np.random.default_rng(seed)
    labels = dice.choice(list(WORDS), rows)
    folder.mkdir(parents=True, exist_ok=True)
    files, texts, sizes = [], [], []
    for row, label in enumerate(labels):
        told = label if dice.random() < 0.9 else dice.choice(list(WORDS))
        pixels = np.clip(dice.normal(LEVELS[told], 40) + dice.normal(0, 10, (24, 24, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}-{row}.png")
        files.append(None if dice.random() < 0.1 else str(folder / f"{seed}-{row}.png"))
        words = WORDS[label if dice.random() < 0.95 else dice.choice(list(WORDS))].split()
        texts.append(None if dice.random() < 0.1 else " ".join(dice.permutation([*words, *dice.choice(["very", "quite", "so", "then"], 2)])))
        sizes.append(None if dice.random() < 0.1 else round(float(dice.normal("abc".index(label), 1.5)), 3))
    return pl.DataFrame({"label": labels, "picture": files, "words": texts, "size": sizes})


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory) -> consilience.Model:
    """A linear model of the modalities image, text and table."""
    folder = tmp_path_factory.mktemp("judge")
    return consilience.fit(
        mixed_frame(folder / "train", 150, 0),
        target="label",
        encoders={"image": "hog", "text": "bow"},
        kinds={"words": "text"},
        learners=["linear"],
        presets="fast",
        cache=folder / "cache",
        progress=False,
    )


@pytest.fixture(scope="package")
def pipeline(model: consilience.Model) -> Pipeline:
    return model.pipeline


@pytest.fixture(scope="package")
def scored(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """60 rows that the model has not seen."""
    table = read_table(mixed_frame(tmp_path_factory.mktemp("judge-test"), 60, 1))
    return pipeline.score(table, with_target=True)
