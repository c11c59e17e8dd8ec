"""Rows that training had, or nearly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consilience.core.errors import UsageError
from consilience.data.kinds import Cells, changed
from consilience.data.schema import Dataset
from consilience.judge.altered import altered_examples
from consilience.judge.slices import find_twins
from consilience.pipeline.fitted import Pipeline, Scored


def test_identical_rows_are_found_and_left_out(pipeline: Pipeline, scored: Scored) -> None:
    known, new = np.arange(20), np.arange(15, 40)
    train = scored.take(known)
    found = find_twins(pipeline, scored.take(new), train.dataset, train.examples)
    identical = {twin.row: twin.training_rows[0] for twin in found.twins if twin.identical}
    assert identical == {row: row for row in range(15, 20)}
    assert all(twin.same_target for twin in found.twins if twin.identical)
    assert found.without is not None
    left = [row for row in new.tolist() if row not in {twin.row for twin in found.twins}]
    said = scored.output[left].argmax(axis=1)
    assert found.without.value == pytest.approx(np.mean(said == pipeline.task.encode(np.asarray(scored.dataset.target))[left]))


def test_a_picture_that_was_touched_is_nearly_the_same(pipeline: Pipeline, scored: Scored) -> None:
    rows = np.flatnonzero(scored.dataset.cells["picture"].present)[:30]
    train, cells = scored.take(rows), scored.dataset.cells["picture"].take(rows[:3])
    few = scored.take(rows[:3])
    touched = {"picture": changed(cells, lambda pixels, row: np.maximum(pixels, 1))}
    test = replace(few, dataset=replace(few.dataset, cells={**few.dataset.cells, **touched}))
    test = replace(test, examples=altered_examples(pipeline, few.examples, few.dataset, touched))
    found = {twin.row: twin for twin in find_twins(pipeline, test, train.dataset, train.examples).twins}
    assert set(rows[:3].tolist()) <= set(found)
    for row in rows[:3].tolist():
        assert not found[row].identical
        assert "picture" in found[row].columns
        assert row in found[row].training_rows


def test_none_is_found_where_there_is_none(pipeline: Pipeline, scored: Scored) -> None:
    test, train = scored.take(np.arange(30)), scored.take(np.arange(30, 60))
    blank = _without_text(train.dataset)
    found = find_twins(pipeline, test, blank, train.examples.without(["text", "image"]))
    assert found.twins == ()
    assert found.without == found.overall
    assert "None of the 30 rows" in found.conclusion()


def test_rows_without_a_target_are_refused(pipeline: Pipeline, scored: Scored) -> None:
    blind = replace(scored, dataset=replace(scored.dataset, target=None))
    with pytest.raises(UsageError, match="target"):
        find_twins(pipeline, blind, scored.dataset, scored.examples)


def _without_text(dataset: Dataset) -> Dataset:
    gone: dict[str, Cells] = {name: dataset.cells[name].absent() for name in ("words", "picture")}
    return replace(dataset, cells={**dataset.cells, **gone})


def test_the_first_ten_come_with_the_cells_of_both(pipeline: Pipeline, scored: Scored) -> None:
    train = scored.take(np.arange(20))
    found = find_twins(pipeline, scored.take(np.arange(15)), train.dataset, train.examples)
    shown = [twin for twin in found.twins if twin.cells]
    assert shown == list(found.twins[:10])
    for twin in shown:
        assert twin.identical
        assert twin.cells == twin.training_cells
        assert twin.target == twin.training_target == scored.dataset.target[twin.row]  # type: ignore[index]
