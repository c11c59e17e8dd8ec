from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.encoders.image.cnn import Cnn, CnnSettings

BOTH = pytest.mark.parametrize("tokens", ["pooled", "grid"])


def batch_of(encoder: Cnn, columns: Any) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in encoder.prepare(columns).items()}


def built(encoder: Cnn) -> torch.nn.Module:
    torch.manual_seed(0)
    return encoder.build()


@BOTH
def test_shapes_and_odd_sizes(cells: Callable[..., Any], odd_pictures: list[np.ndarray], tokens: str) -> None:
    encoder = Cnn(CnnSettings(size=32, tokens=tokens, width=24))
    columns = cells(*odd_pictures, None)
    encoder.fit(columns)
    batch = encoder.prepare(columns)
    assert batch["pixels"].shape == (6, 3, 32, 32)
    assert batch["pixels"].dtype == np.uint8
    assert batch["mask"].tolist() == [[True]] * 5 + [[False]]
    module = built(encoder)
    out = module(batch_of(encoder, columns))
    count = 16 if tokens == "grid" else 1
    assert out.values.shape == (6, count, 24)
    assert module.width == 24
    assert torch.isfinite(out.values).all()
    assert out.present.tolist() == [True] * 5 + [False]


@BOTH
def test_batched_equals_one_by_one_at_prediction(cells: Callable[..., Any], odd_pictures: list[np.ndarray], tokens: str) -> None:
    encoder = Cnn(CnnSettings(size=32, tokens=tokens))
    columns = cells(*odd_pictures, None)
    encoder.fit(columns)
    module = built(encoder)
    module(batch_of(encoder, columns))  # so that the running statistics are not those of the start
    module.eval()
    whole = batch_of(encoder, columns)
    with torch.no_grad():
        together = module(whole).values
        for row in range(6):
            one = module({name: part[row : row + 1] for name, part in whole.items()}).values
            torch.testing.assert_close(one[0], together[row], rtol=1e-4, atol=1e-4)


@BOTH
def test_absent_rows_have_no_influence_in_training(cells: Callable[..., Any], picture: Callable[..., np.ndarray], tokens: str) -> None:
    encoder = Cnn(CnnSettings(size=32, tokens=tokens))
    columns = cells(picture(30, 30, 1), None, picture(40, 20, 2), None)
    encoder.fit(columns)
    batch = batch_of(encoder, columns)
    noisy = {**batch, "pixels": batch["pixels"].float()}
    noisy["pixels"][1], noisy["pixels"][3] = float("nan"), 1e9
    few = {name: part[[0, 2]] for name, part in batch.items()}
    results = []
    for given, rows in ((batch, [0, 2]), (noisy, [0, 2]), (few, [0, 1])):
        module = built(encoder).train()
        out = module(given)
        assert torch.isfinite(out.values).all()
        out.pooled()[rows].square().sum().backward()
        results.append((out.values[rows].detach(), [part.grad for part in module.parameters()], [part.clone() for part in module.buffers()]))
    for values, grads, buffers in results[1:]:
        torch.testing.assert_close(values, results[0][0], rtol=0, atol=0)
        torch.testing.assert_close(grads, results[0][1], rtol=0, atol=0)
        torch.testing.assert_close(buffers, results[0][2], rtol=0, atol=0)


@BOTH
@pytest.mark.parametrize("train", [True, False])
def test_a_batch_in_which_nothing_is_present(cells: Callable[..., Any], tokens: str, train: bool) -> None:
    encoder = Cnn(CnnSettings(size=32, tokens=tokens))
    encoder.fit(cells(None, None))
    module = built(encoder).train(train)
    before = [part.clone() for part in module.buffers()]
    out = module(batch_of(encoder, cells(None, None)))
    assert not out.mask.any()
    assert torch.isfinite(out.values).all()
    torch.testing.assert_close(list(module.buffers()), before)
    assert encoder.prepare(cells())["pixels"].shape == (0, 3, 32, 32)


@BOTH
def test_one_present_row_trains(cells: Callable[..., Any], picture: Callable[..., np.ndarray], tokens: str) -> None:
    encoder = Cnn(CnnSettings(size=16, tokens=tokens))
    columns = cells(picture(16, 16), None)
    encoder.fit(columns)
    module = built(encoder).train()
    (module(batch_of(encoder, columns)).pooled() * torch.arange(128)).sum().backward()
    for name, part in module.named_parameters():
        assert part.grad is not None, name
        assert torch.isfinite(part.grad).all(), name


@BOTH
def test_gradients_reach_every_parameter(cells: Callable[..., Any], picture: Callable[..., np.ndarray], tokens: str) -> None:
    encoder = Cnn(CnnSettings(size=32, tokens=tokens))
    columns = cells(*(picture(30 + seed, 40, seed) for seed in range(6)), None)
    encoder.fit(columns)
    module = built(encoder).train()
    out = module(batch_of(encoder, columns))
    (out.clean() * torch.randn(out.values.shape)).sum().backward()
    for name, part in module.named_parameters():
        assert part.grad is not None, name
        assert part.grad.abs().sum() > 0, name


def test_normalisation_is_learned_from_what_is_present(cells: Callable[..., Any]) -> None:
    flat = np.zeros((20, 20, 3), dtype=np.uint8)
    flat[...] = (51, 102, 204)
    encoder = Cnn(CnnSettings(size=16))
    encoder.fit(cells(flat, None, flat))
    np.testing.assert_allclose(encoder.mean, [0.2, 0.4, 0.8], atol=1e-6)
    np.testing.assert_allclose(encoder.std, [0.02] * 3, atol=1e-6)
    half = np.zeros((20, 20, 3), dtype=np.uint8)
    encoder.fit(cells(half, half + 255))
    np.testing.assert_allclose(encoder.std, [0.5] * 3, atol=1e-6)
    own = Cnn(CnnSettings(size=16, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)))
    own.fit(cells(flat))
    np.testing.assert_allclose([own.mean, own.std], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], rtol=1e-6)


def test_state_comes_back_to_the_bit(cells: Callable[..., Any], picture: Callable[..., np.ndarray]) -> None:
    columns = cells(picture(30, 30, 1), picture(30, 50, 2), None)
    encoder, other = Cnn(CnnSettings(size=32)), Cnn(CnnSettings(size=32))
    assert encoder.fingerprint() == other.fingerprint()
    encoder.fit(columns)
    assert encoder.fingerprint() != other.fingerprint(), "what was learned is part of the fingerprint"
    other.restore(encoder.state())
    assert encoder.fingerprint() == other.fingerprint()
    batch = batch_of(encoder, columns)
    torch.testing.assert_close(built(encoder)(batch).values, built(other)(batch).values, rtol=0, atol=0)
    module = built(other)
    module.load_state_dict(built(encoder).state_dict())
    assert Cnn(CnnSettings(size=64)).fingerprint() != Cnn(CnnSettings(size=32)).fingerprint()


def test_a_cell_that_cannot_be_decoded_names_its_row(cells: Callable[..., Any], picture: Callable[..., np.ndarray]) -> None:
    columns = cells(picture(30, 30), None, "broken", picture(3, 3))
    for act in (Cnn(CnnSettings()).fit, Cnn(CnnSettings()).prepare):
        with pytest.raises(CellError) as caught:
            act(columns)
        assert (caught.value.row, caught.value.column) == (2, "icon")


def test_two_columns_are_refused(cells: Callable[..., Any], picture: Callable[..., np.ndarray]) -> None:
    column = cells(picture(3, 3))["icon"]
    with pytest.raises(UsageError, match="one image column, found 2"):
        Cnn(CnnSettings()).prepare({"a": column, "b": column})


def test_it_learns_where_a_mark_is(cells: Callable[..., Any]) -> None:
    """Left or right, and nothing else differs: averaging over all places would lose it."""
    random = np.random.default_rng(0)
    pictures, sides = [], random.integers(0, 2, 40)
    for side in sides:
        cell = random.integers(0, 40, (16, 16, 3), dtype=np.uint8)
        cell[6:10, 3 + 8 * side : 6 + 8 * side] = 230
        pictures.append(cell)
    encoder = Cnn(CnnSettings(size=16, width=16))
    columns = cells(*pictures)
    encoder.fit(columns)
    module = built(encoder).train()
    head = torch.nn.Linear(16, 2)
    steps = torch.optim.Adam([*module.parameters(), *head.parameters()], lr=3e-3)
    batch, target = batch_of(encoder, columns), torch.from_numpy(sides)
    for _ in range(25):
        steps.zero_grad()
        loss: Any = torch.nn.functional.cross_entropy(head(module(batch).pooled()), target)
        loss.backward()
        steps.step()
    assert (head(module.eval()(batch).pooled()).argmax(dim=1) == target).float().mean() > 0.95


def test_a_large_picture_is_read_smaller(cells: Callable[..., Any], picture: Callable[..., np.ndarray]) -> None:
    columns = cells(picture(300, 300), None)
    asked: list[int] = []

    def read_at(value: np.ndarray, size: int) -> np.ndarray:
        asked.append(size)
        return value[::4, ::4]

    columns["icon"].kind.read_at = read_at
    assert Cnn(CnnSettings(size=32)).prepare(columns)["pixels"][0].any()
    assert asked == [40]
