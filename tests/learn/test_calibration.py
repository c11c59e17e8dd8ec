"""Calibration: probabilities that mean what they say, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from consilience.core.state import State
from consilience.learn.calibration import Calibration
from consilience.testing import fake_task


def draw(rows: int, sharp: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are ``sharp`` times too sure, and classes drawn from the honest ones."""
    random = np.random.default_rng(seed)
    honest = random.normal(size=(rows, 3)) * 1.5
    target = np.array([random.choice(3, p=p) for p in softmax(honest, axis=1)])
    return honest * sharp, target


@pytest.mark.parametrize("sharp", [0.4, 1.0, 3.0])
def test_temperature_is_found(sharp: float) -> None:
    scores, target = draw(4000, sharp)
    found = Calibration.fit(scores, target, fake_task("multiclass", 3))
    assert found.temperature == pytest.approx(sharp, rel=0.12)


def test_new_rows_are_calibrated() -> None:
    task = fake_task("multiclass", 3)
    found = Calibration.fit(*draw(2000, 4.0), task)
    scores, target = draw(4000, 4.0, seed=1)
    before = task.evaluate(target, task.output(scores))["ece"].value
    after = task.evaluate(target, task.output(found.apply(scores)))["ece"].value
    assert after < 0.04 < before


def test_interval_covers_nine_of_ten() -> None:
    random = np.random.default_rng(0)
    task = fake_task("regression")
    truth = random.normal(size=300)
    found = Calibration.fit((truth + random.standard_t(4, 300))[:, None], truth, task)
    error = np.abs(random.standard_t(4, 20000))
    assert 0.86 < (error <= found.margins(np.zeros(len(error)), {})).mean() < 0.94


def test_state_is_the_whole() -> None:
    task = fake_task("multiclass", 3)
    found = Calibration(task, 1.7, 0.01, np.array([0.1, 0.5]))
    again = Calibration.restore(State(found.state().config), task)
    assert (again.temperature, again.doubt, again.residuals.tolist()) == (found.temperature, found.doubt, found.residuals.tolist())


@pytest.mark.parametrize("name", ["binary", "multilabel"])
def test_no_mistake_so_far_is_no_certainty(name: str) -> None:
    task = fake_task(name)
    target = np.array([0, 1] * 50) if name == "binary" else np.eye(4, dtype=np.float32)[np.arange(100) % 4]
    scores = np.eye(2)[target] * 40 if name == "binary" else target * 80 - 40
    found = Calibration.fit(scores, target, task)
    output = task.output(found.apply(scores))
    assert 0.99 < output.max() < 0.997
    assert output.argmax(axis=1).tolist() == scores.argmax(axis=1).tolist()
