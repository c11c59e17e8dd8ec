"""PointNet: any order of the points, clouds of any size, augmentation in training only, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.encoders import ENCODERS
from consilience.encoders.points._places import chosen, farthest
from consilience.testing._fake_points import fake_points_column
from consilience.testing.encoder_checks import check_encoder

CLASS = ENCODERS.get("points/pointnet")
KIND = KINDS.get("points")()


class Arrays(type(KIND)):
    """Values are the decoded clouds themselves."""

    def read(self, value):
        if isinstance(value, str):
            raise CellError("It is not a cloud.", found=value)
        return value


def column(*clouds):
    values = np.empty(len(clouds), dtype=object)
    values[:] = [part if part is None or isinstance(part, str) else np.asarray(part, dtype=np.float32) for part in clouds]
    return {"scan": Cells("scan", Arrays(), values, np.array([part is not None for part in clouds], dtype=bool))}


def fakes(rows=24):
    parsed = KIND.parse(fake_points_column(rows))
    return {"scan": Cells("scan", KIND, parsed.values, parsed.present)}


def made(**settings):
    return CLASS(CLASS.Settings(**{"filters": 8, "width": 8, "points": 32, **settings}))


def tokens(encoder, columns, training=False, seed=0):
    torch.manual_seed(seed)
    module = encoder.build().train(training)
    torch.manual_seed(seed + 1)
    with torch.no_grad():
        return module({name: torch.from_numpy(array) for name, array in encoder.prepare(columns).items()}).pooled().numpy()


def cloud(rows=200, columns=3, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


@pytest.mark.parametrize("settings", [{}, {"neighbours": 0, "turn": "any"}, {"extra": 0, "up": "y", "lose": 0.0, "jitter": 0.0, "scale": 0.0}])
def test_the_contract(settings):
    check_encoder(lambda: made(**settings), fakes())


@pytest.mark.parametrize("rows", [1, 5, 40, 200, 6000])
@pytest.mark.parametrize("neighbours", [0, 8])
def test_the_order_of_the_points_does_not_matter(rows, neighbours):
    points, random = cloud(rows, 5).astype(np.float32), np.random.default_rng(0)
    encoder = made(neighbours=neighbours)
    found = tokens(encoder, column(*(points[random.permutation(rows)] for _ in range(4)), points))
    np.testing.assert_allclose(found[:-1], np.repeat(found[-1:], 4, axis=0), atol=1e-5)
    assert abs(found - tokens(encoder, column(*[cloud(rows, 5, 1)] * 5))).max() > 1e-3


def test_the_choice_of_points_knows_no_order():
    points = cloud(1000).astype(np.float32)
    turned = points[np.random.default_rng(0).permutation(1000)]
    np.testing.assert_array_equal(points[chosen(points, 50)], turned[chosen(turned, 50)])
    assert len(np.unique(chosen(points, 50))) == 50
    spread = points[farthest(points, 20)]
    apart = np.linalg.norm(spread[:, None] - spread[None], axis=2) + np.eye(20) * 9
    assert apart.min() > 0.7, "points that lie far apart"


def test_small_clouds_count_as_they_are():
    """What fills the places of points that are not there has no influence."""
    encoder = made()
    arrays = encoder.prepare(column(cloud(5), cloud(100)))
    assert arrays["count"].tolist() == [[5], [64]]
    module = encoder.build().eval()
    batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
    before = module(batch).pooled()
    batch["points"][0, 5:] = 30_000
    torch.testing.assert_close(module(batch).pooled(), before)


def test_augmentation_is_for_training_only():
    columns = column(*(cloud(100, 3, seed) for seed in range(6)))
    encoder = made(dropout=0.0)
    np.testing.assert_array_equal(tokens(encoder, columns), tokens(encoder, columns))
    plain = made(dropout=0.0, turn="none", scale=0.0, jitter=0.0, lose=0.0, points=64)
    first = tokens(plain, columns, training=True)
    for setting in ({"turn": "up"}, {"turn": "any"}, {"scale": 0.2}, {"jitter": 0.05}, {"lose": 0.5}):
        alone = made(**{**plain.settings.model_dump(), **setting})
        assert abs(tokens(alone, columns, training=True) - first).max() > 1e-4, setting
        np.testing.assert_array_equal(tokens(alone, columns, training=True), tokens(alone, columns, training=True)), "by the seed"


def test_turns_are_turns():
    from consilience.encoders.points._network import turns

    matrices = turns(torch.randn(50, 4), False)
    torch.testing.assert_close(matrices @ matrices.transpose(1, 2), torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=1e-5)
    upright = turns(torch.randn(50, 4), True)
    torch.testing.assert_close(upright[:, 2], torch.tensor([0.0, 0.0, 1.0]).expand(50, 3))
    assert upright[:, 0, 0].min() < -0.5 < 0.5 < upright[:, 0, 0].max()


def test_odd_clouds_give_finite_tokens():
    columns = column(None, np.zeros((1, 3)), np.zeros((9, 3)), cloud() * 1e14, cloud() * 1e-30, cloud(20, 12) * 1e15, [[1e15, 0, 0]])
    encoder = made()
    encoder.fit(columns)
    for training in (False, True):
        assert np.isfinite(tokens(encoder, columns, training)).all()


def test_a_cell_that_cannot_be_read_names_its_row():
    for step in (made().prepare, made().fit):
        with pytest.raises(CellError, match="Column 'scan', row 2"):
            step(column(cloud(), None, "broken"))
    with pytest.raises(UsageError, match="one points column, found 2"):
        made().prepare({**column(cloud()), "other": column(cloud())["scan"]})


def test_it_learns():
    torch.manual_seed(0)
    columns = fakes(120)
    encoder = made(filters=16, width=16)
    encoder.fit(columns)
    batch = {name: torch.from_numpy(array) for name, array in encoder.prepare(columns).items()}
    there, goal = batch["mask"][:, 0], torch.arange(120) % 5
    train, test = there & (torch.arange(120) < 80), there & (torch.arange(120) >= 80)
    module, head = encoder.build(), torch.nn.Linear(16, 5)
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(head(module({name: array[train] for name, array in batch.items()}).pooled()), goal[train])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        found = head(module({name: array[test] for name, array in batch.items()}).pooled()).argmax(dim=1)
    assert (found == goal[test]).float().mean() > 0.9
