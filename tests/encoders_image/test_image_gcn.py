"""Graph convolutions over patches, and what the encoders that learn from pixels change in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.encoders import ENCODERS
from consilience.encoders.image.cnn import Cnn, CnnSettings
from consilience.encoders.image.gcn import PatchGcn, PatchGcnSettings, grid_edges, scaled
from consilience.layers.augment import PixelAugment
from consilience.testing.encoder_checks import check_encoder
from consilience.testing.fakes import fake_columns


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("settings", [{"size": 32}, {"size": 24, "patch": 3, "tokens": "grid", "alike": 0}, {"size": 16, "patch": 16}])
def test_contract(settings):
    check_encoder(lambda: PatchGcn(PatchGcnSettings(hidden=24, layers=2, **settings)), fake_columns("image"))


@pytest.mark.parametrize("name", ["cnn", "gcn"])
@pytest.mark.parametrize("augment", ["none", "strong"])
def test_contract_with_every_augmentation(name, augment):
    cls = ENCODERS.get(f"image/{name}")
    check_encoder(lambda: cls(cls.Settings(size=16, augment=augment, flip=True)), fake_columns("image"))


def test_shapes(cells, odd_pictures):
    columns = cells(*odd_pictures, None)
    for tokens, count in (("pooled", 1), ("grid", 16)):
        encoder = PatchGcn(PatchGcnSettings(size=32, tokens=tokens, width=24))
        encoder.fit(columns)
        out = encoder.build().eval()(tensors(encoder.prepare(columns)))
        assert out.values.shape == (6, count, 24)
        assert out.present.tolist() == [True] * 5 + [False]


def test_a_patch_is_joined_to_itself_and_eight_others():
    near = grid_edges(4)
    assert near.sum(dim=1).reshape(4, 4).tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
    assert torch.equal(near, near.T)
    values = torch.linalg.eigvalsh(scaled(near))
    assert float(values.max()) == pytest.approx(1.0, abs=1e-5)


def test_patches_that_look_alike_are_joined():
    module = PatchGcn(PatchGcnSettings(size=64, alike=2)).build()
    looks = torch.nn.functional.one_hot(torch.arange(64) % 32, 32).float().unsqueeze(0)  # patch 0 looks like patch 32 only
    weights = module.weights(looks)[0]
    assert weights[0, 32] > 0
    torch.testing.assert_close(weights, weights.T)
    assert torch.equal((weights > 0)[grid_edges(8) > 0], torch.ones(int(grid_edges(8).sum()), dtype=torch.bool))


@pytest.mark.parametrize("settings", [{"size": 30}, {"size": 128, "patch": 2}])
def test_sizes_that_cannot_be_cut_are_refused(settings):
    with pytest.raises(UsageError, match="multiple"):
        PatchGcn(PatchGcnSettings(**settings))


def test_a_cell_that_cannot_be_decoded_names_its_row(cells, picture):
    with pytest.raises(CellError) as caught:
        PatchGcn(PatchGcnSettings()).prepare(cells(picture(30, 30), None, "broken"))
    assert (caught.value.row, caught.value.column) == (2, "icon")
    column = cells(picture(3, 3))["icon"]
    with pytest.raises(UsageError, match="'gcn' takes one image column, found 2"):
        PatchGcn(PatchGcnSettings()).prepare({"a": column, "b": column})


@pytest.mark.parametrize("cls", [Cnn, PatchGcn])
@pytest.mark.parametrize(
    ("settings", "changes", "flips"),
    [({"augment": "none"}, False, False), ({"augment": "none", "flip": True}, True, True), ({}, True, False), ({"augment": "strong"}, True, False)],
)
def test_pictures_are_changed_in_training_only(cells, picture, cls, settings, changes, flips):
    columns = cells(picture(40, 40, 1), picture(40, 40, 2), picture(40, 40, 3))
    encoder = cls(cls.Settings(size=32, **settings))
    encoder.fit(columns)
    batch, module = tensors(encoder.prepare(columns)), encoder.build()
    seen: list[torch.Tensor] = []
    module.augment.register_forward_hook(lambda _, given, made: seen.append((given[0] - made).abs().max()))
    for _ in range(3):
        module.train()(batch)
    assert (max(seen) > 0) == changes
    assert getattr(module.augment, "flip", False) == flips
    del seen[:]
    module.eval()(batch)
    assert seen == [0]


def test_left_and_right_are_kept_unless_asked():
    assert isinstance(Cnn(CnnSettings()).build().augment, PixelAugment)
    assert Cnn(CnnSettings()).build().augment.flip is False


def test_places_of_marks_are_learned():
    """A bright square on the left or on the right; the rest is noise."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 120, (64, 3, 16, 16), dtype=np.uint8)
    target = torch.arange(64) % 2
    for row in range(64):
        left = 1 + 9 * (row % 2)
        pixels[row, :, 5:10, left : left + 5] = 230
    torch.manual_seed(0)
    module = PatchGcn(PatchGcnSettings(size=16, patch=4, hidden=16, layers=2, width=16)).build()
    head = torch.nn.Linear(16, 2)
    batch = {"pixels": torch.from_numpy(pixels), "mask": torch.ones(64, 1, dtype=torch.bool)}
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(head(module(batch).pooled()), target).backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        assert (head(module(batch).pooled()).argmax(dim=1) == target).float().mean() > 0.9
