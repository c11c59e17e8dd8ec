"""Small fitted models, one per task, that the tests of the report share. Some columns are named to attack the page."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from consilience.data.table import Table
from consilience.features.store import FeatureStore
from consilience.pipeline.fit import fit_pipeline
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.recipe import make_recipe

Fitted = tuple[Pipeline, Table]
SCRIPT = "<script>alert('boo')</script>"
WORDS = {"good": ["nice", "fine", "lovely"], "bad": ["poor", "broken", "awful"], "odd": ["strange", "weird", "curious"]}


def picture(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (12, 12), (shade, 40, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def columns(number: int, seed: int, classes: tuple[str, ...] = ("good", "bad")) -> dict[str, list[Any]]:
    """size and words both tell the label; one text in each holds a script; some cells are empty."""
    dice = random.Random(seed)
    made: dict[str, list[Any]] = {name: [] for name in ("label", "size", "colour", "words", "amount", "tags")}
    for index in range(number):
        label = classes[index % len(classes)]
        centre = classes.index(label)
        size = dice.gauss(3 - 2 * centre, 1)
        mixed = dice.choice(classes) if dice.random() < 0.25 else label
        made["label"].append(label)
        made["size"].append(size if dice.random() > 0.1 else None)
        made["colour"].append(dice.choice(["red", "green"]))
        made["words"].append(" ".join(dice.choice([*WORDS[mixed], "thing", "box"]) for _ in range(5)) + f" {SCRIPT}")
        made["amount"].append(float(f"{10 ** (3 + 0.3 * size + dice.gauss(0, 0.1)):.2f}"))
        made["tags"].append([name for name, bar in (("big", 1.5), ("<b>huge</b>", 3.0)) if size > bar] or ["small"])
    return made


def table(frame: dict[str, list[Any]], keep: tuple[str, ...], source: str = "test.csv") -> Table:
    return Table(pl.DataFrame({name: frame[name] for name in keep}), {}, source)


def fit_one(
    target: str, keep: tuple[str, ...], *, classes: tuple[str, ...] = ("good", "bad"), pictures: bool = False, rows: int = 60, **more: Any
) -> Fitted:
    train, test = columns(rows, 1, classes), columns(rows // 2, 2, classes)
    for part in (train, test):
        if pictures:
            part["photo"] = [picture(60 + 150 * (name == "good" if place % 5 else place % 2)) for place, name in enumerate(part["label"])]
    encoders = {"words": "bow"} if "words" in keep else {}
    if pictures:
        encoders["photo"] = "hog"
    recipe = make_recipe({"target": target, "learners": ("linear",), "encoders": encoders, "folds": 3, **more})
    return fit_pipeline(table(train, keep, "train.csv"), recipe), table(test, keep)


@pytest.fixture(scope="session")
def binary() -> Fitted:
    return fit_one("label", ("label", "size", "colour", "words", "photo"), pictures=True)


@pytest.fixture(scope="session")
def multiclass() -> Fitted:
    return fit_one("label", ("label", "size", "colour", "words"), classes=("good", "bad", "odd"))


@pytest.fixture(scope="session")
def multilabel() -> Fitted:
    return fit_one("tags", ("tags", "size", "words"), kinds={"tags": "set"})


@pytest.fixture(scope="session")
def regression() -> Fitted:
    return fit_one("amount", ("amount", "size", "colour", "words"))


@pytest.fixture(scope="session")
def single() -> Fitted:
    return fit_one("label", ("label", "size", "colour"))


@pytest.fixture
def fitted(request: pytest.FixtureRequest) -> Fitted:
    """The model of the task that a test names."""
    found: Fitted = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Callable[[], FeatureStore]:
    return lambda: FeatureStore(tmp_path / "store")
