from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from consilience.core.errors import CellError
from consilience.data.kinds._film import Film
from consilience.encoders.video._flow import affine
from consilience.encoders.video._paths import shifts
from consilience.encoders.video.motion import Motion, MotionSettings
from consilience.testing.encoder_checks import check_encoder


def vector(film: Film, **settings: Any) -> np.ndarray:
    return Motion(MotionSettings(**settings)).prepare(film)["features"]


def test_it_keeps_what_an_encoder_promises(column: Any) -> None:
    check_encoder(lambda: Motion(MotionSettings()), column)


def test_odd_films_give_finite_numbers(odd_films: list[Film]) -> None:
    for film in odd_films:
        found = vector(film)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 100


def test_what_is_no_film_is_refused() -> None:
    for cell in (np.zeros((3, 3, 3), dtype=np.uint8), "a.mp4", Film(np.zeros((0, 4, 4, 3), dtype=np.uint8), np.zeros(0, dtype=np.float32), 0.0)):
        with pytest.raises(CellError, match="not a film"):
            vector(cell)


def test_a_linear_model_tells_eight_motions(moving: Callable[..., Film], motions: tuple[str, ...]) -> None:
    rows = [(motion, seed) for seed in range(30) for motion in motions]
    values = np.stack([vector(moving(motion, 1000 * motions.index(motion) + seed)) for motion, seed in rows])
    names = np.array([motion for motion, _ in rows])
    train = np.array([seed < 20 for _, seed in rows])
    scale = StandardScaler().fit(values[train])
    model = LogisticRegression(C=0.1, max_iter=500).fit(scale.transform(values[train]), names[train])
    assert model.score(scale.transform(values[~train]), names[~train]) >= 0.97


def test_backwards_is_not_forwards(moving: Callable[..., Film]) -> None:
    film = moving("clockwise", 3)
    back = Film(film.frames[::-1].copy(), film.times, film.seconds)
    assert np.abs(vector(film) - vector(back)).max() > 0.5


def test_the_same_motion_at_another_frame_rate_is_much_the_same(moving: Callable[..., Film]) -> None:
    film = moving("right", 3, number=24)
    half = Film(film.frames[::2], film.times[::2], film.seconds)
    other = moving("left", 3, number=24)
    near, far = (np.abs(vector(film)[:36] - vector(one)[:36]).mean() for one in (half, other))
    assert near < 0.3 * far


def test_phase_correlation_finds_shifts() -> None:
    random = np.random.default_rng(0)
    wide = np.kron(random.random((20, 20)), np.ones((3, 3)))
    frames = np.stack([wide[10 + 2 * step : 42 + 2 * step, 20 - 3 * step : 52 - 3 * step] for step in range(4)])
    # The window goes down and left over the picture, so the picture goes up and right.
    np.testing.assert_allclose(shifts(frames), np.array([[-2, 3]] * 3) / 16, atol=1e-9)
    assert not shifts(random.random((3, 32, 32))).any(), "noise has no shift"


def test_flow_tells_shift_growing_and_turning() -> None:
    axis = (np.arange(32) + 0.5) / 16 - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")

    def shape(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.sin(4 * y + 1) * np.cos(3 * x + 0.5)

    start = shape(y, x)
    pixel = 2 / 32
    grown = 1 / 1.02
    ends = [shape(y - pixel / 4, x), shape(y, x - pixel / 4), shape(y * grown, x * grown), shape(y - 0.02 * x, x + 0.02 * y)]
    for place, end in enumerate(ends):
        down, right = np.gradient((start + end) / 2)
        found = affine(down[None], right[None], (end - start)[None])[0, :4]
        assert found.argmax() == place
        assert found[place] == pytest.approx(0.25 if place < 2 else 0.02 / pixel, rel=0.15)


def test_the_size_is_a_setting(moving: Callable[..., Film]) -> None:
    assert vector(moving("left"), size=16).shape == vector(moving("left"), size=64).shape == (Motion(MotionSettings()).width,)
