"""Rows that the model has met in training, side by side on the page; slices in both languages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.conftest import columns, table

from consilience.core.progress import Silent
from consilience.judge.slices import find_slices, find_twins
from consilience.report._material import Judged, Material, gather
from consilience.report._slices import slice_name
from consilience.report._twins import make_twins
from consilience.report._words import words_for
from consilience.report.content import write_content
from consilience.report.page import render_report


def judged_of(fitted: Any, train: Any, language: str = "en") -> tuple[Material, Judged]:
    material = gather(fitted[0], fitted[1], words_for(language), Silent(), train=train)
    assert material.judged is not None
    return material, material.judged


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rows_of_the_training_table_stand_beside_themselves(multiclass: Any, language: str) -> None:
    material, judged = judged_of(multiclass, multiclass[1], language)
    section = make_twins(material, judged)
    assert section is not None
    rows = len(judged.scored.dataset)
    assert len(section.rows) == rows
    assert len(section.pairs) == min(10, rows)
    for pair in section.pairs:
        assert pair.here.said == pair.there.said
        assert pair.here.cells == pair.there.cells != ()
    said = "the same or nearly the same" if language == "en" else "相同或几乎相同"
    assert said in section.conclusion
    assert words_for(language)("twins.alone") in section.conclusion


def test_the_section_is_there_only_with_a_training_table(binary: Any) -> None:
    train = table(columns(60, 1), ("label", "size", "colour", "words"), "train.csv")
    page = render_report(*binary, train=train)
    assert 'id="twins"' in page
    assert 'href="#twins"' in page
    assert "twins" not in render_report(*binary)


def test_new_rows_have_no_twin(regression: Any) -> None:
    wordless = {**columns(12, 9), "words": [None] * 12}
    pipeline, rows = regression
    learned = pipeline.read(table(wordless, ("amount", "size", "colour", "words"), "train.csv"), with_target=True)
    found = find_twins(pipeline, pipeline.score(rows, with_target=True), *learned).as_dict()
    material, judged = judged_of(regression, None)
    section = make_twins(material, replace(judged, twins=found))
    assert section is not None
    assert section.pairs == ()
    assert section.conclusion == "None of 30 rows is the same or nearly the same as one of 12 training rows."


@pytest.mark.parametrize(("overall", "said"), [(0.99, "They flatter the model: without them"), (0.82, "They do not flatter the model beyond chance")])
def test_what_to_conclude_depends_on_the_interval_of_the_new_rows(multiclass: Any, overall: float, said: str) -> None:
    material, judged = judged_of(multiclass, multiclass[1])
    assert judged.twins is not None
    without = {"value": 0.8, "low": 0.75, "high": 0.85}
    twins = {**judged.twins, "metric": "accuracy", "overall": {"value": overall, "low": 0.7, "high": 1.0}, "without": without}
    section = make_twins(material, replace(judged, twins=twins))
    assert section is not None
    assert said in section.conclusion


def test_a_smaller_error_is_the_flattering_one(regression: Any) -> None:
    material, judged = judged_of(regression, regression[1])
    assert judged.twins is not None
    metric, without = judged.twins["metric"], {"value": 2.0, "low": 1.5, "high": 2.5}
    assert material.task.metrics[metric].sign < 0
    for overall, said in ((1.0, "They flatter"), (3.0, "They do not flatter")):
        found = {**judged.twins, "overall": {"value": overall, "low": overall, "high": overall}, "without": without}
        section = make_twins(material, replace(judged, twins=found))
        assert section is not None
        assert said in section.conclusion


def test_the_json_has_them_with_their_cells(single: Any, tmp_path: Path) -> None:
    written = write_content(single[0], tmp_path / "r.json", single[1], train=single[1])
    found = json.loads(written.read_text(encoding="utf-8"))
    twins = found["table"]["twins"]
    assert twins["found"] == len(twins["twins"]) > 0
    assert twins["twins"][0]["cells"] == twins["twins"][0]["training_cells"] != {}
    assert twins["twins"][0]["target"] == twins["twins"][0]["training_target"]
    assert sum(bool(twin["cells"]) for twin in twins["twins"]) <= 10


def test_another_target_is_said(multiclass: Any) -> None:
    material, judged = judged_of(multiclass, multiclass[1])
    assert judged.twins is not None
    twin = {**judged.twins["twins"][0], "same_target": False, "training_target": "odd <b>"}
    section = make_twins(material, replace(judged, twins={**judged.twins, "twins": [twin]}))
    assert section is not None
    assert section.pairs[0].said.endswith("another target")
    assert section.pairs[0].there.said == "odd <b>"
    assert section.rows[0][-1] == "another"


@pytest.mark.parametrize("task", ["binary", "multilabel", "regression"])
def test_the_english_page_names_slices_as_the_json_does(request: pytest.FixtureRequest, task: str) -> None:
    pipeline, rows = request.getfixturevalue(task)
    scored = pipeline.score(rows, with_target=True)
    found = find_slices(pipeline, scored, least=2).as_dict()
    assert len(found["slices"]) > 3
    for one in (*found["slices"], *found["pairs"]):
        assert slice_name(words_for("en"), one) == one["name"]


def test_the_chinese_page_names_slices_in_chinese(multiclass: Any) -> None:
    found = find_slices(multiclass[0], multiclass[0].score(multiclass[1], with_target=True), least=2).as_dict()
    names = {one["name"]: slice_name(words_for("zh"), one) for one in found["slices"]}
    assert names["colour = red"] == "colour 为 red"
    assert any(name.startswith("words：") and name.endswith("个字符") for name in names.values())
    pair = {"name": "?", "terms": [{"key": "missing", "values": ["size"]}, {"key": "only", "values": ["text", "table"]}]}
    assert slice_name(words_for("zh"), pair) == "缺少 size，且 只有文本 + 表格"
    assert slice_name(words_for("zh"), {"name": "an older one", "terms": []}) == "an older one"
