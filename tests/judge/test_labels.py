"""Labels that the evidence contradicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import UsageError
from consilience.judge.labels import _odd_sets, confident_errors, find_suspects
from consilience.pipeline.fitted import Pipeline, Scored


def naive(encoded: np.ndarray, probabilities: np.ndarray) -> dict[int, int]:
    """Confident learning as the paper writes it, row by row."""
    classes = range(probabilities.shape[1])
    least = {c: probabilities[encoded == c, c].mean() for c in classes if (encoded == c).any()}
    found = {}
    for row, given_class in enumerate(encoded.tolist()):
        reached = [c for c in least if probabilities[row, c] >= least[c]]
        if reached:
            likely = max(reached, key=lambda c: (probabilities[row, c], -c))
            if likely != given_class and probabilities[row, likely] > probabilities[row, given_class]:
                found[row] = likely
    return found


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 40))
def test_the_confident_joint_is_that_of_the_paper(seed: int, classes: int, rows: int) -> None:
    dice = np.random.default_rng(seed)
    probabilities, encoded = dice.dirichlet(np.ones(classes), rows), dice.integers(0, classes, rows)
    assert {row: code for row, code, _ in confident_errors(encoded, probabilities)} == naive(encoded, probabilities)


def test_planted_mistakes_come_first(pipeline: Pipeline, scored: Scored) -> None:
    sure = np.flatnonzero((scored.output.max(axis=1) > 0.95) & (_codes(pipeline, scored) == scored.output.argmax(axis=1)))[:4]
    target = np.array(scored.dataset.target, dtype=object)
    right = {int(row): str(target[row]) for row in sure}
    for row in sure:
        target[row] = "a" if target[row] != "a" else "b"
    planted = replace(scored, dataset=replace(scored.dataset, target=target))
    found = find_suspects(pipeline, planted)
    by_row = {one.row: one for one in found.suspects}
    assert set(right) <= set(by_row)
    for row, label in right.items():
        assert by_row[row].suggested == label
        assert by_row[row].given == target[row]
        assert set(by_row[row].against) | set(by_row[row].for_it) == _present(scored, row)
    every = [one.all_evidence for one in found.suspects]
    assert every == sorted(every, reverse=True)
    assert "look at these first" in found.conclusion()


def test_each_modality_speaks_for_itself(pipeline: Pipeline, scored: Scored) -> None:
    for one in find_suspects(pipeline, scored).suspects:
        given_code, code = (pipeline.task.target.classes.index(name) for name in (one.given, one.suggested))
        row = np.array([one.row])
        for name in (*one.against, *one.for_it):
            others = [other for other in scored.examples.modalities if other != name]
            chance = pipeline.scored(scored.dataset.take(row), scored.examples.take(row).without(others)).output[0]
            assert (chance[code] > chance[given_code]) == (name in one.against)


def test_rows_are_listed_with_their_cells(pipeline: Pipeline, scored: Scored) -> None:
    target = np.array(scored.dataset.target, dtype=object)
    target[:] = np.where(target == "a", "b", "a")
    planted = replace(scored, dataset=replace(scored.dataset, target=target, rows=scored.dataset.rows + 100))
    found = find_suspects(pipeline, planted, shown=2).suspects
    assert [bool(one.cells) for one in found[:4]] == [True, True, False, False]
    for one in found[:2]:
        there = {name for name, cells in scored.dataset.cells.items() if cells.present[one.row - 100]}
        assert set(one.cells) == there
        if "picture" in there:
            assert "<img" in one.cells["picture"]


def test_a_label_of_a_set_is_two_classes() -> None:
    given_labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]])
    chance = np.array([[0.9, 0.1], [0.8, 0.1], [0.1, 0.9], [0.2, 0.8], [0.95, 0.1]])
    assert _odd_sets(given_labels, chance) == {4: (0, pytest.approx(0.9))}


def test_no_target_no_doubt(pipeline: Pipeline, scored: Scored) -> None:
    with pytest.raises(UsageError, match="without a target"):
        find_suspects(pipeline, replace(scored, dataset=replace(scored.dataset, target=None)))


def _codes(pipeline: Pipeline, scored: Scored) -> np.ndarray:
    return pipeline.task.encode(np.asarray(scored.dataset.target))


def _present(scored: Scored, row: int) -> set[str]:
    return {name for name, there in scored.examples.present().items() if there[row]}
