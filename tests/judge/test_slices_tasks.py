"""Numbers and sets of labels have slices and suspicious labels too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.plain import plain
from consilience.data.table import read_table


def quick(frame: pl.DataFrame, folder: Path, **more: object) -> consilience.Model:
    return consilience.fit(frame, target="y", learners=["linear"], presets="fast", cache=folder, progress=False, **more)  # type: ignore[arg-type]


def numbers(rows: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """A number that ``x`` and the colour tell, but for a much larger noise where the colour is red."""
    dice = np.random.default_rng(seed)
    x, colour = dice.normal(size=rows), dice.choice(["red", "green", "blue"], rows, p=[0.2, 0.4, 0.4])
    y = 3 * x + np.where(colour == "red", 1.0, 0.0) + dice.normal(0, np.where(colour == "red", 2.0, 0.2))
    return pl.DataFrame({"x": x.round(4), "colour": colour, "y": y.round(4)}), colour


@pytest.fixture(scope="module")
def number_model(tmp_path_factory: pytest.TempPathFactory) -> consilience.Model:
    return quick(numbers(200, 0)[0], tmp_path_factory.mktemp("numbers"))


def test_a_number_is_worst_where_the_noise_is(number_model: consilience.Model) -> None:
    frame, colour = numbers(150, 1)
    found = number_model.slices(frame)
    assert found["metric"] == "mae"
    assert not found["greater_is_better"]
    first = found["slices"][0]
    assert first["name"] == "colour = red"
    assert first["rows"] == int((colour == "red").sum())
    assert first["worse"]
    assert first["gap"]["low"] > 0  # a loss: worse is more, and the gap still positive
    assert plain(found) == found


def test_a_number_with_a_slip_of_the_decimal_point_is_suspicious(number_model: consilience.Model) -> None:
    frame, colour = numbers(60, 2)
    row = int(np.flatnonzero(colour != "red")[3])
    values = frame["y"].to_numpy().copy()
    values[row] = 60.0
    labels = number_model.slices(frame.with_columns(y=pl.Series(values)))["labels"]
    found = labels["suspects"]
    assert labels["by_chance"] == pytest.approx(0.6)  # of 60 right numbers; those outside are not called likely mistakes
    assert "as about 0.6 right ones do by chance" in labels["conclusion"]
    assert "likelier wrong" not in labels["conclusion"]
    assert found[0]["row"] == row
    assert found[0]["given"] == 60.0
    assert found[0]["suggested"] < 20
    assert found[0]["margin"] > 1
    assert found[0]["given_probability"] is None
    assert found[0]["all_evidence"]


def test_the_error_of_answered_numbers_has_an_interval(number_model: consilience.Model) -> None:
    from consilience.judge.coverage import check_abstention

    scored = number_model.pipeline.score(read_table(numbers(60, 3)[0]), with_target=True)
    found = check_abstention(number_model.pipeline, scored, 1.0)
    assert found.answered > 0
    assert found.wrong.low < found.wrong.value < found.wrong.high


def test_a_set_with_a_label_too_many_is_suspicious(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    on = dice.random((160, 2)) < 0.5
    sets = [[name for name, there in zip(("sun", "rain"), row, strict=True) if there] for row in on]
    frame = pl.DataFrame({"a": on[:, 0] + dice.normal(0, 0.1, 160), "b": on[:, 1] + dice.normal(0, 0.1, 160), "y": sets})
    model = quick(frame[:100], tmp_path)
    assert model.pipeline.task.target.task == "multilabel"
    wrong = next(row for row in range(100, 160) if sets[row] == ["sun"])
    sets[wrong] = ["sun", "rain"]
    found = model.slices(frame.with_columns(y=pl.Series(sets))[100:])
    assert found["metric"] == "micro_f1"
    first = found["labels"]["suspects"][0]
    assert first["row"] == wrong - 100
    assert first["given"] == ["sun", "rain"]
    assert first["suggested"] == ["sun"]
    assert first["suggested_probability"] == pytest.approx(1 - first["given_probability"])
