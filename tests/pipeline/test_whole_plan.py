"""When encoders are learned unasked: not on small tables, not where nothing is left to win, and with questions where cells are asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from consilience.core.progress import Silent
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import read_table
from consilience.pipeline._whole import FEWEST, FEWEST_STEERED, EndToEndPlan
from consilience.pipeline.recipe import Recipe
from consilience.tasks import TASKS


def plan(frame: pl.DataFrame, folder: Path, **recipe: Any) -> EndToEndPlan:
    table = read_table(frame, folder=folder)
    schema = infer_schema(table, "answer", kinds={"asks": "text"} if "asks" in frame.columns else None)
    dataset = build_dataset(table, schema, with_target=True)
    assert schema.target is not None
    assert dataset.target is not None
    task: Any = TASKS.get(schema.target.task)(schema.target)
    return EndToEndPlan(dataset, schema, Recipe(target="answer", **recipe), task, task.encode(dataset.target), [], [], [], Silent())


def questions(folder: Path, rows: int, *, shared: bool) -> pl.DataFrame:
    """Pictures with a text each; the same picture beside several texts, or each picture once."""
    for place in range(8):
        Image.new("RGB", (8, 8), (30 * place, 0, 0)).save(folder / f"{place}.png")
    if not shared:
        for row in range(rows):
            (folder / f"own{row}.png").write_bytes((folder / "0.png").read_bytes())
    return pl.DataFrame(
        {
            "picture": [f"{row % 8}.png" if shared else f"own{row}.png" for row in range(rows)],
            "asks": [f"is there a red thing in picture of the number {row} somewhere" for row in range(rows)],
            "answer": [["yes", "no"][(row // 8 + row) % 2] for row in range(rows)],
        }
    )


MUCH = {("image",): 0.6, ("text",): 0.5, ("image", "text"): 0.4}


def test_a_picture_beside_several_questions_is_asked(tmp_path: Path):
    assert plan(questions(tmp_path, FEWEST_STEERED, shared=True), tmp_path)._steered(MUCH) == {"image": "text"}


def test_pictures_that_stand_once_are_not_asked_unless_both_tell_nothing(tmp_path: Path):
    made = plan(questions(tmp_path, FEWEST_STEERED, shared=False), tmp_path)
    assert made._steered(MUCH) == {}
    assert made._steered({("image",): 1.0, ("text",): 1.0}) == {"image": "text"}


@pytest.mark.parametrize(
    ("rows", "left", "recipe"), [(50, MUCH, {}), (FEWEST_STEERED, {("image",): 0.001}, {}), (FEWEST_STEERED, MUCH, {"presets": "fast"})]
)
def test_nothing_is_asked_of_few_rows_or_where_nothing_is_left(tmp_path: Path, rows: int, left: Any, recipe: Any):
    assert plan(questions(tmp_path, rows, shared=True), tmp_path, **recipe)._steered(left) == {}


def test_frozen_means_frozen(tmp_path: Path):
    made = plan(questions(tmp_path, FEWEST_STEERED, shared=True), tmp_path, train={"image": "frozen"})
    assert made._steered(MUCH) == {}
    assert made._wanted({("image",): 0.9}) == []


@pytest.mark.parametrize(("rows", "left", "wanted"), [(FEWEST, 0.4, ["series"]), (FEWEST - 1, 0.4, []), (FEWEST, 0.001, [])])
def test_series_are_learned_from_some_hundred_rows_on(tmp_path: Path, rows: int, left: float, wanted: list[str]):
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "wave": [" ".join(f"{value:.2f}" for value in draw.normal(size=8)) for _ in range(rows)],
            "answer": ["yes", "no"] * (rows // 2) + ["yes"] * (rows % 2),
        }
    )
    assert plan(frame, tmp_path)._wanted({("series",): left}) == wanted
