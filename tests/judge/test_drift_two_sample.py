"""Two tables: told apart where they differ, not where they do not, and what the difference costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from scipy.stats import norm

import consilience
from consilience.core.errors import ConsilienceError
from consilience.data.table import read_table
from consilience.features._examples import Block, Examples
from consilience.judge.drift import compare_tables, expect, two_sample
from consilience.judge.drift._expected import _mean, _thresholded
from consilience.metrics import Interval
from consilience.pipeline.fitted import Pipeline, Scored

from .conftest import mixed_frame


def examples(rows: int, seed: int, *, shift: float = 0.0, width: int = 6, thin: bool = False) -> Examples:
    dice = np.random.default_rng(seed)
    values = dice.normal(0, 1, (rows, width)).astype(np.float32)
    values[:, 0] += shift
    mask = dice.random(rows) < 0.9
    kept = sparse.csr_matrix(np.where(np.abs(values) > 1, values, 0)) if thin else values
    return Examples((Block("x:fake", "image", kept, mask),), rows)


def test_the_same_source_is_not_told_apart() -> None:
    """40 pairs of tables without a finding at 1 %, and p-values that are spread as they should be."""
    tests = [two_sample(examples(120, 2 * seed), examples(90, 2 * seed + 1), "image", seed=seed) for seed in range(40)]
    p_values = np.array([test.p_value for test in tests])
    assert p_values.min() > 0.001
    assert (p_values < 0.05).mean() <= 0.15
    assert 0.3 < p_values.mean() < 0.75
    assert np.mean([test.auc.value for test in tests]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("width", [3, 80])
def test_a_planted_shift_is_told(thin: bool, width: int) -> None:
    one, two = examples(200, 1, width=width, thin=thin), examples(200, 2, shift=4, width=width, thin=thin)
    found = two_sample(one, two, "image")
    assert found.auc.value > 0.9
    assert found.auc.low <= found.auc.value <= found.auc.high
    assert found.p_value < 1e-6
    assert found.rows == (int(one.present()["image"].sum()), int(two.present()["image"].sum()))


def test_a_small_shift_has_the_auc_that_theory_gives() -> None:
    """Normal values a spread of 1 apart: the best AUC is Phi(1 / sqrt(2)) = 0.760."""
    found = two_sample(examples(900, 1, width=2), examples(900, 2, shift=1, width=2), "image")
    assert found.auc.value == pytest.approx(0.760, abs=0.03)


def test_where_nothing_can_be_told_it_says_why() -> None:
    few = two_sample(examples(15, 1), examples(200, 2), "image")
    assert np.isnan(few.auc.value)
    assert "20 rows" in few.note
    assert few.as_dict()["p_value"] is None
    assert "no features" in two_sample(examples(50, 1), examples(50, 2), "audio").note


def test_threshold_by_hand() -> None:
    sure, right = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1.0, 1, 1, 0, 0])
    assert _thresholded(sure, right, sure) == pytest.approx(0.6)
    assert _thresholded(sure, right, np.array([0.95, 0.85, 0.55, 0.5])) == pytest.approx(0.5)
    assert _thresholded(np.full(10, 0.9), np.repeat([1.0, 0.0], 5), np.full(4, 0.9)) == pytest.approx(0.5), "confidences that are all alike"
    assert _thresholded(sure, np.ones(5), sure) == pytest.approx(1)
    assert _thresholded(sure, np.zeros(5), sure) == pytest.approx(0)


def test_what_is_expected_of_the_same_rows_is_what_they_are(pipeline: Pipeline, scored: Scored) -> None:
    found = expect(pipeline, scored, scored)
    assert found.first is not None
    assert found.measured is not None
    assert found.estimates["threshold"].value == pytest.approx(found.first.value)
    assert found.estimates["difference"].value == pytest.approx(found.first.value)
    assert found.estimates["confidence"].value == pytest.approx(scored.output.max(axis=1).mean())
    assert found.measured == found.first, "one number of the same rows has one interval"


def test_a_mean_of_shares_has_an_interval_of_shares() -> None:
    right = np.ones(30)
    right[0] = 0
    found = _mean(right, 0, None, most=1.0)
    assert found.low < found.value < found.high <= 1
    assert _mean(1 - right, 0, None).low >= 0


def test_what_is_expected_of_groups_is_as_uncertain_as_of_one_row_of_each(pipeline: Pipeline, scored: Scored) -> None:
    rows = np.repeat(np.arange(len(scored.dataset)), 5)
    many = scored.take(rows)
    grouped, alone = (replace(many, dataset=replace(many.dataset, groups=groups)) for groups in (rows, None))
    once, whole, careless = (expect(pipeline, part, part).estimates for part in (scored, grouped, alone))
    for name in ("confidence", "threshold", "difference"):
        widths = [found[name].high - found[name].low for found in (once, whole, careless)]
        assert 0.75 < widths[1] / widths[0] < 1.33, name
        assert widths[2] < 0.6 * widths[0], name


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("two")
    return mixed_frame(folder / "one", 150, 5), mixed_frame(folder / "two", 150, 6)


def test_like_tables_have_nothing_to_tell(pipeline: Pipeline, frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = compare_tables(pipeline, *(read_table(frame) for frame in frames))
    assert found.columns == ()
    assert found.absent == ()
    assert {test.modality for test in found.modalities} == set(pipeline.modalities)
    assert all(test.p_value > 0.001 and test.auc.value < 0.65 for test in found.modalities)
    made = found.as_dict()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["expected"]["measured"]["value"] == pytest.approx(made["expected"]["estimates"]["threshold"]["value"], abs=0.12)


def test_what_was_changed_is_told_and_costs(pipeline: Pipeline, frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    one, two = frames
    worse = two.with_columns(words=pl.lit("something else altogether about words"), size=pl.col("size") + 9, picture=pl.lit(None, dtype=pl.String))
    found = compare_tables(pipeline, read_table(one), read_table(worse))
    assert {drift.column for drift in found.columns} == {"words", "size", "picture"}
    by_name = {test.modality: test for test in found.modalities}
    assert by_name["text"].auc.value > 0.95
    assert by_name["table"].auc.value > 0.95
    assert "20 rows" in by_name["image"].note
    expected = found.expected
    assert expected.first is not None
    assert expected.measured is not None
    assert expected.measured.value < expected.first.value - 0.3


def test_answers_are_not_needed(pipeline: Pipeline, frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    one, two = frames
    without = compare_tables(pipeline, read_table(one.drop("label")), read_table(two.drop("label"))).expected
    assert set(without.estimates) == {"confidence"}
    assert without.measured is None
    some = two.with_columns(label=pl.when(pl.int_range(pl.len()) % 4 == 0).then(None).otherwise("label"))
    found = compare_tables(pipeline, read_table(one), read_table(some))
    assert found.rows[1] == 150, "a row without an answer is compared like any other"
    assert found.expected.measured is not None


def test_columns_of_one_table_only(pipeline: Pipeline, frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    one, two = frames
    assert compare_tables(pipeline, read_table(one), read_table(two.drop("size"))).absent == ("size",)
    with pytest.raises(ConsilienceError, match="column"):
        compare_tables(pipeline, read_table(one), read_table(pl.DataFrame({"other": [1, 2]})))


def test_numbers_have_widths(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    size = dice.normal(0, 1, 160)
    frame = pl.DataFrame({"price": (size * 3 + dice.normal(0, 0.5, 160)).round(4), "size": size.round(4), "other": dice.normal(0, 1, 160).round(4)})
    model = consilience.fit(frame[:110], target="price", learners=["linear"], presets="fast", cache=tmp_path, progress=False)
    found = model.drift(frame[110:], frame[110:].drop("price"))
    expected = found["expected"]
    assert expected["metric"] == "interval_width"
    assert expected["estimates"]["width"]["value"] == pytest.approx(expected["first"]["value"])
    assert 0.5 < expected["first"]["value"] < 5
    assert expected["measured_first"]["value"] < 1
    assert expected["measured"] is None


def test_tables_of_one_source_differ_no_more_often_than_chance_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds that share their training rows err together: as if they did not, one table in eight would differ where one in twenty should."""
    import consilience.judge.drift._two_sample as room

    monkeypatch.setattr(room, "bootstrap", lambda *given, **more: {"auc": Interval(0.5, 0.5, 0.5)})
    found = []
    for seed in range(60):
        values = np.random.default_rng(seed).normal(size=(80, 10)).astype(np.float32)
        one, other = (Examples((Block("a:x", "a", part, np.ones(40, dtype=bool)),), 40) for part in (values[:40], values[40:]))
        found.append(two_sample(one, other, "a", seed=seed).p_value)
    scores = norm.isf(found)
    assert 0.75 < scores.std() < 1.2
    assert np.mean(np.array(found) < 0.05) <= 0.1
