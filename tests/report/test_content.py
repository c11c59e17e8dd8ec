"""The report as JSON: whole, unrounded, the same numbers as evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from consilience.metrics.by_class import confusion
from consilience.report import write_content
from consilience.report._confusion import PART, _most_mistaken
from consilience.report._threshold import at_thresholds
from consilience.report._trust import reliability
from consilience.report.content import report_content

Fitted = tuple


@pytest.mark.parametrize("fitted", ["binary", "multiclass", "multilabel", "regression", "single"], indirect=True)
def test_the_numbers_are_those_of_evaluate(fitted: Fitted, tmp_path: Path) -> None:
    pipeline, table = fitted
    path = write_content(pipeline, tmp_path / "report.json", table)
    told = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    evaluated = pipeline.evaluate(table)
    for name, value in evaluated["metrics"].items():
        assert told["table"]["metrics"][name]["value"] == value["value"]
    assert told["facts"]["chosen"] == pipeline.facts["chosen"]
    assert told["target"]["name"] == pipeline.task.target.name
    assert told["recipe"]["target"] == pipeline.recipe.target
    assert {item["row"] for item in told["table"]["examples"]} <= set(range(len(table)))


def test_counts_are_whole(multiclass: Fitted) -> None:
    pipeline, table = multiclass
    told = report_content(pipeline, table)["table"]
    counts = np.array(told["confusion"]["counts"])
    assert counts.sum() == len(table)
    assert told["confusion"]["classes"] == list(pipeline.task.target.classes)
    assert np.trace(counts) / counts.sum() == pytest.approx(told["metrics"]["accuracy"]["value"])
    assert sum(found["rows"] for found in told["reliability"]) == len(table)


def test_thresholds_of_both_classes(binary: Fitted) -> None:
    pipeline, table = binary
    told = report_content(pipeline, table)["table"]["thresholds"]
    assert set(told) == set(pipeline.task.target.classes)
    for curve in told.values():
        recall = curve["recall"]
        assert recall[0] == 1.0
        assert recall == sorted(recall, reverse=True)


def test_without_a_table_the_fit_is_told(single: Fitted) -> None:
    pipeline, _ = single
    told = report_content(pipeline)
    assert told["table"] is None
    assert told["facts"]["leaderboard"]


def test_thresholds_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, said = random.random(300) < 0.3, random.random(300).round(2)
    steps = np.linspace(0, 0.99, 12)
    precision, recall, f1 = at_thresholds(truth, said, steps)
    for place, step in enumerate(steps):
        named = said >= step
        assert precision[place] == pytest.approx(precision_score(truth, named, zero_division=np.nan), nan_ok=True)
        assert recall[place] == pytest.approx(recall_score(truth, named))
        assert f1[place] == pytest.approx(f1_score(truth, named))


def test_reliability_agrees_with_a_loop() -> None:
    random = np.random.default_rng(1)
    said = np.append(random.random(500), [0.0, 1.0, 0.3])
    hit = (random.random(503) < said).astype(float)
    for found in reliability(said, hit):
        last = found["to"] > 0.99
        inside = [(p, h) for p, h in zip(said, hit, strict=True) if found["from"] <= p and (p < found["to"] - 1e-12 or last)]
        assert found["rows"] == len(inside)
        assert found["said"] == pytest.approx(np.mean([p for p, _ in inside]))
        assert found["right"] == pytest.approx(np.mean([h for _, h in inside]))
        assert found["low"] <= found["right"] <= found["high"]


def test_of_a_hundred_classes_those_with_most_mistakes_are_drawn() -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 100, 5000)
    said = truth.copy()
    noisy = [3, 14, 15, 92, 65]
    for code in noisy:
        rows = np.flatnonzero(truth == code)
        said[rows] = random.choice([other for other in noisy if other != code], len(rows))
    table = confusion(truth, said, 100)
    drawn = _most_mistaken(table - np.diag(np.diag(table)))
    assert len(drawn) == len(set(drawn)) == PART
    assert set(drawn[: len(noisy)]) == set(noisy)
