"""Gradients of learned encoders: they find the planted cue, add up to what they should, and hang on the weights."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from scipy.special import logit, softmax
from scipy.stats import spearmanr
from torch import Tensor, nn

import consilience
from consilience.core.errors import UnknownName, UsageError
from consilience.data.kinds import Cells
from consilience.data.kinds.image import ImageKind
from consilience.data.table import read_table
from consilience.encoders.image.cnn import Cnn
from consilience.judge.explain import CellGame, ExplainedCell, deletion_curve, explain_row, insertion_curve, outcome_of
from consilience.judge.explain._gradients import explain_by_slope, sloped_slots
from consilience.judge.explain._in_image import ImageAnatomy
from consilience.judge.explain._maps import Canvas, map_layer
from consilience.judge.explain._tokens import Words, table_of
from consilience.learn.learners._built import FittedNetworks
from consilience.learn.learners.network import NetworkSettings
from consilience.learn.training.loop import TrainingSettings
from consilience.model import Network
from consilience.pipeline.fitted import Pipeline, Scored
from consilience.report._words import words_for
from consilience.report.explanation import render_explanation

from .conftest import mixed_frame
from .test_explain_planted import is_cue, picture, words

NEW = 12
MAKE = {"image": picture, "text": words}
ENCODERS = {
    "cnn": ("image", "cnn{size: 24, width: 16, augment: none}", "grad-cam"),
    "gcn": ("image", "gcn{size: 24, patch: 4, hidden: 16, width: 16, layers: 2, augment: none}", "integrated gradients"),
    "gru": ("text", "gru{width: 16}", "integrated gradients"),
    "transformer": ("text", "transformer{width: 16, layers: 1}", "integrated gradients"),
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Twenty epochs instead of forty."""
    field = NetworkSettings.model_fields["training"]
    before, field.default = field.default, TrainingSettings(epochs=20, batch_size=12, learning_rate=6e-3)
    NetworkSettings.model_rebuild(force=True)
    yield
    field.default = before
    NetworkSettings.model_rebuild(force=True)


def frame(kind: str, rows: int, seed: int) -> pl.DataFrame:
    dice = np.random.default_rng(seed)
    cues = np.arange(rows) % 2 == 0
    return pl.DataFrame({"label": np.where(cues, "yes", "no"), "cell": [MAKE[kind](bool(cue), dice) for cue in cues]})


def fit(kind: str, encoder: str, folder: Path, **more: Any) -> consilience.Model:
    settings = {"target": "label", "kinds": {"cell": kind}, "encoders": {kind: encoder}, **more}
    known = {"valid": frame(kind, 24, 2), "valid_only": True}  # one split
    return consilience.fit(frame(kind, 60, 0), learners=["network"], presets="fast", cache=folder, progress=False, **known, **settings)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow) if name == "transformer" else name for name in ENCODERS])
def learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, consilience.Model]:
    kind, encoder, method = ENCODERS[request.param]
    return kind, method, fit(kind, encoder, tmp_path_factory.mktemp("learned"))


def explained(model: consilience.Model, kind: str, row: int, **more: Any) -> ExplainedCell:
    (cell,) = explain_row(model.pipeline, read_table(frame(kind, NEW, 1)), row, nearest=0, **{"method": "gradients", **more}).cells
    return cell


def game_of(model: consilience.Model, kind: str, row: int) -> CellGame:
    scored = model.pipeline.score(read_table(frame(kind, NEW, 1))).take(np.array([row]))
    return CellGame(model.pipeline, scored, "cell", outcome_of(model.pipeline.task, scored))


def test_the_cue_comes_first(learned: tuple[str, str, consilience.Model]) -> None:
    kind, method, model = learned
    assert model.evaluate(frame(kind, NEW, 1))["metrics"]["accuracy"]["value"] == 1
    for row in (0, 2):
        cell = explained(model, kind, row)
        assert cell.method == method
        assert is_cue(kind, cell.pieces[0].where), [(piece.name, piece.weight) for piece in cell.pieces[:4]]
        assert cell.pieces[0].weight > 0
        assert cell.whole == pytest.approx(sum(piece.weight for piece in cell.pieces))
        assert json.loads(json.dumps(cell.as_dict(), allow_nan=False))["method"] == method
        if method == "grad-cam":
            assert cell.whole == pytest.approx(1)
            assert min(piece.weight for piece in cell.pieces) >= 0


def test_integrated_gradients_are_complete(learned: tuple[str, str, consilience.Model]) -> None:
    """They sum to what the model says of the cell less what it says of the baseline, both asked for in the usual way."""
    kind, method, model = learned
    if method != "integrated gradients":
        pytest.skip("Grad-CAM promises no sum.")
    for row in (0, 1, 2):
        game = game_of(model, kind, row)
        found = explain_by_slope(game, sloped_slots(model.pipeline)["cell"])
        full = odds(model, game.scored, game.outcome.place)
        if kind == "image":
            paint = game.anatomy.masked(np.zeros(game.atoms, dtype=bool))
            nothing = odds(model, model.pipeline.score(read_table(pl.DataFrame({"cell": [png(paint)]}))), game.outcome.place)
        else:
            tables = [table_of(network.encoders[0]) for network in networks_of(model)]
            before = [table.weight.detach().clone() for table in tables]
            with torch.no_grad():
                for table in tables:
                    table.weight.zero_()
                nothing = odds(model, game.scored, game.outcome.place)
                for table, old in zip(tables, before, strict=True):
                    table.weight.copy_(old)
        assert found.weights.sum() == pytest.approx(full - nothing, rel=0.05, abs=0.01)
        assert row == 1 or found.weights.sum() > 0.5  # the cue is what the baseline lacks
        assert found.whole == pytest.approx(found.weights.sum())


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def odds(model: consilience.Model, scored: Scored, place: int) -> float:
    """Log-odds that the candidate itself gives to a class."""
    ((member, modalities),) = model.pipeline.model.members.values()
    (shares,) = softmax(member.predict(scored.examples.only(modalities, member.whole)), axis=1)
    return float(logit(shares[place]))


def networks_of(model: consilience.Model) -> list[Network]:
    ((member, _),) = model.pipeline.model.members.values()
    assert isinstance(member, FittedNetworks)
    return member.networks


@contextmanager
def random_weights(model: consilience.Model, seed: int) -> Iterator[None]:
    """Every layer as before any training, inside the block."""
    networks = networks_of(model)
    before = [{name: value.clone() for name, value in network.state_dict().items()} for network in networks]
    torch.manual_seed(seed)
    for module in (module for network in networks for module in network.modules()):
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    yield
    for network, old in zip(networks, before, strict=True):
        network.load_state_dict(old)


def test_random_weights_change_the_map(learned: tuple[str, str, consilience.Model]) -> None:
    """Adebayo et al. (2018)."""
    kind, _, model = learned
    slot = sloped_slots(model.pipeline)["cell"]
    alike, again = [], []
    for row in (0, 2):
        game = game_of(model, kind, row)
        wanted = explain_by_slope(game, slot).weights
        for seed in range(3):
            with random_weights(model, seed):
                other = explain_by_slope(game, slot).weights
            alike.append(spearmanr(wanted, other).statistic if np.ptp(other) > 0 else 0.0)
        again.append(spearmanr(wanted, explain_by_slope(game, slot).weights).statistic)
    assert np.mean(alike) < 0.6
    assert again == pytest.approx([1, 1])


def test_curves_beat_random_orders(learned: tuple[str, str, consilience.Model]) -> None:
    kind, _, model = learned
    dice = np.random.default_rng(0)
    gone, back, by_chance, back_by_chance = [], [], [], []
    for row in (0, 2, 4):
        game, weights = game_of(model, kind, row), explained(model, kind, row).atom_weights()
        gone.append(deletion_curve(game, weights, steps=8).area)
        back.append(insertion_curve(game, weights, steps=8).area)
        for _ in range(3):
            order = dice.random(game.atoms)
            by_chance.append(deletion_curve(game, order, steps=8).area)
            back_by_chance.append(insertion_curve(game, order, steps=8).area)
    assert np.mean(gone) < np.mean(by_chance) - 0.05
    assert np.mean(back) > np.mean(back_by_chance) + 0.05


def test_only_networks_of_convolutions_have_a_map() -> None:
    """The map is the last one as large as the last convolution's, with its norm and rectifier; a network that begins with patches has none."""

    class Picture(nn.Module):
        def __init__(self, backbone: nn.Module) -> None:
            super().__init__()
            self.backbone = backbone

        def forward(self, pixels: Tensor) -> Tensor:
            made = self.backbone(pixels)
            return made.flatten(2).transpose(1, 2) if made.ndim == 4 else made

    first = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    deep = Picture(nn.Sequential(*first, nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1)))
    assert map_layer(deep.eval(), lambda: deep(torch.zeros(1, 3, 16, 16))) == "backbone.5"
    tokens = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.Flatten(2), *[nn.Linear(16, 16) for _ in range(6)])
    vision = Picture(tokens)
    assert map_layer(vision, lambda: vision(torch.zeros(1, 3, 16, 16))) is None
    # One rectifier that runs twice gives two maps, so the one before it is taken.
    again = nn.ReLU()
    twice = Picture(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), again, nn.Conv2d(4, 4, 3, padding=1), again))
    assert map_layer(twice, lambda: twice(torch.zeros(1, 3, 16, 16))) in ("backbone.2", "backbone")


@pytest.mark.parametrize("fit_as", ["squash", "crop", "pad"])
def test_pixels_find_their_patches_however_the_picture_is_read(fit_as: str) -> None:
    wide = np.zeros((24, 48, 3), dtype=np.uint8)
    encoder = Cnn(Cnn.Settings(size=24, fit=fit_as))
    values = np.empty(1, dtype=object)
    values[0] = wide
    game = Mock(anatomy=ImageAnatomy(wide, np.random.default_rng(0)), atoms=64, column="p")
    game.scored.dataset.cells = {"p": Cells("p", ImageKind(), values, np.ones(1, dtype=bool))}
    canvas = Canvas(game, encoder)
    by_atom = canvas.by_atom(np.ones((24, 24), dtype=np.float32)).reshape(8, 8)
    # All pixels belong to patches, but for the bars of a padded picture; what is cut off has none.
    assert by_atom.sum() == pytest.approx({"squash": 576, "crop": 576, "pad": 288}[fit_as], rel=0.02)
    if fit_as == "crop":
        assert by_atom[:, [0, 1, 6, 7]].sum() == 0
    spot = np.zeros((24, 24), dtype=np.float32)
    spot[23 if fit_as != "pad" else 17, 23] = 1
    down, across = divmod(int(canvas.by_atom(spot).argmax()), 8)
    assert (down, across) == (7, 5 if fit_as == "crop" else 7)


def test_tokens_find_their_words(learned: tuple[str, str, consilience.Model]) -> None:
    kind, _, model = learned
    if kind != "text":
        pytest.skip("Pictures have no words.")
    text = pl.DataFrame({"cell": ["zebra qqqq, the unheardof (door)"]})
    scored = model.pipeline.score(read_table(text))
    game = CellGame(model.pipeline, scored, "cell", outcome_of(model.pipeline.task, scored))
    (part,) = scored.examples.prepared
    owner = Words(game, part.encoder).owner(part.arrays["ids"].shape[1]).tolist()
    names = [game.anatomy.place(np.array([atom]))[0] for atom in owner]
    assert names == sorted(names, key=names.index)
    assert {"zebra", "qqqq", "the", "unheardof", "door"} <= set(names)
    assert names.count("zebra") == names.count("the") == 1
    assert names.count("unheardof") > 1


def test_where_there_are_no_gradients_it_is_said(pipeline: Pipeline, tmp_path: Path) -> None:
    table = read_table(mixed_frame(tmp_path, 3, 3))
    with pytest.raises(UsageError, match=r"no gradients to explain with: the candidate 'linear.* is no network. Use --method occlusion"):
        explain_row(pipeline, table, 0, method="gradients")
    with pytest.raises(UnknownName, match="no method 'slopes'"):
        explain_row(pipeline, table, 0, method="slopes")  # type: ignore[arg-type]
    assert {cell.method for cell in explain_row(pipeline, table, 0, evaluations=16, nearest=0).cells} == {"occlusion"}
    model = fit("text", ENCODERS["gru"][1], tmp_path / "cache")
    ((member, _),) = model.pipeline.model.members.values()
    member.slots = [slot._replace(width=16) for slot in member.slots]  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"learned no encoder of pictures or text itself; it sees cell:gru"):
        explain_row(model.pipeline, read_table(frame("text", 2, 1)), 0, method="gradients")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_how_it_was_found(learned: tuple[str, str, consilience.Model], language: str) -> None:
    kind, method, model = learned
    found = explain_row(model.pipeline, read_table(frame(kind, NEW, 1)), 0, nearest=0, method="gradients")
    page = render_explanation(model.pipeline, found, language=language)
    said = {
        ("grad-cam", "en"): "Found by Grad-CAM",
        ("grad-cam", "zh"): "由 Grad-CAM",
        ("integrated gradients", "en"): "Found by integrated gradients",
        ("integrated gradients", "zh"): "由积分梯度",
    }
    assert said[method, language] in page
    assert "masks were tried" not in page
    assert "种遮挡" not in page


def test_the_chinese_page_has_no_english_modality_and_no_english_note(pipeline: Pipeline, tmp_path: Path) -> None:
    found = explain_row(pipeline, read_table(mixed_frame(tmp_path, 3, 3)), 0, evaluations=16, nearest=0)
    names = [one.name for one in found.modalities]
    cells = (ExplainedCell("nothing", "text", False, note="Nothing in it changes the answer.", method="integrated gradients"), *found.cells)
    page = render_explanation(pipeline, replace(found, cells=cells), language="zh")
    assert "按梯度来看" in page
    assert "Nothing in it" not in page
    assert (found.source, "the table" in page, "该表" in page) == ("the table", False, True)
    chinese = words_for("zh")
    assert names
    for name in names:
        assert f">{chinese.modality(name)}<" in page
        assert f">{name}<" not in page
