"""The sections on worth, slices and labels say what the numbers say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.core.progress import Silent
from consilience.judge.coverage import check_coverage
from consilience.judge.profile import profile_model
from consilience.judge.robustness import measure_robustness
from consilience.report._cost import make_cost
from consilience.report._coverage import make_coverage
from consilience.report._data import make_data
from consilience.report._intervals import IntervalRow, plot_changes
from consilience.report._material import Judged, Material, gather
from consilience.report._robust import make_robust
from consilience.report._slices import make_slices
from consilience.report._suspects import make_suspects
from consilience.report._words import words_for
from consilience.report._worth import make_worth


def judged_of(fitted: Any, language: str = "en") -> tuple[Material, Judged]:
    material = gather(fitted[0], fitted[1], words_for(language), Silent())
    assert material.judged is not None
    return material, material.judged


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_every_task_has_every_section(request: pytest.FixtureRequest, task: str, language: str) -> None:
    material, judged = judged_of(request.getfixturevalue(task), language)
    worth = make_worth(material, judged)
    assert worth.shares.conclusion
    assert len(worth.shares.rows) == len(material.pipeline.modalities)
    assert {row[0] for row in worth.columns.rows} == {column.name for column in material.pipeline.schema.features()}
    assert make_slices(material, judged).conclusion
    assert make_suspects(material, judged).conclusion


@pytest.mark.parametrize("language", ["en", "zh"])
def test_numbers_outside_of_their_interval_are_not_called_likely_mistakes(regression: Any, language: str) -> None:
    """One right number in a hundred lies there: among ten thousand rows that is a hundred."""
    material, judged = judged_of(regression, language)
    one = {"row": int(judged.scored.dataset.rows[0]), "given": 1.0, "suggested": 2.0, "given_probability": None, "suggested_probability": None}
    suspect = {**one, "margin": 1.1, "all_evidence": False, "against": ["text"], "for": [], "cells": {}}
    suspects = {"rows": 10_000, "found": 100, "by_chance": 100.0, "all_evidence": 0, "suspects": [suspect] * 2}
    said = make_suspects(material, replace(judged, suspects=suspects)).conclusion
    assert ("about 100 right ones do by chance" if language == "en" else "约 100 个正确的数值会偶然如此") in said
    assert make_suspects(material, judged).conclusion


def test_rows_without_any_label_break_no_promise(multilabel: Any) -> None:
    """What a set should hold is not there: the share of nothing is unknown."""
    pipeline, table = multilabel
    lists = [
        [] if words is None or place % 2 else list(tags)
        for place, (tags, words) in enumerate(zip(*(table.frame[c] for c in ("tags", "words")), strict=True))
    ]
    hidden = [None if not tags else words for tags, words in zip(lists, table.frame["words"], strict=True)]
    frame = table.frame.with_columns(pl.Series("tags", lists, dtype=pl.List(pl.String)), pl.Series("words", hidden, dtype=pl.String))
    material, judged = judged_of((pipeline, replace(table, frame=frame)))
    assert judged.coverage is not None
    assert any(one["rows"] == 0 and one["held"]["value"] is None for one in judged.coverage["by_pattern"])
    section = make_coverage(material, judged)
    assert section is not None
    assert section.conclusion


def test_the_largest_share_is_named_and_drawn_first(binary: Any) -> None:
    material, judged = judged_of(binary)
    shares = make_worth(material, judged).shares
    found = judged.worth["shapley"]["metrics"][judged.worth["metric"]]["modalities"]
    best = max(found, key=lambda name: found[name]["value"])
    assert f"is earned by {best}." in shares.conclusion
    assert shares.plot is not None
    assert shares.plot.strips[0].row.label == best


@pytest.mark.parametrize(("ends", "said"), [((0.01, 0.05), "act together"), ((-0.05, -0.01), "does harm"), ((-0.01, 0.05), "adds up")])
def test_interaction_is_said_only_beyond_its_interval(multiclass: Any, ends: tuple[float, float], said: str) -> None:
    material, judged = judged_of(multiclass)
    found = {"full": 0.8, "additive": 0.77, "gain": {"value": sum(ends) / 2, "low": ends[0], "high": ends[1]}}
    worth = {**judged.worth, "interaction": {"rows": 100, "metrics": {judged.worth["metric"]: found}}}
    assert said in make_worth(material, replace(judged, worth=worth)).interaction
    assert make_worth(material, replace(judged, worth={**worth, "interaction": None})).interaction == ""


def test_a_wrong_label_gets_a_card_with_its_cells(binary: Any) -> None:
    material, judged = judged_of(binary)
    dataset = judged.scored.dataset
    assert dataset.target is not None
    sure = int(np.argmax(judged.scored.output.max(axis=1)))
    target = dataset.target.copy()
    target[sure] = next(name for name in material.task.target.classes if name != target[sure])
    from consilience.judge.labels import find_suspects

    scored = replace(judged.scored, dataset=replace(dataset, target=target))
    found = find_suspects(material.pipeline, scored).as_dict()
    section = make_suspects(material, replace(judged, scored=scored, suspects=found))
    place = [one["row"] for one in found["suspects"]].index(int(dataset.rows[sure]))
    assert section.rows[place][1] == target[sure]
    assert section.cards[place].true == target[sure]
    assert section.cards[place].said == found["suspects"][place]["suggested"]
    assert section.cards[place].cells


def test_every_damage_has_a_name_in_both_languages() -> None:
    from consilience.data.kinds import KINDS
    from consilience.judge.robustness._columns import COLUMN_DAMAGE

    families = {family for kind in KINDS for family in KINDS.get(kind).corruptions} | set(COLUMN_DAMAGE) | {"missing"}
    for language in ("en", "zh"):
        texts = words_for(language).texts
        assert {f"damage.{family}" for family in families} == {key for key in texts if key.startswith("damage.")}


def test_damage_and_cost_are_drawn_where_they_were_measured(binary: Any) -> None:
    material, judged = judged_of(binary)
    assert make_robust(material, judged) is None
    assert make_cost(material, judged) is None
    found = measure_robustness(material.pipeline, binary[1], modalities=["text"], families=["keyboard"]).as_dict()
    section = make_robust(material, replace(judged, robustness=found))
    assert section is not None
    (part,) = section.parts
    assert part.title == "text"
    assert [row[0] for row in part.rows] == ["keyboard slips", "all of it missing"]
    assert [line.name for line in part.lines] == ["keyboard slips", "without it", "nothing known"]
    profile = profile_model(material.pipeline, binary[1], seconds=0.2, starts=0).as_dict()
    cost = make_cost(material, replace(judged, cost=profile))
    assert cost is not None
    assert cost.plot is not None
    assert [strip.row.label for strip in cost.plot.strips] == ["reading", "decoding", "encoding", "fusing", "deciding"]


def test_zero_is_on_the_axis_of_changes(binary: Any) -> None:
    material, _ = judged_of(binary)
    plot = plot_changes([IntervalRow("a", {"value": 0.2, "low": 0.1, "high": 0.3})], "accuracy", material.numbers, "gain")
    assert plot is not None
    assert plot.axis.low == 0
    assert plot.strips[0].text == "20.0"
    unknown = plot_changes([IntervalRow("a", {"value": None, "low": None, "high": None})], "accuracy", material.numbers, "gain")
    assert unknown is None


@pytest.mark.parametrize(("task", "counted"), [("multilabel", "label"), ("multiclass", "row")])
def test_what_sets_hold_is_labels_where_a_row_has_several(request: pytest.FixtureRequest, task: str, counted: str) -> None:
    fitted = request.getfixturevalue(task)
    found = check_coverage(fitted[0], fitted[0].score(fitted[1], with_target=True))
    assert found.as_dict()["counted"] == counted
    labels = counted == "label"
    assert ("labels that rows have" in found.sentence) == labels
    material, judged = judged_of(fitted)
    section = make_coverage(material, replace(judged, coverage=found.as_dict()))
    assert section is not None
    assert ("labels that rows have" in section.conclusion) == labels
    assert ("labels" in section.header) == labels
    assert section.plot is not None
    assert section.plot.promise == section.plot.axis.at(0.9)


def test_a_column_without_cells_is_a_warning_of_its_own(binary: Any) -> None:
    pipeline, table = binary
    empty = replace(table, frame=table.frame.with_columns(pl.lit(None, dtype=pl.String).alias("words")))
    page = make_data(gather(pipeline, empty, words_for("en"), Silent()))
    assert any(one.column == "words" and one.message.endswith("none is filled in test.csv.") for one in page.warnings)
    assert not any("none is filled" in one.message for one in make_data(gather(pipeline, table, words_for("en"), Silent())).warnings)
