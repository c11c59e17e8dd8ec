"""The promise of sets and of withheld predictions, checked on rows whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from consilience.core.errors import UsageError
from consilience.judge.coverage import check_abstention, check_coverage
from consilience.pipeline.fitted import Pipeline, Scored


def test_what_is_counted_is_what_predict_gives(pipeline: Pipeline, scored: Scored) -> None:
    found = check_coverage(pipeline, scored, 0.8)
    target = pipeline.task.encode(scored.dataset.target)  # type: ignore[arg-type]
    inside = pipeline.calibration.sets(scored.output, scored.examples.present(), 0.8)
    assert found.overall.held.value == np.mean([inside[row, code] for row, code in enumerate(target)])
    assert found.overall.size == inside.sum(axis=1).mean()
    assert sum(part.rows for _, part in found.by_pattern) == found.overall.rows == len(scored.dataset)
    assert sum(part.rows for part in found.by_class.values()) == found.overall.rows
    assert len(found.taken_away) == 7
    assert not found.overall.broken(0.8)


def test_less_evidence_makes_larger_sets(pipeline: Pipeline, scored: Scored) -> None:
    found = check_coverage(pipeline, scored, 0.9)
    sizes = {names: part.size for names, part in found.taken_away}
    assert sizes[()] == max(sizes.values()) > found.overall.size
    assert found.as_dict() == json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert found.sentence.startswith("The 90 % sets hold the truth in")


def test_a_broken_promise_is_said(pipeline: Pipeline, scored: Scored) -> None:
    """Labels that have nothing to do with the rows."""
    assert scored.dataset.target is not None
    shifted = scored.dataset.target.copy()
    names = sorted(set(shifted))
    shifted[:] = [names[(names.index(name) + 1) % len(names)] for name in shifted]
    found = check_coverage(pipeline, replace(scored, dataset=replace(scored.dataset, target=shifted)), 0.9)
    assert found.overall.broken(0.9)
    assert "more seldom than promised" in found.sentence


def test_abstention_answers_fewer_rows_and_fewer_wrongly(pipeline: Pipeline, scored: Scored) -> None:
    found = check_abstention(pipeline, scored, 0.2)
    assert 0 < found.answered <= 1
    assert found.wrong.low <= 0.2
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["risk"] == 0.2


def test_rows_without_a_target_cannot_be_judged(pipeline: Pipeline, scored: Scored) -> None:
    with pytest.raises(UsageError, match="without a target"):
        check_coverage(pipeline, replace(scored, dataset=replace(scored.dataset, target=None)))
