"""Rows with altered cells get the features of the altered cells, and keep all others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from consilience.data.kinds import KINDS, Cells, Made, changeable, changed
from consilience.data.kinds._joined import joined
from consilience.judge.altered import rescore
from consilience.pipeline.fitted import Pipeline, Scored


def test_nothing_altered_changes_nothing(pipeline: Pipeline, scored: Scored) -> None:
    cells = {name: changed(part, lambda value, row: value) for name, part in scored.dataset.cells.items()}
    again = rescore(pipeline, scored, cells)
    assert np.allclose(again.scores, scored.scores, atol=1e-5)
    assert rescore(pipeline, scored, {}).output is not None


def test_only_the_altered_rows_change(pipeline: Pipeline, scored: Scored) -> None:
    assert set(pipeline.modalities) == {"image", "table", "text"}
    rows = np.flatnonzero(scored.dataset.cells["picture"].present)[:5]
    dark = changed(scored.dataset.cells["picture"], lambda pixels, row: np.zeros_like(pixels), rows)
    found = rescore(pipeline, scored, {"picture": dark})
    moved = np.flatnonzero(np.abs(found.scores - scored.scores).max(axis=1) > 1e-4)
    assert set(moved) <= set(rows.tolist())
    assert len(moved) > 0


def test_an_absent_column_is_the_modality_taken_away(pipeline: Pipeline, scored: Scored) -> None:
    gone = rescore(pipeline, scored, {"words": scored.dataset.cells["words"].absent()})
    without = pipeline.scored(scored.dataset, scored.examples.without(["text"]))
    assert np.allclose(gone.scores, without.scores, atol=1e-5)


def test_a_change_can_be_changed_again(scored: Scored) -> None:
    cells = scored.dataset.cells["picture"]
    row = int(np.flatnonzero(cells.present)[0])
    once = changed(cells, lambda pixels, _: pixels // 2)
    twice = changed(once, lambda pixels, _: pixels // 2, [row])
    assert np.array_equal(twice.read(row), cells.read(row) // 4)
    assert twice.key(row) != once.key(row) != cells.key(row)


def test_some_rows_are_scored_as_among_all(pipeline: Pipeline, scored: Scored) -> None:
    few = scored.take(np.array([7, 3]))
    assert np.allclose(rescore(pipeline, few, {"words": few.dataset.cells["words"]}).scores, scored.scores[[7, 3]], atol=1e-5)


def test_any_of_several_channels_can_be_changed() -> None:
    kind = KINDS.get("series")()
    columns = [Cells(name, kind, *_parsed(kind, text)) for name, text in (("x", "1, 2, 3, 4"), ("y", "5, 6, 7, 8"))]
    second = changed(columns[1], lambda signal, row: replace(signal, values=signal.values * 10))
    together = joined("x…y", [columns[0], second]).read(0)
    assert together.values[:, 0].tolist() == [1, 2, 3, 4]
    assert together.values[:, 1].tolist() == [50, 60, 70, 80]


def _parsed(kind: Any, text: str) -> tuple[np.ndarray, np.ndarray]:
    found = kind.parse(pl.Series([text]))
    return found.values, found.present


def test_a_made_cell_is_read_anew_and_shown_as_what_it_stands_for(scored: Scored) -> None:
    cells = changeable(scored.dataset.cells["picture"])
    row = int(np.flatnonzero(cells.present)[0])
    calls: list[int] = []

    def make() -> np.ndarray:
        calls.append(1)
        return np.zeros((2, 2, 3), dtype=np.uint8)

    values = cells.values.copy()
    values[row] = Made(make)
    held = Cells(cells.name, cells.kind, values, cells.present)
    assert held.read(row).shape == held.read(row).shape == (2, 2, 3)
    assert len(calls) == 2
    assert held.kind.thumbnail(values[row]) == ""
    assert held.key(row) != cells.key(row)
    assert changeable(cells).kind is cells.kind
    dark = changed(scored.dataset.cells["picture"], lambda pixels, _: pixels // 2)
    assert dark.kind.thumbnail(dark.values[row]) == cells.kind.thumbnail(cells.values[row])
