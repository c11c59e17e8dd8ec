"""Shares of what is there, whatever its length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from consilience.learn.training._decoders import form_of, over_time, stretches


def test_stretches_are_shares_of_what_is_there() -> None:
    hidden = torch.tensor([[True, False], [False, True]])
    found = stretches(hidden, torch.tensor([4, 6]), 8)
    assert found.int().tolist() == [[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0]]


def test_means_over_time() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0, 9.0, 9.0]]).unsqueeze(-1)
    assert over_time(values, torch.tensor([4]), 2).flatten().tolist() == [1.5, 3.5]
    assert over_time(values, torch.tensor([1]), 2).flatten().tolist() == [1.0, 1.0]
    loud = torch.tensor([[1e8, 1e8, 1e-3, 1e-3]]).unsqueeze(-1)
    assert over_time(loud, torch.tensor([4]), 2).flatten().tolist() == pytest.approx([1e8, 1e-3], rel=1e-3)


def test_a_loud_band_is_told_from_a_low_one() -> None:
    seconds = np.arange(4000) / 8000
    waves = np.stack([np.sin(2 * np.pi * pitch * seconds) * 20_000 for pitch in (200, 3000)]).astype(np.int16)
    arrays = {"waves": waves, "length": np.array([[4000], [2000]], dtype=np.int32), "mask": np.ones((2, 1), dtype=bool)}
    form = form_of(arrays)
    assert form is not None
    goals = form.goals(arrays).reshape(2, 32, -1)  # stretches, bands
    assert goals[0].mean(axis=0).argmax() < goals[1].mean(axis=0).argmax()
    assert np.isfinite(goals).all()


def test_where_points_are_is_what_is_rebuilt() -> None:
    points = np.zeros((2, 8, 3), dtype=np.int16)
    points[0, :, 0] = np.linspace(-900, 900, 8)
    points[1, :, 2] = np.linspace(-900, 900, 8)
    arrays = {"points": points, "count": np.full((2, 1), 8, dtype=np.int16), "mask": np.ones((2, 1), dtype=bool)}
    form = form_of(arrays)
    assert form is not None
    found = form.goals(arrays).reshape(2, 6, 6, 6) ** 2
    assert found.sum(axis=(1, 2, 3)).tolist() == pytest.approx([1, 1])
    assert (found[0].sum(axis=(1, 2)) > 0).sum() > 1 == (found[0].sum(axis=(0, 1)) > 0).sum()
    assert np.allclose(found[0].transpose(2, 1, 0), found[1])


def test_nobody_knows_the_form_of_words() -> None:
    assert form_of({"ids": np.zeros((1, 1)), "mask": np.ones((1, 1), dtype=bool)}) is None
