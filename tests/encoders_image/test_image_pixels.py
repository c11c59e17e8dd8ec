from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from consilience.core.errors import CellError, UsageError
from consilience.core.settings import parse_settings
from consilience.encoders.image._pixels import Fit, NormalisedSettings, PixelSettings, frame


@settings(deadline=None)
@given(
    height=st.integers(1, 70), width=st.integers(1, 70), size=st.integers(16, 48), fit=st.sampled_from(["crop", "squash", "pad"]), grey=st.booleans()
)
def test_every_picture_becomes_a_square_and_stays_as_it_was(height: int, width: int, size: int, fit: Fit, grey: bool) -> None:
    cell = np.random.default_rng(height * 71 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = cell.copy()
    pixels = frame(cell, size, fit, grey)
    assert pixels.shape == (3, size, size)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(cell, before)
    if grey:
        assert (pixels[0] == pixels[1]).all()
        assert (pixels[1] == pixels[2]).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (2000, 3)])
@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_extreme_shapes(shape: tuple[int, int], fit: Fit) -> None:
    cell = np.full((*shape, 3), 200, dtype=np.uint8)
    pixels = frame(cell, 32, fit)
    assert set(np.unique(pixels)) <= {127, 200}
    assert (pixels == 200).any()


def test_crop_keeps_the_middle_squash_keeps_all_pad_keeps_proportions() -> None:
    cell = np.zeros((64, 192, 3), dtype=np.uint8)
    cell[:, :64, 0], cell[:, 64:128, 1], cell[:, 128:, 2] = 255, 255, 255
    crop, squash, pad = (frame(cell, 64, fit) for fit in ("crop", "squash", "pad"))
    assert crop[1, :, 2:-2].min() == 255
    assert crop[0, :, 2:-2].max() == 0
    assert [squash[channel, 32, place] for channel, place in ((0, 5), (1, 32), (2, 60))] == [255, 255, 255]
    assert (pad[:, :20] == 127).all()
    assert (pad[:, -20:] == 127).all()
    assert pad[0, 32, 5] == 255


def test_same_size_is_the_identity_and_small_reductions_are_pillows() -> None:
    cell = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    np.testing.assert_array_equal(frame(cell, 48), cell.transpose(2, 0, 1))
    plain = np.asarray(Image.fromarray(cell).resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    np.testing.assert_array_equal(frame(cell, 32), plain)


@pytest.mark.parametrize(
    "cell", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), "a.png"]
)
def test_what_is_no_picture_is_said(cell: object) -> None:
    with pytest.raises(CellError, match="height x width x 3"):
        frame(cell, 32)


def test_settings_are_checked() -> None:
    assert parse_settings(PixelSettings, {"fit": "pad"}, "x").fit == "pad"
    for wrong in ({"size": 3}, {"fit": "stretch"}, {"std": (0, 1, 1)}, {"colour": True}):
        with pytest.raises(UsageError):
            parse_settings(NormalisedSettings, wrong, "x")
