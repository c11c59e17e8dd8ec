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
    assert 0.86 < (error <= found.margin(0.9)).mean() < 0.94


def test_state_is_the_whole() -> None:
    found = Calibration(1.7, np.array([0.1, 0.5]))
    again = Calibration.restore(State(found.state().config))
    assert (again.temperature, again.margin()) == (found.temperature, found.margin())
