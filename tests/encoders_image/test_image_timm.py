from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import MissingExtra, OfflineError, UsageError
from consilience.encoders.image._torchvision import torchvision_or_stand_in
from consilience.encoders.image.timm import Timm

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
NAME = "vit_tiny_patch16_224"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIENCE_OFFLINE", "1")


def timm(name: str = "resnet18", **settings: Any) -> Timm:
    return Timm(Timm.Settings(**settings), name)


def vector(encoder: Timm, cell: np.ndarray) -> Any:
    return encoder.encode(encoder.collate([encoder.prepare(cell)]))[0][0]


def save(path: Path, name: str, drop: str = "", **options: Any) -> Any:
    """Random weights of a timm model as a file; gives the model."""
    from safetensors.torch import save_file

    with torchvision_or_stand_in():
        import timm as library
    torch.manual_seed(5)
    model = library.create_model(name, **options)
    save_file({key: value for key, value in model.state_dict().items() if not drop or drop not in key}, path)
    return model.eval()


@needs_timm
@pytest.mark.parametrize(("name", "width"), [("resnet18", 512), (NAME, 192), ("mobilenetv2_100", 1280)])
def test_contract(name: str, width: int, odd_pictures: list[np.ndarray], alone: Callable[..., None]) -> None:
    encoder = timm(name, pretrained=False, size=32)
    alone(encoder, odd_pictures)
    assert encoder.width == width
    assert "not pretrained" in encoder.origin()
    assert "torchvision" not in sys.modules or importlib.util.find_spec("torchvision") is not None


@needs_timm
def test_weights_from_a_file_give_the_models_own_features(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    model = save(tmp_path / "some.safetensors", "resnet18")
    cell = picture(64, 64)
    encoder = timm("resnet18", weights=tmp_path / "some.safetensors", size=64)
    pixels = (torch.from_numpy(cell).permute(2, 0, 1)[None] / 255 - torch.tensor(encoder.network.mean)[:, None, None]) / torch.tensor(
        encoder.network.std
    )[:, None, None]
    with torch.inference_mode():
        wanted = model.forward_head(model.forward_features(pixels), pre_logits=True)
    np.testing.assert_allclose(vector(encoder, cell), wanted.numpy(), rtol=1e-3, atol=1e-4)
    assert "some.safetensors" in encoder.origin()


@needs_timm
def test_a_folder_as_timm_writes_it_and_its_fingerprint(tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    save(tmp_path / "model.safetensors", "resnet18", num_classes=7)
    (tmp_path / "config.json").write_text(
        json.dumps(
            {
                "architecture": "resnet18",
                "num_classes": 7,
                "pretrained_cfg": {"input_size": [3, 48, 48], "mean": [0.1, 0.2, 0.3], "interpolation": "bilinear"},
            }
        )
    )
    encoder = timm(str(tmp_path))
    assert encoder.size == 48
    assert encoder.network.mean == (0.1, 0.2, 0.3)
    assert encoder.network.smooth == "bilinear"
    assert vector(encoder, picture(20, 20)).shape == (1, 512)
    assert encoder.fingerprint() == timm("resnet18", weights=tmp_path).fingerprint()
    prints = {
        timm("resnet18", weights=tmp_path, **given).fingerprint()
        for given in ({}, {"size": 32}, {"grey": True}, {"std": (1, 1, 1)}, {"pretrained": False})
    }
    assert len(prints) == 5
    save(tmp_path / "model.safetensors", "resnet18", drop="fc")
    assert timm(str(tmp_path)).fingerprint() not in prints


@needs_timm
def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "other.safetensors", NAME)
    with pytest.raises(UsageError, match="lack"):
        timm("resnet18", weights=tmp_path / "other.safetensors").build()
    (tmp_path / "broken.safetensors").write_bytes(b"no tensor here at all")
    with pytest.raises(UsageError, match="do not fit"):
        timm("resnet18", weights=tmp_path / "broken.safetensors").build()
    save(tmp_path / "part.safetensors", "resnet18", drop="layer4.1.bn2")
    with pytest.raises(UsageError, match=r"layer4\.1\.bn2"):
        timm("resnet18", weights=tmp_path / "part.safetensors").build()


@needs_timm
def test_only_safetensors(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "weights.pth")
    for place in (tmp_path / "weights.pth", tmp_path, tmp_path / "gone.safetensors"):
        with pytest.raises(UsageError):
            timm("resnet18", weights=place).fingerprint()


@needs_timm
def test_names_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def nothing(name: str, **options: Any) -> str:
        assert options["local_files_only"], "the network was asked"
        raise LocalEntryNotFoundError(name)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nothing)
    with pytest.raises(OfflineError, match="local folder"):
        timm("resnet18").fingerprint()
    with pytest.raises(UsageError, match="Did you mean resnet18"):
        timm("resnet_18").fingerprint()
    with pytest.raises(UsageError, match=r"resnet18\.a1_in1k"):
        timm("resnet18.nothing").fingerprint()


def test_no_name() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        timm("").fingerprint()


def test_without_timm_it_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.encoders.image._weights.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"consilience\[timm\]"):
        timm().fingerprint()


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="the real torchvision is installed")
def test_the_stand_in_is_there_only_inside() -> None:
    finders = list(sys.meta_path)
    with torchvision_or_stand_in() as real:
        assert real is False
        from torchvision.ops.misc import FrozenBatchNorm2d
        from torchvision.transforms.functional import InterpolationMode

        assert isinstance(FrozenBatchNorm2d, type)
        assert not isinstance(torch.nn.Linear(1, 1), FrozenBatchNorm2d)
        assert len({InterpolationMode.NEAREST, InterpolationMode.BICUBIC}) == 2
    assert sys.meta_path == finders
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
    with pytest.raises(ImportError):
        importlib.import_module("torchvision")


def test_a_real_torchvision_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("real = True")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with torchvision_or_stand_in() as real:
        assert real is True
    assert sys.modules["torchvision"].real
    del sys.modules["torchvision"]


def test_a_broken_torchvision_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "part.py").write_text("")
    (tmp_path / "torchvision" / "__init__.py").write_text("import torchvision.part\nraise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    with torchvision_or_stand_in() as real:
        assert real is False
        assert importlib.import_module("torchvision.transforms").Compose
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
