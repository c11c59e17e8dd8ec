"""A small table with every kind of column, and models fitted on it once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import consilience

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (40, 60, 220)}
FAST = {"learners": ("linear",), "encoders": {"image": "hog", "text": "bow"}, "progress": False}


def make_table(folder: Path, rows: int = 90, seed: int = 0) -> pl.DataFrame:
    """Three classes told by a picture's colour, a word and a number, each now and then missing."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = list(COLOURS)
    made = []
    for row in range(rows):
        label = names[row % 3]
        noise = random.integers(0, 40, (24, 24, 3))
        pixels = np.clip(np.array(COLOURS[label]) - noise, 0, 255).astype(np.uint8)
        picture = f"images/{seed}-{row}.png"
        Image.fromarray(pixels).save(folder / picture)
        word = {"red": "cherry tomato brick", "green": "leaf grass lime", "blue": "sea sky ink"}[label].split()[int(random.integers(3))]
        made.append(
            {
                "picture": None if random.random() < 0.1 else picture,
                "words": None if random.random() < 0.1 else f"the {word} number {int(random.integers(1000))} of a long list",
                "size": None if random.random() < 0.1 else f"{names.index(label) * 1.5 + random.normal():.3f}",
                "day": f"2024-{1 + row % 12:02d}-{1 + row % 28:02d}",
                "shop": ["north", "south", "east", "west"][int(random.integers(4))],
                "label": label,
            }
        )
    return pl.DataFrame(made)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv, test.csv and pictures."""
    folder = tmp_path_factory.mktemp("data")
    make_table(folder).write_csv(folder / "train.csv")
    make_table(folder, rows=45, seed=1).write_csv(folder / "test.csv")
    return folder


@pytest.fixture(scope="session")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> consilience.Model:
    """A model of the table; linear only, so that it takes a second."""
    return consilience.fit(data / "train.csv", target="label", cache=tmp_path_factory.mktemp("store"), **FAST)
