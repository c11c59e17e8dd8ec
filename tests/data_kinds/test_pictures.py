"""Small changes of pictures: what each does, and that odd pictures stand them all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from consilience.data.kinds import KINDS
from consilience.data.kinds._picture_changes import OPERATIONS, randaugment, turned
from consilience.testing.fakes import fake_column
from consilience.testing.kind_checks import check_changes

KIND = KINDS.get("image")()
CHANGES = dict(KIND.augmentations)


def picture(height=48, width=64):
    down, across = np.mgrid[:height, :width]
    return np.stack([down * 255 // max(1, height - 1), across * 255 // max(1, width - 1), (31 * down + 17 * across) % 256], axis=2).astype(np.uint8)


def draw(seed=0):
    return np.random.default_rng(seed)


def test_there_are_seven():
    assert list(CHANGES) == ["crop", "flip", "rotate", "colour", "blur", "erase", "randaugment"]


def test_they_keep_their_promises():
    check_changes(KIND, fake_column("image"))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (300, 2), (2, 2), (40, 56)])
def test_odd_pictures_stand_them(name, shape):
    for seed in range(5):
        made = CHANGES[name](picture(*shape), draw(seed))
        assert made.dtype == np.uint8
        assert made.ndim == 3
        assert made.shape[2] == 3
        assert min(made.shape) >= 1
        assert made.flags.c_contiguous
        if name != "crop":
            assert made.shape == (*shape, 3)


@pytest.mark.parametrize("name", CHANGES)
def test_draws_differ_and_meaning_stays(name):
    whole = picture()
    made = [CHANGES[name](whole, draw(seed)) for seed in range(8)]
    assert any(not np.array_equal(one, made[0]) for one in made[1:])
    if name not in ("crop", "flip", "randaugment"):
        assert all(np.abs(one.astype(int) - whole).mean() < 60 for one in made)


@pytest.mark.parametrize("name", ["rotate", "blur", "erase"])
def test_a_flat_picture_stays_flat(name):
    flat = np.full((20, 30, 3), 77, dtype=np.uint8)
    np.testing.assert_array_equal(CHANGES[name](flat, draw(1)), flat)


def test_a_turned_picture_has_no_black_corners_and_turns_the_right_way():
    bright = np.full((60, 60, 3), 200, dtype=np.uint8)
    assert turned(bright, 12).min() >= 199
    spot = np.zeros((61, 61, 3), dtype=np.uint8)
    spot[29:32, 54:57] = 255
    made = turned(spot, 15)[:, :, 0]
    row, column = np.argwhere(made > 100).mean(axis=0)
    assert row < 27, "counter-clockwise: right goes up"
    assert 50 < column < 57
    np.testing.assert_array_equal(turned(picture(), 0.0), picture())


def test_colour_leaves_shapes():
    whole = np.zeros((20, 20, 3), dtype=np.uint8)
    whole[:10] = (200, 60, 40)
    whole[10:] = (20, 40, 120)
    made = CHANGES["colour"](whole, draw(3))
    assert len(np.unique(made.reshape(-1, 3), axis=0)) == 2
    assert not np.array_equal(made, whole)


def test_erase_takes_a_part():
    whole = picture()
    shares = [(CHANGES["erase"](whole, draw(seed)) != whole).any(axis=2).mean() for seed in range(30)]
    assert max(shares) < 0.3
    assert min(shares) > 0.005


def test_randaugment_grows_with_its_magnitude():
    whole = picture()

    def change(magnitude):
        return np.mean([np.abs(randaugment(whole, draw(seed), 2, magnitude).astype(int) - whole).mean() for seed in range(40)])

    assert change(0.05) < change(0.4) < change(1.0)
    np.testing.assert_array_equal(randaugment(whole, draw(), count=0), whole)


@pytest.mark.parametrize("place", range(len(OPERATIONS)))
def test_every_operation_keeps_size_and_mode(place):
    for magnitude in (0.0, 0.5, 1.0):
        for size in ((1, 1), (5, 40)):
            made = OPERATIONS[place](Image.fromarray(picture(size[1], size[0])), magnitude, draw(1))
            assert (made.size, made.mode) == (size, "RGB")
