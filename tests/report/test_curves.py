"""Training curves: what learning recorded is what the page draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.data.table import Table
from consilience.pipeline.fit import fit_pipeline
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.recipe import make_recipe
from consilience.report._curves import make_curves
from consilience.report._material import Material
from consilience.report._numbers import Numbers
from consilience.report._words import words_for


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    random = np.random.default_rng(0)
    size, width = random.normal(size=160), random.normal(size=160)
    label = np.where(size + width + random.normal(size=160) > 0, "yes", "no")
    frame = pl.DataFrame({"label": label, "size": size, "width": width})
    return fit_pipeline(Table(frame, {}, "train.csv"), make_recipe({"target": "label", "learners": ("linear", "tabm", "trees"), "folds": 3}))


def material(pipeline: Pipeline, language: str = "en") -> Material:
    words = words_for(language)
    return Material(pipeline, words, Numbers(words, pipeline.task))


def test_learners_that_learn_step_by_step_have_a_curve(pipeline: Pipeline) -> None:
    curves = {entry["learner"]: entry["curve"] for entry in pipeline.facts["leaderboard"]}
    assert curves["linear"] is None, "penalties are no steps"
    assert curves["tabm"]["along"] == "epochs"
    assert curves["trees"]["along"] == "rounds"
    for name in ("tabm", "trees"):
        curve = curves[name]
        assert len(curve["at"]) == len(curve["held_out"]) > 1
        assert list(curve["at"]) == sorted(set(curve["at"]))
    assert len(curves["tabm"]["seen"]) == len(curves["tabm"]["at"])


def test_the_least_held_out_loss_is_where_the_model_stops(pipeline: Pipeline) -> None:
    for entry in pipeline.facts["leaderboard"]:
        if curve := entry["curve"]:
            assert entry["point"][curve["along"]] == curve["at"][int(np.argmin(curve["held_out"]))]


def test_a_network_fits_the_rows_it_sees_better_in_the_end(pipeline: Pipeline) -> None:
    (curve,) = (entry["curve"] for entry in pipeline.facts["leaderboard"] if entry["learner"] == "tabm")
    assert curve["seen"][-1] < curve["seen"][0]
    assert curve["seen"][-1] < curve["held_out"][-1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_point_is_drawn_inside_the_plot_or_above_it(pipeline: Pipeline, language: str) -> None:
    drawn = make_curves(material(pipeline, language))
    assert len(drawn) == 2
    for curve in drawn:
        assert 0 <= curve.chosen_at <= 100
        for line in curve.lines:
            places = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
            assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in places)
        assert curve.rows
        assert curve.conclusion


def test_what_the_loss_did_is_said(pipeline: Pipeline) -> None:
    def said(held_out: list[float]) -> str:
        entry: dict[str, Any] = dict(pipeline.facts["leaderboard"][0])
        entry["curve"] = {"along": "epochs", "at": list(range(1, len(held_out) + 1)), "held_out": held_out, "seen": ()}
        other = material(pipeline)
        changed = Pipeline(**{**vars(other.pipeline), "facts": {**pipeline.facts, "leaderboard": [entry]}})
        return make_curves(Material(changed, other.words, other.numbers))[0].conclusion

    assert "overfit" in said([0.9, 0.5, 0.6, 0.8])
    assert "nothing" in said([0.9, 0.5, 0.502, 0.501])
    assert "at the end" in said([0.9, 0.7, 0.6, 0.5])
