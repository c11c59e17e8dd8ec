"""Words, numbers, axes, reliability and the card for notebooks."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.judge.worth.patterns import patterns_of, score_patterns
from consilience.report._axes import linear_axis, log_axis
from consilience.report._intervals import IntervalRow, plot_intervals
from consilience.report._numbers import Numbers
from consilience.report._trust import wilson
from consilience.report._words import CATALOGUES, words_for
from consilience.report.notebook import notebook_html

finite = st.floats(-1e9, 1e9, allow_nan=False)


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_catalogues_have_the_same_keys() -> None:
    english, chinese = CATALOGUES["en"], CATALOGUES["zh"]
    assert list(english) == list(chinese)
    for key in english:
        assert gaps(chinese[key]) <= gaps(english[key]), key


def test_chinese_texts_are_chinese() -> None:
    same = {key for key, text in CATALOGUES["zh"].items() if text == CATALOGUES["en"][key] and any(letter.isalpha() for letter in text)}
    assert same <= {"metric.auc", "metric.r2", "column.f1"}


def test_every_metric_of_every_task_has_a_name_and_a_meaning() -> None:
    from consilience.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, REGRESSION_LOG

    for name in {**CLASSIFICATION, **MULTILABEL, **REGRESSION, **REGRESSION_LOG}:
        for texts in CATALOGUES.values():
            assert texts[f"metric.{name}"]
            assert texts[f"summary.{name}"]


@given(finite, finite)
def test_a_linear_axis_holds_what_it_is_for(one: float, other: float) -> None:
    axis = linear_axis(min(one, other), max(one, other))
    slack = 1e-6 * max(1e-9, abs(one), abs(other))
    assert axis.low <= min(one, other) + slack
    assert axis.high >= max(one, other) - slack
    assert 2 <= len(axis.ticks) <= 8
    assert [tick.at for tick in axis.ticks] == sorted({tick.at for tick in axis.ticks})


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_a_log_axis_holds_what_it_is_for(one: float, other: float) -> None:
    axis = log_axis(min(one, other), max(one, other))
    assert axis.low <= min(one, other)
    assert axis.high >= max(one, other)
    assert 2 <= len(axis.ticks) <= 6
    assert (axis.ticks[0].at, axis.ticks[-1].at) == (0, 100)


def test_an_axis_keeps_to_the_bounds_of_the_metric() -> None:
    assert linear_axis(0.91, 1.0, most=1.0).high == 1.0


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_s_interval_holds_the_share(hits: int, count: int) -> None:
    low, high = wilson(min(hits, count), count)
    assert 0 <= low <= min(hits, count) / count <= high <= 1 or math.isclose(low, min(hits, count) / count, abs_tol=1e-12) or math.isclose(high, 1)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.7144, "71.4\u202f%"),
        ("accuracy", 1.0, "100.0\u202f%"),
        ("accuracy", None, "–"),
        ("log_loss", 0.38567, "0.386"),
        ("auc", float("nan"), "–"),
    ],
)
def test_metrics_as_text(name: str, value: float | None, text: str, single: Any) -> None:
    assert Numbers(words_for("en"), single[0].task).metric(name, value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,234,567"), (0.012345, "0.0123"), (0.0, "0.000"), (-2.5, "−2.50"), (1e20, "1.00e+20"), (math.inf, "–")]
)
def test_numbers_as_text(value: float, text: str, single: Any) -> None:
    assert Numbers(words_for("en"), single[0].task).plain(value) == text


def test_nearly_sure_is_not_sure(single: Any) -> None:
    numbers = Numbers(words_for("en"), single[0].task)
    assert numbers.share(0.99999) == ">99.9\u202f%"
    assert numbers.share(0.00001) == "<0.1\u202f%"
    assert numbers.share(0.0) == "0.0\u202f%"


def test_a_row_far_off_does_not_stretch_the_axis(regression: Any) -> None:
    numbers = Numbers(words_for("en"), regression[0].task)
    rows = [IntervalRow(name, {"value": value, "low": value, "high": value}) for name, value in (("a", 1.0), ("b", 1.1), ("c", 900.0))]
    plot = plot_intervals(rows, "rmse", numbers)
    assert plot is not None
    assert [strip.outside for strip in plot.strips] == [False, False, True]
    assert plot.axis.high < 10
    assert plot_intervals([IntervalRow("a", {"value": None, "low": None, "high": None})], "rmse", numbers) is None


@pytest.mark.parametrize(("count", "patterns"), [(1, 2), (2, 4), (4, 16), (5, 12), (8, 18)])
def test_how_many_patterns_are_scored(count: int, patterns: int) -> None:
    names = [f"m{index}" for index in range(count)]
    found = patterns_of(names)
    assert len(found) == len(set(found)) == patterns
    assert found[0] == tuple(names)
    assert found[-1] == ()


def test_patterns_agree_with_predicting_without_the_columns(binary: Any) -> None:
    pipeline, table = binary
    scored = pipeline.score(table, with_target=True)
    found = {tuple(pattern["modalities"]): pattern for pattern in score_patterns(pipeline, scored)}
    assert len(found) == 2 ** len(pipeline.modalities)
    whole = pipeline.evaluate(table)["metrics"]
    assert found[tuple(pipeline.modalities)]["metrics"] == whole
    assert found[tuple(pipeline.modalities)]["cost"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    gone = pipeline.evaluate(type(table)(table.frame.drop("photo"), {}, "test.csv"))["metrics"]
    without = found[tuple(name for name in pipeline.modalities if name != "image")]
    assert without["metrics"]["log_loss"]["value"] == pytest.approx(gone["log_loss"]["value"], abs=1e-9)
    assert without["cost"]["value"] == pytest.approx(whole["accuracy"]["value"] - gone["accuracy"]["value"], abs=1e-9)
    rows = np.array([pattern["rows"] for pattern in found.values()])
    assert rows.sum() == len(scored.dataset)


@pytest.mark.parametrize("fitted", ["binary", "regression", "single"], indirect=True)
def test_the_card_for_notebooks(fitted: Any) -> None:
    pipeline, _ = fitted
    card = notebook_html(pipeline)
    assert pipeline.facts["fusion_gain"]["verdict"] in card
    assert card.count("<tr") == min(5, sum(bool(entry["metrics"]) for entry in pipeline.facts["leaderboard"]))
    assert "://" not in card


def test_the_card_escapes_names(single: Any) -> None:
    from dataclasses import replace

    pipeline = replace(single[0], facts={**single[0].facts, "fusion_gain": {**single[0].facts["fusion_gain"], "verdict": "<script>x</script>"}})
    assert "<script" not in notebook_html(pipeline)
