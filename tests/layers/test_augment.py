"""Changes of batches of pictures in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from consilience.layers.augment import PixelAugment, cutmix, mixup

NOTHING = {"flip": False, "shift": 0.0, "rotate": 0.0, "scale": 0.0, "colour": 0.0, "erase": 0.0}
EACH = [{"flip": True}, {"shift": 0.2}, {"rotate": 20.0}, {"scale": 0.3}, {"colour": 0.4}, {"erase": 1.0}]


def pictures(rows=8, side=12, seed=0):
    return torch.rand(rows, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_nothing_changes_in_eval_mode_or_with_all_off():
    batch = pictures()
    assert PixelAugment(flip=True, erase=1.0).eval()(batch) is batch
    assert PixelAugment(**NOTHING)(batch) is batch


@pytest.mark.parametrize("one", EACH, ids=lambda one: next(iter(one)))
def test_each_change_changes_and_keeps_shape_range_and_input(one):
    batch = pictures()
    before = batch.clone()
    made = PixelAugment(**{**NOTHING, **one})(batch)
    assert torch.equal(batch, before)
    assert made.shape == batch.shape
    assert made.dtype == batch.dtype
    assert made.min() >= 0
    assert made.max() <= 1
    assert (made != batch).flatten(1).any(dim=1).sum() >= 2


def test_flip_turns_left_and_right_and_nothing_else():
    batch = pictures(64)
    made = PixelAugment(**{**NOTHING, "flip": True})(batch)
    flipped = (made - batch.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-5
    same = (made - batch).abs().amax(dim=(1, 2, 3)) < 1e-5
    assert (flipped ^ same).all()
    assert 16 < int(flipped.sum()) < 48


def test_rotation_and_shift_stay_within_their_bounds():
    spot = torch.zeros(200, 3, 41, 41)
    spot[:, :, 20, 36] = 1.0  # 16 pixels right of the middle
    made = PixelAugment(**{**NOTHING, "rotate": 15.0})(spot)[:, 0]
    where = torch.stack([plane.flatten().argmax() for plane in made])
    angle = torch.rad2deg(torch.atan2((where // 41 - 20).float(), (where % 41 - 20).float()))
    assert angle.abs().max() < 18
    assert angle.abs().max() > 8
    moved = PixelAugment(**{**NOTHING, "shift": 0.1})(spot)[:, 0]
    where = torch.stack([plane.flatten().argmax() for plane in moved])
    assert int((where // 41 - 20).abs().max()) in (3, 4)


def test_a_flat_picture_stays_flat_where_only_places_change():
    flat = torch.full((16, 3, 9, 9), 0.25)
    torch.testing.assert_close(PixelAugment(flip=True, shift=0.3, rotate=30.0, scale=0.3, colour=0.0)(flat), flat)


def test_erase_covers_a_share_of_some_rows():
    batch = pictures(200, 20)
    made = PixelAugment(**{**NOTHING, "erase": 0.5})(batch)
    share = (made != batch).any(dim=1).float().mean(dim=(1, 2))
    assert 60 < int((share > 0).sum()) < 140
    assert float(share[share > 0].min()) > 0.01
    assert float(share.max()) < 0.3


def test_what_one_row_shows_changes_nothing_for_others():
    batch, other = pictures(), pictures()
    other[3] = 0.0
    augment = PixelAugment(flip=True, erase=0.5)
    torch.manual_seed(1)
    one = augment(batch)
    after = torch.rand(1)
    torch.manual_seed(1)
    two = augment(other)
    assert torch.equal(after, torch.rand(1)), "as much is drawn whatever the pictures show"
    rest = torch.arange(8) != 3
    assert torch.equal(one[rest], two[rest])


def test_empty_batches_and_gradients():
    augment = PixelAugment(flip=True, erase=1.0)
    assert augment(torch.zeros(0, 3, 8, 8)).shape == (0, 3, 8, 8)
    for mixer in (mixup, cutmix):
        assert mixer(torch.zeros(0, 3, 8, 8))[0].shape == (0, 3, 8, 8)
    batch = pictures().requires_grad_()
    augment(batch).sum().backward()
    assert torch.isfinite(batch.grad).all()


def test_mixup_mixes_by_its_weights():
    batch = pictures()
    mixed, index, weight = mixup(batch, 0.5)
    assert sorted(index.tolist()) == list(range(8))
    assert bool(((weight >= 0) & (weight <= 1)).all())
    assert len(weight.unique()) == 8
    for row in range(8):
        torch.testing.assert_close(mixed[row], weight[row] * batch[row] + (1 - weight[row]) * batch[index[row]])
    assert mixup(torch.rand(4, 5))[0].shape == (4, 5)


def test_cutmix_weighs_by_pixels():
    batch = torch.arange(16.0).reshape(16, 1, 1, 1).expand(16, 3, 10, 10).contiguous()
    mixed, index, weight = cutmix(batch)
    for row in range(16):
        if index[row] != row:
            own = (mixed[row, 0] == row).float().mean()
            torch.testing.assert_close(own, weight[row])
            assert set(mixed[row].unique().tolist()) <= {float(row), float(index[row])}
    assert np.unique(weight.numpy().round(3)).size > 8


@pytest.mark.parametrize("wrong", [{"shift": -0.1}, {"colour": 2.0}, {"erase": 1.1}, {"rotate": 200.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PixelAugment(**wrong)


def test_impossible_alpha_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        mixup(pictures(), 0.0)
