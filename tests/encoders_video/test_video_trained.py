from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds._film import Film
from consilience.encoders.video._augment import Augment
from consilience.encoders.video.cnn3d import Cnn3d, Cnn3dSettings
from consilience.encoders.video.temporal import Temporal, TemporalSettings
from consilience.testing.encoder_checks import check_encoder


def small_cnn(**settings: Any) -> Cnn3d:
    return Cnn3d(Cnn3dSettings(**{"frames": 4, "size": 16, "width": 8, **settings}))


def small_temporal(**settings: Any) -> Temporal:
    return Temporal(TemporalSettings(**{"frames": 3, "width": 8, **settings}), "hog")


MAKERS = pytest.mark.parametrize("make", [small_cnn, small_temporal])


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("settings", [{}, {"flip": True}, {"augment": False}])
def test_cnn3d_keeps_what_an_encoder_promises(column: Any, settings: dict[str, Any]) -> None:
    check_encoder(lambda: small_cnn(**settings), column)


@pytest.mark.parametrize("over", ["mean", "lstm", "transformer"])
@pytest.mark.parametrize("tokens", ["pooled", "sequence"])
def test_temporal_keeps_what_an_encoder_promises(column: Any, over: str, tokens: str) -> None:
    check_encoder(lambda: small_temporal(over=over, tokens=tokens), column)


@MAKERS
def test_odd_films(make: Callable[..., Any], cells: Callable[..., Any], odd_films: list[Film]) -> None:
    encoder, columns = make(), cells(*odd_films, None)
    encoder.fit(columns)
    module = encoder.build()
    tokens = module(tensors(encoder.prepare(columns)))
    assert torch.isfinite(tokens.values).all()
    assert tokens.present.tolist() == [True] * len(odd_films) + [False]


@MAKERS
def test_a_film_that_cannot_be_decoded_names_its_row(make: Callable[..., Any], cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    with pytest.raises(CellError) as caught:
        make().prepare(cells(None, moving("up"), "broken", moving("up")))
    assert (caught.value.row, caught.value.column) == (2, "clip")


@MAKERS
def test_two_columns_are_refused(make: Callable[..., Any], cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    column = cells(moving("up"))["clip"]
    with pytest.raises(UsageError, match="one video column, found 2"):
        make().prepare({"a": column, "b": column})


def test_attention_says_which_second_decided(cells: Callable[..., Any]) -> None:
    """A flash in one of twelve frames makes the class: the trained weights lie on that frame."""
    random = np.random.default_rng(0)
    films, classes, flashes = [], [], []
    for row in range(60):
        frames = random.integers(90, 110, (6, 16, 16, 3)).astype(np.uint8)
        flash, kind = int(random.integers(6)), row % 2
        frames[flash, ::4] = 240
        if kind:
            frames[flash] = frames[flash].transpose(1, 0, 2)
        films.append(Film(frames, np.arange(6, dtype=np.float32), 6.0))
        classes.append(kind)
        flashes.append(flash)
    encoder = Temporal(TemporalSettings(frames=6, width=16, over="mean", dropout=0), "hog")
    batch = tensors(encoder.prepare(cells(*films)))
    torch.manual_seed(0)
    module, head = encoder.build().train(), torch.nn.Linear(16, 2)
    assert module.attention() is None
    steps, target = torch.optim.Adam([*module.parameters(), *head.parameters()], lr=3e-3), torch.tensor(classes)
    for _ in range(40):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(head(module(batch).pooled()), target).backward()
        steps.step()
    module.eval()
    assert (head(module(batch).pooled()).argmax(dim=1) == target).float().mean() > 0.95
    weights = module.attention()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(60))
    assert (weights.argmax(dim=1) == torch.tensor(flashes)).float().mean() > 0.9
    seconds = np.expm1(batch["times"][:, :, 1].numpy())
    np.testing.assert_allclose(seconds[0], np.arange(6), atol=1e-4)


def test_absent_films_have_no_attention(cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    encoder = small_temporal()
    module = encoder.build()
    module(tensors(encoder.prepare(cells(moving("up"), None))))
    assert module.attention()[1].sum() == 0
    assert not module.attention().requires_grad


def test_the_lstm_and_the_transformer_know_the_order(cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    film = moving("right", number=6)
    back = Film(film.frames[::-1].copy(), film.times, film.seconds)
    for over in ("lstm", "transformer"):
        encoder = small_temporal(over=over, frames=6)
        torch.manual_seed(0)
        values = encoder.build().eval()(tensors(encoder.prepare(cells(film, back)))).pooled()
        assert (values[0] - values[1]).abs().max() > 1e-3


def test_cnn3d_learns_a_direction(cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    """Left or right, and nothing else differs."""
    films = [moving("left" if row % 2 else "right", row) for row in range(48)]
    encoder = Cnn3d(Cnn3dSettings(frames=6, size=16, width=16, dropout=0))
    batch, target = tensors(encoder.prepare(cells(*films))), torch.arange(48) % 2
    assert batch["frames"].dtype == torch.uint8
    torch.manual_seed(0)
    module, head = encoder.build().train(), torch.nn.Linear(16, 2)
    steps = torch.optim.Adam([*module.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(25):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(head(module({name: part[:32] for name, part in batch.items()}).pooled()), target[:32]).backward()
        steps.step()
    module.eval()
    found = head(module({name: part[32:] for name, part in batch.items()}).pooled()).argmax(dim=1)
    assert (found == target[32:]).float().mean() > 0.9


def test_augmentation_is_for_training_only(cells: Callable[..., Any], moving: Callable[..., Film]) -> None:
    encoder = small_cnn(dropout=0)
    batch = tensors(encoder.prepare(cells(moving("up"), moving("left", 1))))
    torch.manual_seed(0)
    module = encoder.build()
    with torch.no_grad():
        module.train()
        torch.manual_seed(1)
        first = module(batch).values
        torch.manual_seed(1)
        again = module(batch).values
        other = module(batch).values
        torch.testing.assert_close(first, again, rtol=0, atol=0)
        assert (first - other).abs().max() > 1e-4
        module.eval()
        torch.testing.assert_close(module(batch).values, module(batch).values, rtol=0, atol=0)


def test_each_augmentation_does_what_it_says() -> None:
    ramp = torch.arange(8.0)[None, :, None, None, None].expand(2, 8, 3, 12, 12).contiguous()
    torch.manual_seed(0)
    slower = Augment(0, 0, 0.3, False)
    made = slower(ramp, slower.draw(ramp))[:, :, 0, 0, 0]
    assert (made.diff(dim=1) >= 0).all()
    assert made.max() <= 7
    assert (made[0] != made[1]).any(), "each film in its own way"
    picture = torch.rand(2, 1, 3, 12, 12)
    still = Augment(0.2, 0, 0, False)
    nothing = {name: torch.zeros_like(part) for name, part in still.draw(picture).items()}
    torch.testing.assert_close(still(picture, nothing), picture)
    moved = still(picture, {**nothing, "place": torch.tensor([[5 / 6, 0.0, 0.0]] * 2)})  # 2 of 12 pixels: 5 / 6 of 0.4 of half the side
    torch.testing.assert_close(moved[..., :-2, :], picture[..., 2:, :])
    mirror = Augment(0, 0, 0, True)
    drawn = {**nothing, "flip": torch.tensor([[0.1], [0.9]])}
    torch.testing.assert_close(mirror(picture, drawn), torch.stack([picture[0].flip(-1), picture[1]]))
    light = Augment(0, 0.5, 0, False)
    torch.testing.assert_close(light(picture, {**nothing, "light": torch.tensor([[1.0, 0.0], [0.0, 1.0]])})[0], picture[0] + 1.0)
