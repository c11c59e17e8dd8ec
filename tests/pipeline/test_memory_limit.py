"""Very many rows: as many are learned from as the limit of memory lets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import Table
from consilience.features.plan import Features
from consilience.features.slots import plan_slots
from consilience.pipeline import _memory
from consilience.pipeline._memory import rows_within


def wide(rows: int) -> Table:
    dice = np.random.default_rng(0)
    frame = pl.DataFrame({"label": dice.choice(["a", "b"], rows), **{f"x{place}": dice.normal(size=rows) for place in range(4)}})
    return Table(frame, {}, "many.csv")


def test_rows_are_bounded_by_what_their_features_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "FEWEST", 100)
    table = wide(3000)
    schema = infer_schema(table, "label")
    dataset, features = build_dataset(table, schema, with_target=True), Features(plan_slots(schema, {}))
    per_row = 4 * 4 * _memory.OF_COLUMN
    kept = rows_within(1000 * per_row / 2**30 / _memory.PART, dataset, features, 0)
    assert kept is not None
    assert abs(len(kept) - 1000) <= 1
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(kept) > 0).all()
    assert rows_within(6, dataset, features, 0) is None
    other = rows_within(1000 * per_row / 2**30 / _memory.PART, dataset, features, 1)
    assert other is not None
    assert not np.array_equal(kept, other)


def test_few_rows_are_never_left_out() -> None:
    table = wide(300)
    schema = infer_schema(table, "label")
    assert rows_within(1e-9, build_dataset(table, schema, with_target=True), Features(plan_slots(schema, {})), 0) is None


def test_a_fit_says_how_many_rows_it_learns_from(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_memory, "FEWEST", 100)
    frame = wide(600).frame
    model = consilience.fit(frame, target="label", memory_limit=1e-9, learners=["linear"], presets="fast", progress=True)
    assert "learns from 100 of 600 rows" in capsys.readouterr().err
    assert model.facts["num_rows"] == 600
    assert len(model.predict(frame)) == 600
