"""Why rows cannot be judged: the same words in every room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

import consilience
from consilience.core.errors import DataError, UsageError
from consilience.judge.answers import answers_of
from consilience.pipeline.fitted import Pipeline, Scored

ROOMS: dict[str, Callable[[consilience.Model, pl.DataFrame], object]] = {
    "worth": lambda model, frame: model.worth(frame),
    "coverage": lambda model, frame: model.coverage(frame),
    "slices": lambda model, frame: model.slices(frame),
    "robustness": lambda model, frame: model.robustness(frame),
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_table_whose_labels_are_all_unknown_is_not_told_that_it_lacks_the_target(model: consilience.Model, room: str) -> None:
    frame = pl.DataFrame({"label": ["z"] * 4, "words": ["very sunny walk"] * 4, "size": [1.0] * 4, "picture": [None] * 4})
    with pytest.raises(DataError, match=r"all 4 were set aside.*'z'"):
        ROOMS[room](model, frame)


@pytest.mark.parametrize("room", ROOMS)
def test_a_table_without_rows_is_told_so(model: consilience.Model, room: str) -> None:
    frame = pl.DataFrame({"label": [], "words": [], "size": [], "picture": []}, schema_overrides={"label": pl.String, "words": pl.String})
    with pytest.raises(DataError, match="no rows"):
        ROOMS[room](model, frame)


def test_answers_are_encoded(pipeline: Pipeline, scored: Scored) -> None:
    classes = pipeline.task.target.classes
    assert [classes[code] for code in answers_of(pipeline, scored)] == list(scored.dataset.target)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="without a target"):
        answers_of(pipeline, replace(scored, dataset=replace(scored.dataset, target=None)))
