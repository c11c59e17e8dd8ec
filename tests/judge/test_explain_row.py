"""One explained row of a model of words, pictures and numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import DataError, UnknownName, UsageError
from consilience.data.table import read_table
from consilience.judge.altered import rescore
from consilience.judge.explain import Explanation, explain_row
from consilience.judge.explain._nearest import distances
from consilience.pipeline.fitted import Pipeline, Scored

from .conftest import WORDS, mixed_frame


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return mixed_frame(tmp_path_factory.mktemp("explain"), 30, 3)


@pytest.fixture(scope="module")
def whole(frame: pl.DataFrame) -> int:
    """A row with every cell."""
    return int(frame.with_row_index().drop_nulls()["index"][0])


@pytest.fixture(scope="module")
def found(pipeline: Pipeline, frame: pl.DataFrame, whole: int) -> Explanation:
    return explain_row(pipeline, read_table(frame), whole, evaluations=96, nearest=4)


def test_modalities_sum_from_nothing_to_all(found: Explanation, model: consilience.Model, frame: pl.DataFrame, whole: int) -> None:
    assert {one.name for one in found.modalities} == {"image", "table", "text"}
    assert found.base + sum(one.weight for one in found.modalities) == pytest.approx(found.value)
    said = model.predict_table(frame)
    assert found.prediction == said["prediction"][whole]
    assert found.probability == pytest.approx(said["probability"][whole], abs=1e-5)
    text = next(one for one in found.modalities if one.name == "text")
    without = model.predict_proba(frame.with_columns(pl.lit(None, pl.String).alias("words")))
    assert text.without == pytest.approx(without[whole, model.classes.index(str(found.of))], abs=1e-5)


def test_words_that_tell_come_before_words_that_do_not(found: Explanation) -> None:
    cell = next(cell for cell in found.cells if cell.column == "words")
    names = [piece.name for piece in cell.pieces if piece.weight > 0]
    assert cell.exact
    assert names[0] in WORDS[str(found.of)].split()
    # Left out one by one, words leave an absent cell: their weights are those of the modality.
    text = next(one for one in found.modalities if one.name == "text")
    assert cell.whole == pytest.approx(text.weight, abs=1e-5)
    assert next(cell for cell in found.cells if cell.kind == "table").whole == pytest.approx(
        next(one for one in found.modalities if one.name == "table").weight, abs=1e-5
    )


def test_it_is_json_and_says_the_same_again(found: Explanation, pipeline: Pipeline, frame: pl.DataFrame, whole: int) -> None:
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(told) >= {"prediction", "probability", "truth", "of", "scale", "base", "value", "modalities", "cells", "nearest", "like", "notes"}
    assert told["cells"][0]["pieces"][0].keys() >= {"name", "weight", "error"}
    assert explain_row(pipeline, read_table(frame), whole, evaluations=96, nearest=4).as_dict() == found.as_dict()


def test_a_missing_cell_is_said_to_be_missing(pipeline: Pipeline, frame: pl.DataFrame, whole: int) -> None:
    row = frame[whole].with_columns(pl.lit(None, pl.String).alias("picture"), pl.lit(None, pl.Float64).alias("size"))
    found = explain_row(pipeline, read_table(row), 0, evaluations=64)
    gone = {one.name: (one.missing, one.weight) for one in found.modalities}
    assert gone["image"] == (True, 0.0)
    assert gone["table"] == (True, 0.0)
    by_column = {cell.column: cell for cell in found.cells}
    assert by_column["picture"].missing
    assert by_column["table"].missing
    assert by_column["table"].absent == ("size",)
    assert found.nearest == ()


def test_combinations_of_columns_are_asked_in_parts_where_a_row_is_large(
    pipeline: Pipeline, frame: pl.DataFrame, whole: int, found: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is repeated once for each of up to 1,024 combinations, with all its pictures."""
    import consilience.judge.explain._whole as room

    monkeypatch.setattr(room, "MEMORY", 1)
    asked: list[int] = []
    monkeypatch.setattr(room, "rescore", lambda pipeline, many, cells: [asked.append(len(many.dataset)), rescore(pipeline, many, cells)][1])
    again = explain_row(pipeline, read_table(frame), whole, evaluations=2, nearest=0)
    (wanted,), (said,) = ([cell for cell in one.cells if cell.column == "table"] for one in (found, again))
    assert set(asked) == {1}
    assert [piece.weight for piece in said.pieces] == pytest.approx([piece.weight for piece in wanted.pieces])


def test_another_class_can_be_asked_for(pipeline: Pipeline, frame: pl.DataFrame, found: Explanation, whole: int) -> None:
    other = next(name for name in WORDS if name != found.of)
    asked = explain_row(pipeline, read_table(frame), whole, of=other, evaluations=64, nearest=0)
    assert asked.of == other
    assert asked.prediction == found.prediction
    assert asked.shown < found.shown
    assert asked.value < asked.base


def test_alike_rows_are_alike(found: Explanation, frame: pl.DataFrame, whole: int, pipeline: Pipeline, scored: Scored) -> None:
    assert found.like == {"source": "the table", "rows": 29, "same_table": True}
    assert [near.distance for near in found.nearest] == sorted(near.distance for near in found.nearest)
    assert all(near.row != whole for near in found.nearest)
    assert all(near.label == frame["label"][near.row] for near in found.nearest)
    far = distances(pipeline, scored.take(np.array([3])), scored)
    assert int(far.argmin()) == 3
    assert far[3] == pytest.approx(0, abs=1e-6)


def test_alike_rows_of_another_table(model: consilience.Model, frame: pl.DataFrame, whole: int) -> None:
    """A copy of the row there is the nearest, by its number there; rows without an answer count too where none has one."""
    others = pl.concat([frame[:5], frame[whole : whole + 1], frame[8:12]])
    found = model.explain(frame, whole, like=others, evaluations=16, nearest=2)
    assert found.nearest[0].row == 5 or others["words"][found.nearest[0].row] == frame["words"][whole]
    assert found.nearest[0].distance == pytest.approx(0, abs=1e-5)
    assert found.like is not None
    assert not found.like["same_table"]
    unknown = model.explain(frame, whole, like=others.drop("label"), evaluations=16, nearest=1)
    assert unknown.nearest[0].label is None


def test_a_row_with_a_strange_answer_is_explained(pipeline: Pipeline, frame: pl.DataFrame, whole: int) -> None:
    row = frame[whole].with_columns(pl.lit("never seen").alias("label"))
    found = explain_row(pipeline, read_table(row), 0, evaluations=16)
    assert found.truth is None
    assert found.prediction in WORDS


def test_mistakes_are_said(pipeline: Pipeline, frame: pl.DataFrame, tmp_path: Path) -> None:
    table = read_table(frame)
    with pytest.raises(UsageError, match=r"no row 30: its 30 rows are 0 to 29"):
        explain_row(pipeline, table, 30)
    with pytest.raises(UsageError, match="no row -1"):
        explain_row(pipeline, table, -1)
    with pytest.raises(UnknownName, match="There is no class 'd'"):
        explain_row(pipeline, table, 0, of="d")
    with pytest.raises(UsageError, match="nothing can be told"):
        explain_row(pipeline, table, 0, evaluations=1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG no picture")
    row = frame[:1].with_columns(pl.lit(str(broken)).alias("picture"))
    with pytest.raises(DataError, match=r"(?s)picture.*nothing to explain"):
        explain_row(pipeline, read_table(row), 0)


def test_a_number_is_explained_in_its_own_scale(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    area, rooms = dice.uniform(20, 200, 150), dice.integers(1, 6, 150)
    data = {"area": area.round(1), "rooms": rooms, "price": (1000 * np.exp(0.01 * area + dice.normal(0, 0.05, 150))).round(2)}
    model = consilience.fit(data, target="price", learners=["linear"], presets="fast", cache=tmp_path, progress=False)
    found = model.explain(data, 3, nearest=2)
    assert found.of is None
    assert found.probability is None
    assert found.scale == ("logarithm" if model.pipeline.task.target.log else "number")
    assert found.cells[0].pieces[0].name == "area"
    assert found.base + found.modalities[0].weight == pytest.approx(found.value)
    with pytest.raises(UsageError, match="predicts a number"):
        model.explain(data, 3, of="a")
