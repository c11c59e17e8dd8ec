from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import OfflineError, UsageError
from consilience.core.settings import parse_settings
from consilience.encoders import ENCODERS

WIDTHS = {"resnet18": 512, "resnet50": 2048, "mobilenet_v2": 1280, "vit_small": 384, "vgg16": 512}
NAMED = sorted(set(WIDTHS) - {"vgg16"})
IMAGE = sorted(key for key in ENCODERS if key.startswith("image/"))

pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIENCE_OFFLINE", "1")


def make(key: str, **settings: Any) -> Any:
    cls = ENCODERS.get(f"image/{key}")
    return cls(parse_settings(cls.Settings, settings, key))


@pytest.mark.parametrize("key", sorted(WIDTHS))
def test_contract(key: str, odd_pictures: list[np.ndarray], alone: Callable[..., None]) -> None:
    encoder = make(key, pretrained=False, size=32, **({} if key == "vgg16" else {"library": "hf"}))
    alone(encoder, odd_pictures)
    assert encoder.width == WIDTHS[key]
    assert encoder.image_size == 40
    assert "not pretrained" in encoder.origin()


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
def test_timm_gives_the_same_width(key: str, picture: Callable[..., np.ndarray]) -> None:
    encoder = make(key, pretrained=False, size=32)
    values, _ = encoder.encode(encoder.collate([encoder.prepare(picture(20, 30))]))
    assert values.shape == (1, 1, WIDTHS[key])
    assert "timm" in encoder.origin()
    assert encoder.fingerprint() != make(key, pretrained=False, size=32, library="hf").fingerprint()


def test_a_folder_of_transformers(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    import transformers

    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    encoder = make("resnet18", weights=tmp_path, size=32)
    values, _ = encoder.encode(encoder.collate([encoder.prepare(picture(20, 30))]))
    assert values.shape == (1, 1, 16)
    assert str(tmp_path) in encoder.origin()


def test_vgg16_reads_a_file_and_checks_it(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    from safetensors.torch import save_file

    from consilience.encoders.image._vgg import make as network

    model: Any = network(None, "a test").model
    tensors = {f"features.{key}": value * 0.5 for key, value in model.state_dict().items()}
    save_file({**tensors, "head.fc.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    plain, read = make("vgg16", pretrained=False, size=32), make("vgg16", weights=tmp_path, size=32)
    batch = plain.collate([plain.prepare(picture(40, 40))])
    assert not np.allclose(plain.encode(batch)[0], read.encode(batch)[0])
    torch.testing.assert_close(read.module.backbone.model.state_dict()["0.weight"], tensors["features.0.weight"])
    assert read.fingerprint() == make("vgg16", weights=tmp_path / "model.safetensors", size=32).fingerprint() != plain.fingerprint()
    del tensors["features.28.bias"]
    save_file(tensors, tmp_path / "less.safetensors")
    with pytest.raises(UsageError, match=r"28\.bias"):
        make("vgg16", weights=tmp_path / "less.safetensors").build()
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    with pytest.raises(UsageError, match="do not fit"):
        make("vgg16", weights=tmp_path / "broken.safetensors").build()


@pytest.mark.parametrize("key", sorted(WIDTHS))
def test_offline_it_says_what_to_do(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def nothing(name: str, **options: Any) -> str:
        assert options["local_files_only"], "the network was asked"
        raise LocalEntryNotFoundError(name)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nothing)
    with pytest.raises(OfflineError, match="local folder"):
        make(key).fingerprint()


@pytest.mark.parametrize("key", IMAGE)
def test_cards_and_docstrings(key: str) -> None:
    card, cls = ENCODERS.card(key), ENCODERS.get(key)
    assert card.summary.endswith(".")
    assert card.source
    assert set(card.claims) & {"frozen", "trained"}
    assert cls.__doc__
    assert "Shape:" in cls.__doc__


def test_asking_for_a_class_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    keys = [key for key in IMAGE if "trained" not in ENCODERS.card(key).claims and key != "image/own"]
    code = f"""
import sys
from consilience.encoders import ENCODERS
for key in {keys}:
    cls = ENCODERS.get(key)
    cls(cls.Settings(), "resnet18") if "weights" != ENCODERS.card(key).extra else None
print([name for name in ("torch", "timm", "transformers", "torchvision", "huggingface_hub") if name in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.stdout.strip() == "[]", out.stdout + out.stderr
