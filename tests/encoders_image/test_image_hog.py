from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.encoders import ENCODERS
from consilience.encoders.image.hog import DIRECTIONS, GRID, Hog, HogSettings, edges


def features(cell: np.ndarray, **settings: Any) -> np.ndarray:
    return Hog(HogSettings(**settings)).prepare(cell)["features"]


def stripes(angle: float, size: int = 128) -> np.ndarray:
    """Soft stripes whose brightness changes along ``angle`` (radians)."""
    down, right = np.mgrid[:size, :size]
    wave = 127 + 100 * np.sin((np.cos(angle) * right + np.sin(angle) * down) / 4)
    return np.repeat(wave.astype(np.uint8)[..., None], 3, axis=2)


def test_contract(odd_pictures: list[np.ndarray], alone: Callable[..., None]) -> None:
    alone(Hog(HogSettings()), odd_pictures)
    assert 500 <= Hog(HogSettings()).width <= 1000


@pytest.mark.parametrize("bin_", range(DIRECTIONS))
def test_stripes_fall_into_the_bin_of_their_direction(bin_: int) -> None:
    angle = (bin_ + 0.5) * np.pi / DIRECTIONS
    votes = features(stripes(angle))[: GRID * GRID * DIRECTIONS].reshape(DIRECTIONS, -1)
    assert votes.sum(axis=1).argmax() == bin_


def test_edges_equal_a_slow_reference() -> None:
    size = 32
    pixels = np.random.default_rng(0).random((3, size, size)).astype(np.float32)
    root, votes, cell = np.sqrt(pixels), np.zeros((DIRECTIONS, GRID, GRID)), size / GRID
    for y in range(size):
        for x in range(size):
            best = (-1.0, 0.0, 0.0)
            for channel in range(3):
                down = root[channel, y + 1, x] - root[channel, y - 1, x] if 0 < y < size - 1 else 0.0
                right = root[channel, y, x + 1] - root[channel, y, x - 1] if 0 < x < size - 1 else 0.0
                best = max(best, (float(down**2 + right**2), float(down), float(right)), key=lambda part: part[0])
            place = (np.arctan2(best[1], best[2]) % np.pi) / np.pi * DIRECTIONS - 0.5
            for bin_, share in ((int(np.floor(place)), 1 - (place - np.floor(place))), (int(np.floor(place)) + 1, place - np.floor(place))):
                for row in range(GRID):
                    for column in range(GRID):
                        near = max(0, 1 - abs(y + 0.5 - (row + 0.5) * cell) / cell) * max(0, 1 - abs(x + 0.5 - (column + 0.5) * cell) / cell)
                        votes[bin_ % DIRECTIONS, row, column] += np.sqrt(best[0]) * share * near / cell**2
    wanted = np.zeros_like(votes)
    energy = (votes**2).sum(axis=0)
    for row in range(GRID):
        for column in range(GRID):
            for up in (-1, 0):
                for left in (-1, 0):
                    rows = np.clip([row + up, row + up + 1], 0, GRID - 1)
                    columns = np.clip([column + left, column + left + 1], 0, GRID - 1)
                    norm = np.sqrt(energy[np.ix_(rows, columns)].sum() + 1e-4)
                    wanted[:, row, column] += np.minimum(votes[:, row, column] / norm, 0.2) / 0.8
    np.testing.assert_allclose(edges(pixels).reshape(votes.shape), wanted, rtol=1e-3, atol=1e-4)


@settings(deadline=None)
@given(brightness=st.integers(0, 255))
def test_a_flat_picture_has_no_edges(brightness: int) -> None:
    values = features(np.full((20, 30, 3), brightness, dtype=np.uint8))
    assert np.abs(values[: GRID * GRID * DIRECTIONS]).max() < 1e-6
    assert np.isfinite(values).all()


def test_colour_and_proportions_count(picture: Callable[..., np.ndarray]) -> None:
    cell = picture(40, 40)
    assert not np.allclose(features(cell), features(cell[..., ::-1].copy()))
    assert not np.allclose(features(cell)[-3:], features(picture(40, 80))[-3:])
    red, green = np.zeros((2, 30, 30, 3), dtype=np.uint8)
    red[..., 0], green[..., 1] = 150, 77  # of one brightness
    assert not np.allclose(features(red), features(green), atol=0.05)
    np.testing.assert_allclose(features(red, grey=True), features(green, grey=True), atol=0.02)


def test_threads_give_the_same(odd_pictures: list[np.ndarray]) -> None:
    encoder = Hog(HogSettings())
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda cell: encoder.prepare(cell)["features"], odd_pictures * 8))
    for row, values in enumerate(many):
        np.testing.assert_array_equal(values, many[row % len(odd_pictures)])


def test_fingerprint_changes_with_settings() -> None:
    prints = {Hog(HogSettings(**settings)).fingerprint() for settings in ({}, {"size": 64}, {"grey": True}, {"fit": "pad"})}
    assert len(prints) == 4
    assert Hog(HogSettings()).fingerprint() == Hog(HogSettings()).fingerprint()


def test_it_is_in_the_registry_without_any_extra() -> None:
    assert ENCODERS.get("image/hog") is Hog
    assert ENCODERS.card("image/hog").extra == ""
