from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import MissingExtra, UnknownName, UsageError
from consilience.data.kinds._film import Film
from consilience.encoders import ENCODERS, ModuleEncoder
from consilience.encoders.image.hog import Hog, HogSettings
from consilience.encoders.video import _inner
from consilience.encoders.video.frames import Frames, FramesSettings
from consilience.features.runtime import compile_encoder
from consilience.testing.encoder_checks import check_encoder


class Tiny(ModuleEncoder):
    """A network over pixels: small stands in for large."""

    Settings = HogSettings

    @property
    def width(self) -> int:
        return 5

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("pixels",)

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        return {"pixels": np.resize(np.asarray(cell).transpose(2, 0, 1), (3, 8, 8)).astype(np.uint8)}

    def build(self) -> torch.nn.Module:
        class Network(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.filters = torch.nn.Conv2d(3, 5, 3)
                torch.nn.init.constant_(self.filters.weight, 0.01)

            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                return self.filters(pixels.float() / 255).relu().flatten(2).transpose(1, 2)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Network().eval()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    get, check = ENCODERS.get, ENCODERS.check
    monkeypatch.setattr(ENCODERS, "get", lambda key: Tiny if key == "image/tiny" else get(key))
    monkeypatch.setattr(ENCODERS, "check", lambda key: None if key == "image/tiny" else check(key))


@pytest.mark.parametrize("tokens", ["pooled", "sequence"])
@pytest.mark.parametrize("image", ["hog", "tiny"])
def test_it_keeps_what_an_encoder_promises(tiny: None, column: Any, tokens: str, image: str) -> None:
    check_encoder(lambda: Frames(FramesSettings(tokens=tokens, frames=3), image), column)


def test_pooled_is_mean_spread_and_change(moving: Callable[..., Film]) -> None:
    film = moving("right", number=16)
    film = Film(film.frames[:8], film.times[:8], 8 / 12)
    encoder = Frames(FramesSettings(), "hog")
    values, mask = encoder.encode(encoder.collate([encoder.prepare(film)]))
    assert mask.tolist() == [[True]]
    seen = np.stack([Hog(HogSettings()).prepare(frame)["features"] for frame in film.frames])
    expected = np.concatenate([seen.mean(axis=0), seen.std(axis=0), np.abs(np.diff(seen, axis=0)).mean(axis=0)])
    np.testing.assert_allclose(values[0, 0], expected, atol=1e-5)


def test_a_network_sees_each_frame_as_it_sees_a_picture(tiny: None, moving: Callable[..., Film]) -> None:
    film = moving("down")
    encoder = Frames(FramesSettings(tokens="sequence", frames=4), "tiny")
    values, mask = encoder.encode(encoder.collate([encoder.prepare(film), encoder.prepare(moving("left"))]))
    assert values.shape == (2, 4, 7)
    assert mask.all()
    inner = Tiny(HogSettings())
    places = [round(len(film.frames) * (step + 0.5) / 4 - 0.5) for step in range(4)]
    for step, place in enumerate(places):
        near = [inner.encode(inner.collate([inner.prepare(film.frames[one])]))[0][0].mean(axis=0) for one in (place, place - 1, place + 1)]
        assert min(np.abs(values[0, step, :5] - one).max() for one in near) < 1e-5
    assert (np.diff(values[0, :, 5]) > 0).all(), "times rise"
    np.testing.assert_allclose(values[0, :, 6], np.log1p(values[0, :, 5] * film.seconds), rtol=1e-5)


def test_scenes_looks_at_the_cuts() -> None:
    frames = np.zeros((30, 16, 16, 3), dtype=np.uint8)
    frames[20:], frames[25:] = 90, 200
    film = Film(frames, np.arange(30, dtype=np.float32), 30.0)
    encoder = Frames(FramesSettings(choice="scenes", frames=3, tokens="sequence"), "hog")
    np.testing.assert_allclose(encoder.prepare(film)["times"][:, 0] * 30, [0, 20, 25], rtol=1e-5)


def test_odd_films_give_finite_numbers(odd_films: list[Film]) -> None:
    for tokens in ("pooled", "sequence"):
        encoder = Frames(FramesSettings(tokens=tokens, frames=4), "hog")
        values, _ = encoder.encode(encoder.collate([encoder.prepare(film) for film in odd_films]))
        assert np.isfinite(values).all()
        assert np.abs(values).max() < 1000


def test_the_compiled_runtime_runs_it(tiny: None, moving: Callable[..., Film]) -> None:
    pytest.importorskip("openvino")
    encoder = Frames(FramesSettings(frames=3), "tiny")
    batch = encoder.collate([encoder.prepare(moving(motion)) for motion in ("left", "up")])
    compiled = compile_encoder(encoder)
    values, _ = compiled.encode(batch)
    assert compiled.name == "openvino"
    np.testing.assert_allclose(values, encoder.encode(batch)[0], atol=2e-2)


def test_the_image_encoder_is_found_by_name_and_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(Frames(FramesSettings(image="hog")).inner, Hog)
    assert isinstance(Frames(FramesSettings(), "image/hog").inner, Hog)
    assert Frames(FramesSettings(image="hog")).fingerprint() != Frames(FramesSettings(image="hog", frames=4)).fingerprint()
    monkeypatch.setattr(_inner, "missing_packages", lambda extra: (extra,) if extra else ())
    assert isinstance(Frames(FramesSettings()).inner, Hog), "without the packages of any other, the one that needs none"
    with pytest.raises(UsageError, match="two image encoders: 'hog' after the colon, and 'resnet18'"):
        Frames(FramesSettings(image="resnet18"), "hog")
    with pytest.raises(UsageError, match="'image/cnn' is learned"):
        Frames(FramesSettings(), "cnn")
    with pytest.raises(UnknownName, match="hogg"):
        Frames(FramesSettings(), "hogg")


def test_the_default_is_that_of_pictures() -> None:
    try:
        encoder = Frames(FramesSettings())
    except MissingExtra:
        pytest.skip("the weights are not installed")
    assert {"frozen"} <= set(ENCODERS.card(f"image/{type(encoder.inner).__module__.rpartition('.')[2]}").claims)
    assert encoder.origin() == encoder.inner.origin()
