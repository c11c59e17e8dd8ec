"""The network of three dimensions: augmentation in training only, odd scans, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._volume import Volume
from consilience.encoders import ENCODERS
from consilience.testing._fake_volume import fake_volume_column
from consilience.testing.encoder_checks import check_encoder

CLASS = ENCODERS.get("volume/cnn3d")
KIND = KINDS.get("volume")()


class Volumes(type(KIND)):
    """Values are the decoded scans themselves."""

    def read(self, value):
        if isinstance(value, str):
            raise CellError("It is not a scan.", found=value)
        return value


def column(*volumes):
    values = np.empty(len(volumes), dtype=object)
    values[:] = volumes
    return {"ct": Cells("ct", Volumes(), values, np.array([part is not None for part in volumes], dtype=bool))}


def fakes(rows=24):
    parsed = KIND.parse(fake_volume_column(rows))
    return {"ct": Cells("ct", KIND, parsed.values, parsed.present)}


def made(**settings):
    return CLASS(CLASS.Settings(**{"size": 16, "filters": 4, "width": 8, **settings}))


def tensors(encoder, columns):
    return {name: torch.from_numpy(array) for name, array in encoder.prepare(columns).items()}


def tokens(encoder, columns, training=False):
    torch.manual_seed(0)
    module = encoder.build().train(training)
    torch.manual_seed(1)
    with torch.no_grad():
        return module(tensors(encoder, columns)).pooled().numpy()


def volume(shape=(8, 9, 10), seed=0, **more):
    return Volume(np.random.default_rng(seed).normal(size=shape).astype(np.float32), **more)


@pytest.mark.parametrize("settings", [{}, {"tokens": "grid", "flip": True, "fit": "squash"}, {"shift": 0.0, "zoom": 0.0, "turn": 0.0, "noise": 0.0}])
def test_the_contract(settings):
    check_encoder(lambda: made(**settings), fakes())


def test_augmentation_is_for_training_only():
    columns = column(*(volume(seed=seed) for seed in range(6)))
    np.testing.assert_array_equal(tokens(made(), columns), tokens(made(), columns))
    none = {"dropout": 0.0, "shift": 0.0, "zoom": 0.0, "turn": 0.0, "contrast": 0.0, "noise": 0.0, "flip": False}
    plain = tokens(made(**none), columns, training=True)
    for setting in ({"shift": 0.1}, {"zoom": 0.2}, {"turn": 20.0}, {"contrast": 0.3}, {"noise": 0.1}, {"flip": True}):
        found = tokens(made(**{**none, **setting}), columns, training=True)
        assert abs(found - plain).max() > 1e-4, setting
        np.testing.assert_array_equal(found, tokens(made(**{**none, **setting}), columns, training=True))


def test_a_flip_is_a_flip():
    none = {"dropout": 0.0, "shift": 0.0, "zoom": 0.0, "turn": 0.0, "contrast": 0.0, "noise": 0.0}
    module = made(**none, flip=True).build()
    torch.manual_seed(0)
    x = torch.rand(20, 1, 8, 8, 8)
    y = module.augmented(x)
    same = [bool(torch.allclose(one, two, atol=1e-5)) for one, two in zip(x, y, strict=True)]
    mirrored = [bool(torch.allclose(one.flip(3), two, atol=1e-5)) for one, two in zip(x, y, strict=True)]
    assert all(one or two for one, two in zip(same, mirrored, strict=True))
    assert any(same)
    assert any(mirrored)


def test_odd_scans_give_finite_tokens():
    columns = column(
        None, volume((1, 1, 1)), volume((90, 2, 1)), Volume(np.full((3, 3, 3), 9e14, np.float32)), volume(spacing=(1e-3, 9.0, 1.0), unit="HU")
    )
    encoder = made()
    encoder.fit(columns)
    for training in (False, True):
        assert np.isfinite(tokens(encoder, columns, training)).all()


def test_a_cell_that_cannot_be_read_names_its_row():
    for step in (made().prepare, made().fit):
        with pytest.raises(CellError, match="Column 'ct', row 2"):
            step(column(volume(), None, "broken"))
    with pytest.raises(UsageError, match="one volume column, found 0"):
        made().prepare({})


def test_it_learns():
    torch.manual_seed(0)
    columns = fakes(100)
    encoder = made(filters=8, width=16)
    encoder.fit(columns)
    batch = tensors(encoder, columns)
    there, goal = batch["mask"][:, 0], torch.arange(100) % 5
    train, test = there & (torch.arange(100) < 65), there & (torch.arange(100) >= 65)
    module, head = encoder.build(), torch.nn.Linear(16, 5)
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=5e-3)
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(head(module({name: array[train] for name, array in batch.items()}).pooled()), goal[train])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        found = head(module({name: array[test] for name, array in batch.items()}).pooled()).argmax(dim=1)
    assert (found == goal[test]).float().mean() > 0.85
