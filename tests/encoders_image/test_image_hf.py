"""Tiny models built from a configuration and saved into folders; nothing is fetched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import MissingExtra, OfflineError, UsageError
from consilience.encoders.image._hf_processor import read_processor
from consilience.encoders.image.hf import Hf, HfSettings

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TRANSFORMER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "image_size": 32, "patch_size": 8}
BUILDS: dict[str, Callable[[], Any]] = {
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**TRANSFORMER)),
    "dinov2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**{**TRANSFORMER, "mlp_ratio": 2})),
    "resnet": lambda: transformers.ResNetModel(
        transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_channels=3)
    ),
    "mobilenet_v2": lambda: transformers.MobileNetV2Model(transformers.MobileNetV2Config(depth_multiplier=0.25, image_size=32)),
    "convnext": lambda: transformers.ConvNextModel(transformers.ConvNextConfig(hidden_sizes=[8, 16, 16, 24], depths=[1, 1, 1, 1], image_size=32)),
    "clip": lambda: transformers.CLIPModel(
        transformers.CLIPConfig(
            vision_config={**TRANSFORMER, "projection_dim": 16},
            text_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 64},
            projection_dim=16,
        )
    ),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def saved(name: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"hf-{name}"
        if not folder.exists():
            torch.manual_seed(1)
            BUILDS[name]().save_pretrained(folder)
            (folder / "preprocessor_config.json").write_text(
                json.dumps({"size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "resample": 2})
            )
        return folder

    return saved


@pytest.fixture
def folder(models: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the tiny ViT that a test may change."""
    return Path(shutil.copytree(models("vit"), tmp_path / "vit"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIENCE_OFFLINE", "1")


def hf(folder: Path | str, **settings: Any) -> Hf:
    return Hf(HfSettings(**settings), str(folder))


def vector(encoder: Hf, cell: np.ndarray) -> Any:
    return encoder.encode(encoder.collate([encoder.prepare(cell)]))[0][0]


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_contract(name: str, models: Callable[[str], Path], odd_pictures: list[np.ndarray], alone: Callable[..., None]) -> None:
    encoder = hf(models(name))
    alone(encoder, odd_pictures)
    assert vector(encoder, odd_pictures[4]).shape == (1, encoder.width)
    assert str(models(name)) in encoder.origin()


def test_the_pooler_is_the_models_own_and_the_processor_is_followed(models: Callable[[str], Path], picture: Callable[..., np.ndarray]) -> None:
    encoder = hf(models("vit"), fit="squash")
    cell = picture(32, 32)
    pixels = (torch.from_numpy(cell).permute(2, 0, 1)[None] / 255 - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.3, 0.4])[
        :, None, None
    ]
    with torch.inference_mode():
        out = transformers.ViTModel.from_pretrained(models("vit")).eval()(pixels)
    np.testing.assert_allclose(vector(encoder, cell)[0], out.pooler_output[0].numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(vector(hf(models("vit"), pool="mean"), cell)[0], out.last_hidden_state[0].mean(dim=0).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(vector(hf(models("vit"), pool="first"), cell)[0], out.last_hidden_state[0, 0].numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(vector(hf(models("vit"), pool="tokens"), cell), out.last_hidden_state[0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_map_of_a_convolutional_network_becomes_tokens_row_by_row(models: Callable[[str], Path], picture: Callable[..., np.ndarray]) -> None:
    cell = picture(32, 32)
    tokens = vector(hf(models("resnet"), pool="tokens"), cell)
    assert tokens.shape[1] == 16
    assert len(tokens) > 1
    np.testing.assert_allclose(tokens.mean(axis=0), vector(hf(models("resnet")), cell)[0], rtol=1e-4, atol=1e-5)


def test_an_untrained_pooler_is_not_used(folder: Path, tmp_path: Path, picture: Callable[..., np.ndarray]) -> None:
    bare = tmp_path / "bare"
    transformers.ViTModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(bare)
    cell = picture(32, 32)
    np.testing.assert_allclose(vector(hf(bare), cell), vector(hf(bare, pool="mean"), cell))
    with pytest.raises(UsageError, match="no trained pooler"):
        hf(bare, pool="pooler").build()


def test_another_size_than_the_models(models: Callable[[str], Path], picture: Callable[..., np.ndarray]) -> None:
    encoder = hf(models("vit"), size=48)
    assert encoder.prepare(picture(9, 9))["pixels"].shape == (3, 48, 48)
    assert vector(encoder, picture(9, 9)).shape == (1, 32)


def test_fingerprint_follows_the_weights_and_settings_not_the_path(folder: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    assert hf(folder).fingerprint() == hf(moved).fingerprint() == Hf(HfSettings(weights=moved), "owner/model").fingerprint()
    prints = {
        hf(folder, **given).fingerprint()
        for given in ({}, {"pool": "mean"}, {"size": 64}, {"fit": "pad"}, {"mean": (0, 0, 0)}, {"pretrained": False})
    }
    assert len(prints) == 6
    before = hf(moved).fingerprint()
    (moved / "preprocessor_config.json").write_text(json.dumps({"size": 32, "image_mean": [0.1, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}))
    changed = hf(moved).fingerprint()
    torch.manual_seed(2)
    BUILDS["vit"]().save_pretrained(moved)
    assert len({before, changed, hf(moved).fingerprint()}) == 3


def test_random_weights_from_a_configuration(folder: Path, picture: Callable[..., np.ndarray]) -> None:
    (folder / "model.safetensors").unlink()
    first, second = hf(folder, pretrained=False), hf(folder, pretrained=False)
    np.testing.assert_array_equal(vector(first, picture(20, 30)), vector(second, picture(20, 30)))
    assert "not pretrained" in first.origin()


def test_only_safetensors(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"safetensors only.*pytorch_model\.bin"):
        hf(folder).fingerprint()


def test_weights_of_another_model_are_refused(folder: Path, models: Callable[[str], Path]) -> None:
    shutil.copy(models("dinov2") / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(UsageError, match="hf:"):
        hf(folder).build()


def test_a_damaged_file_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not a tensor in here")
    with pytest.raises(UsageError, match="cannot load"):
        hf(folder).build()


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "mine", "auto_map": {"AutoModel": "mine.Mine", "AutoConfig": "mine.Config"}})
    )
    (folder / "mine.py").write_text("raise SystemExit('this must not run')")
    with pytest.raises(UsageError, match="cannot load"):
        hf(folder).build()


def test_a_model_of_text_is_refused(tmp_path: Path) -> None:
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=32)
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(UsageError, match="does not take pictures"):
        hf(tmp_path / "bert").build()


def test_names_that_cannot_be(tmp_path: Path) -> None:
    for name in (tmp_path / "nothing", "./nothing", "a b/c"):
        with pytest.raises(UsageError):
            hf(name).fingerprint()
    with pytest.raises(UsageError, match="needs a name"):
        hf("").fingerprint()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"config\.json"):
        hf(tmp_path / "empty").fingerprint()
    (tmp_path / "empty" / "config.json").write_text("{")
    with pytest.raises(UsageError, match="not JSON"):
        hf(tmp_path / "empty").fingerprint()


@pytest.mark.parametrize("word", ["CONSILIENCE_OFFLINE", "HF_HUB_OFFLINE"])
def test_nothing_is_fetched_offline(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONSILIENCE_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(word, "1")
    asked = watch_hub(monkeypatch)
    with pytest.raises(OfflineError, match=r"nobody/nothing.*local folder"):
        hf("nobody/nothing").fingerprint()
    assert asked == [True], "only the local cache may be asked"


def test_a_fetch_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONSILIENCE_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    asked = watch_hub(monkeypatch)
    with pytest.raises(OfflineError, match=r"could not fetch 'nobody/nothing': the line is dead"):
        hf("nobody/nothing").fingerprint()
    assert asked == [True, False]


def watch_hub(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A hub without a cache and without a network; gives the list of what was asked (True: the cache only)."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked: list[bool] = []

    def download(name: str, allow_patterns: list[str], local_files_only: bool = False) -> str:
        asked.append(local_files_only)
        if local_files_only:
            raise LocalEntryNotFoundError("not in the cache")
        raise ConnectionError("the line is dead\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return asked


def test_a_fetched_folder_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., np.ndarray]) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(folder))
    encoder = hf("owner/model")
    np.testing.assert_array_equal(vector(encoder, picture(8, 8)), vector(hf(folder), picture(8, 8)))
    assert "Hugging Face hub" in encoder.origin()
    assert encoder.fingerprint() == hf(folder).fingerprint()


def test_without_transformers_it_says_which_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.encoders.image._weights.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"consilience\[hf\]"):
        hf(folder).fingerprint()


def test_the_persons_own_settings_of_transformers_stay(folder: Path) -> None:
    from transformers.utils import logging

    before = (logging.is_progress_bar_enabled(), logging.get_verbosity())
    hf(folder).build()
    assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == before


@pytest.mark.filterwarnings("ignore")  # the converter traces, and tracing warns in three ways
@pytest.mark.parametrize("name", ["vit", "resnet"])
def test_it_converts_to_the_compiled_runtime(name: str, models: Callable[[str], Path], odd_pictures: list[np.ndarray]) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    encoder = hf(models(name))
    batch = encoder.collate([encoder.prepare(cell) for cell in odd_pictures])
    wanted, _ = encoder.encode(batch)
    shape = openvino.PartialShape([-1, *batch["pixels"].shape[1:]])
    converted = openvino.convert_model(encoder.module, example_input=torch.from_numpy(batch["pixels"]), input=[shape])
    compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for count in (1, 5):
        assert np.abs(compiled(batch["pixels"][:count])[0] - wanted[:count]).max() <= 1e-3 * np.abs(wanted).max()


def write(folder: Path, name: str, value: object) -> Path:
    (folder / name).write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    ("said", "size", "mean", "std"),
    [
        ({"size": 40}, 40, 0.485, 0.229),
        ({"size": {"shortest_edge": 48}, "crop_size": {"height": 40, "width": 40}, "do_center_crop": True}, 40, 0.485, 0.229),
        ({"size": {"shortest_edge": 48}, "crop_size": {"height": 40, "width": 40}, "do_center_crop": False}, 48, 0.485, 0.229),
        ({"size": 40, "do_normalize": False}, 40, 0.0, 1.0),
        ({"size": 40, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 127.5}, 40, 0.25, 0.25),
        ({"size": 40, "image_mean": [127.5] * 3, "image_std": [127.5] * 3, "do_rescale": False}, 40, 0.5, 0.5),
    ],
)
def test_processor_files(tmp_path: Path, said: dict[str, Any], size: int, mean: float, std: float) -> None:
    seen = read_processor(write(tmp_path, "preprocessor_config.json", said), {"image_size": 77})
    assert seen.size == size
    assert [seen.mean[0], seen.std[0]] == pytest.approx([mean, std])


def test_without_a_processor_file(tmp_path: Path) -> None:
    assert read_processor(tmp_path, {"image_size": 77}).size == 77
    assert read_processor(None, {"vision_config": {"image_size": 66}}).size == 66
    assert read_processor(None, {}).size == 224
    assert read_processor(write(tmp_path, "processor_config.json", {"image_processor": {"size": {"height": 55, "width": 55}}}), {}).size == 55
