"""Networks learn something from cells without labels, and what is hidden is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.budget import Budget
from consilience.core.errors import DataError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.encoders import TrainedEncoder
from consilience.encoders._own import inner_encoder
from consilience.learn.training import pretraining
from consilience.learn.training._decoders import form_of
from consilience.learn.training._objectives import Contrast, Rebuild, Words
from consilience.learn.training.loop import TrainingSettings
from consilience.learn.training.pretraining import Rows, drawn, pretrain, read_for, settle, still
from consilience.testing._fake_audio import fake_audio_column
from consilience.testing._fake_graph import fake_graph_column
from consilience.testing._fake_points import fake_points_column
from consilience.testing._fake_series import fake_series_column
from consilience.testing._fake_video import fake_video_column
from consilience.testing.fakes import fake_columns

SETTINGS = TrainingSettings(epochs=8, batch_size=16, learning_rate=5e-3, patience=8)
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "audio": ("audio/melcnn", {"width": 16, "channels": 8}),
    "graph": ("graph/gin", {"width": 16, "hidden": 16, "layers": 1}),
    "image": ("image/film", {"width": 16, "channels": 8, "size": 16, "blocks": 1}),
    "points": ("points/pointnet", {"width": 16, "filters": 4}),
    "series": ("series/tcn", {"width": 16, "filters": 8, "blocks": 1}),
    "text": ("text/gru", {"width": 32}),
    "video": ("video/cnn3d", {"width": 16, "size": 16, "frames": 4}),
}
COLUMNS: dict[str, Callable[..., Any]] = {
    "audio": fake_audio_column,
    "graph": fake_graph_column,
    "points": fake_points_column,
    "series": fake_series_column,
    "video": fake_video_column,
}


@pytest.fixture(scope="module", autouse=True)
def one() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def column(modality: str, rows: int = 60) -> dict[str, Cells]:
    if modality not in COLUMNS:
        return fake_columns(modality, rows)
    pytest.importorskip({"audio": "soundfile", "video": "av"}.get(modality, "numpy"))
    kind = KINDS.get(modality)()
    parsed = kind.parse(COLUMNS[modality](rows=rows))
    return {modality: Cells(modality, kind, parsed.values, parsed.present)}


def data(modality: str, objective: str = "autoencoder", rows: int = 60, **more: Any) -> tuple[TrainedEncoder, Rows, Rows]:
    """An encoder, rows to learn from, and rows that are held out."""
    ((name, cells),) = column(modality, rows).items()
    key, settings = SMALL[modality]
    bare = inner_encoder(key, {**settings, **more})
    encoder = inner_encoder(key, read_for(bare.settings, objective, key).model_dump())
    cells = cells.take(np.flatnonzero(cells.present))
    encoder.fit({name: cells})
    arrays = encoder.prepare({name: cells})
    cut = len(cells) * 4 // 5

    def part(at: slice) -> Rows:
        return Rows(({key: array[at] for key, array in arrays.items()},), (np.arange(len(cells))[at],))

    return encoder, part(slice(0, cut)), part(slice(cut, None))


@pytest.mark.parametrize(
    ("modality", "objective"),
    [
        *((modality, "autoencoder") for modality in ("audio", "graph", "image", "points", "series", "video")),
        *((modality, "masked") for modality in ("audio", "image", "series", "video")),
        ("text", "mlm"),
        *((modality, "contrastive") for modality in ("audio", "graph", "image", "points", "text")),
    ],
)
def test_held_out_cells_are_known_better_than_by_who_knows_nothing(modality: str, objective: Any) -> None:
    encoder, learned, held = data(modality, objective)
    found = pretrain([encoder], learned, held, objective, SETTINGS, Budget(None))
    assert found.reached["loss"] < found.baseline["loss"]
    assert found.reached["loss"] == min(entry["loss"] for entry in found.losses)
    network = encoder.build()
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in found.weights[0].items()})
    assert all(np.isfinite(array).all() for array in found.weights[0].values())


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    encoder, learned, held = data("series")
    short = SETTINGS.model_copy(update={"epochs": 2})
    first, again, other = (pretrain([encoder], learned, held, "masked", short, Budget(None), seed=seed).weights[0] for seed in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("modality", ["image", "audio", "series", "video"])
def test_what_is_hidden_cannot_be_seen(modality: str) -> None:
    _, learned, _ = data(modality)
    form = form_of(learned.arrays[0])
    assert form is not None
    batch = learned.batch(torch.arange(4), "cpu")
    assert form.goal(batch).shape[:2] == (4, form.blocks)
    everything = form.hide(batch, torch.ones(4, form.blocks, dtype=torch.bool))
    nothing = form.hide(batch, torch.zeros(4, form.blocks, dtype=torch.bool))
    (name,) = {"pixels", "waves", "values", "frames"} & set(batch)
    assert torch.equal(nothing[name], batch[name])
    axes = {"pixels": (2, 3), "frames": (1, 2, 3), "waves": (1,), "values": (1,)}[name]
    shown = everything[name].float()
    assert torch.equal(shown, shown.mean(dim=axes, keepdim=True).expand_as(shown))  # one colour, or silence
    assert not torch.equal(everything[name], batch[name])
    half = torch.zeros(4, form.blocks, dtype=torch.bool)
    half[:, : form.blocks // 2] = True
    before, after = form.goal(batch), form.goal(form.hide(batch, half))
    rest = slice(form.blocks // 2 + 1, None)  # windows of sounds reach into the next stretch
    assert torch.allclose(before[:, rest], after[:, rest], atol=2.0 if name == "waves" else 1e-3)
    assert not torch.allclose(before[:, : form.blocks // 2], after[:, : form.blocks // 2], atol=1e-3)


def test_only_hidden_parts_count() -> None:
    encoder, learned, _ = data("image")
    form = form_of(learned.arrays[0])
    assert form is not None
    model = Rebuild(encoder.build(), form, learned, True, "cpu").eval()
    asked: list[torch.Tensor] = []
    form.hide = lambda batch, hidden: asked.append(hidden) or batch  # type: ignore[method-assign, func-returns-value]
    with torch.no_grad():
        error, usual = model.error(learned, torch.arange(len(learned)))
        assert asked[0].sum(dim=1).tolist() == [round(0.6 * form.blocks)] * len(learned)
        made = model.decode(model.tokens(0, learned.batch(torch.arange(len(learned)), "cpu")).pooled())
        goal = torch.from_numpy(model.goals(learned)).float()
    assert float(error) == pytest.approx(float((made - goal).square()[asked[0]].mean()), rel=1e-4)
    assert float(usual) == pytest.approx(float(goal.square()[asked[0]].mean()), rel=1e-4)


def test_goals_are_in_units_of_their_spread() -> None:
    encoder, learned, _ = data("series")
    form = form_of(learned.arrays[0])
    assert form is not None
    goals = Rebuild(encoder.build(), form, learned, False, "cpu").goals(learned).astype(np.float64)
    assert np.allclose(goals.mean(axis=0), 0, atol=1e-2)
    assert goals.std(axis=0).max() <= 1.01


def test_words_are_hidden_and_asked_for() -> None:
    encoder, learned, _ = data("text", "mlm")
    network = encoder.build()
    seen: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda module, given: seen.append(given[0]["ids"]))
    model = Words(network, learned, int(learned.arrays[0]["ids"].max()) + 1, "cpu")
    ids, mask = (torch.from_numpy(learned.arrays[0][name]) for name in ("ids", "mask"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        scores, wanted = model.asked(learned, torch.arange(len(learned)))
    changed = seen[0] != ids
    assert len(wanted) == len(scores) >= len(learned)  # one at least in each text
    assert int(changed.sum()) <= len(wanted) < int(mask.sum()) / 2
    assert not changed[~mask].any()
    assert (seen[0][changed] == 1).float().mean() > 0.6


def test_equal_cells_are_never_told_apart() -> None:
    encoder, learned, _ = data("text", "contrastive")
    same = Rows(learned.arrays, (np.zeros(len(learned), dtype=np.int64),))
    model = Contrast([encoder.build()], same, "cpu").eval()
    scores = model.scores(same, torch.arange(5))
    off = ~torch.eye(5, dtype=torch.bool)
    assert (scores[off] < -1e30).all()
    assert (scores[~off] > -1e30).all()
    assert model.baseline(same) == {"loss": 0.0, "accuracy": 1.0}
    assert model.baseline(learned)["accuracy"] == pytest.approx(1 / len(learned))


def test_two_columns_find_each_other() -> None:
    text, image = data("text", "contrastive"), data("image")
    learned, held = joined(text[1], image[1]), joined(text[2], image[2])
    found = pretrain([text[0], image[0]], learned, held, "contrastive", SETTINGS, Budget(None))
    assert len(found.weights) == 2
    assert {name.partition(".")[0] for name in found.weights[1]} >= {"stem", "blocks"}
    assert found.reached["loss"] < found.baseline["loss"]  # both tell the class


def cut(rows: Rows, size: int) -> Rows:
    return Rows(tuple({name: array[:size] for name, array in part.items()} for part in rows.arrays), tuple(number[:size] for number in rows.same))


def joined(first: Rows, second: Rows) -> Rows:
    size = min(len(first), len(second))
    one, other = cut(first, size), cut(second, size)
    return Rows((*one.arrays, *other.arrays), (*one.same, *other.same))


def test_the_best_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, learned, held = data("series")
    losses, states = iter([3.0, 1.0, 2.0, 4.0]), []

    def judged(model: Any, held: Rows, seed: int) -> dict[str, float]:
        states.append({name: tensor.clone() for name, tensor in model.networks[0].state_dict().items()})
        return {"loss": next(losses)}

    monkeypatch.setattr(pretraining, "judged", judged)
    monkeypatch.setattr(pretraining, "settle", lambda model, data: None)
    found = pretrain([encoder], learned, held, "autoencoder", SETTINGS.model_copy(update={"patience": 2}), Budget(None))
    assert (found.best, len(found.losses)) == (2, 4)
    assert all(np.array_equal(array, states[1][name].numpy()) for name, array in found.weights[0].items())
    assert not all(np.array_equal(array, states[3][name].numpy()) for name, array in found.weights[0].items())


def test_a_time_limit_ends_it_after_an_epoch() -> None:
    encoder, learned, held = data("series")
    found = pretrain([encoder], learned, held, "autoencoder", SETTINGS, Budget(1e-6))
    assert len(found.losses) == 1


def test_normalisation_learns_what_is_usual_of_whole_cells() -> None:
    encoder, learned, _ = data("image")
    form = form_of(learned.arrays[0])
    assert form is not None
    model = Rebuild(encoder.build(), form, learned, True, "cpu").eval()
    before = {name: tensor.clone() for name, tensor in model.networks[0].state_dict().items()}
    settle(model, learned)
    after = model.networks[0].state_dict()
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved
    assert all("running" in name or "num_batches" in name for name in moved)
    assert not model.networks[0].training


@pytest.mark.parametrize(
    ("modality", "objective", "said"),
    [
        ("points", "masked", "not hidden"),
        ("graph", "masked", "not hidden"),
        ("text", "masked", "how to rebuild"),
        ("series", "mlm", "for words"),
    ],
)
def test_what_cannot_be_is_said(modality: str, objective: Any, said: str) -> None:
    encoder, learned, held = data(modality)
    with pytest.raises(UsageError, match=said):
        pretrain([encoder], learned, held, objective, SETTINGS, Budget(None))


def test_an_encoder_that_reads_no_words_has_none_to_hide() -> None:
    encoder = inner_encoder("image/cnn", {})
    with pytest.raises(UsageError, match="reads no words"):
        read_for(encoder.settings, "mlm", "image/cnn")


def test_two_views_that_are_one_are_refused() -> None:
    encoder, learned, held = data("series", augment=False, dropout=0.0)
    with pytest.raises(UsageError, match="changes nothing in training"):
        pretrain([encoder], learned, held, "contrastive", SETTINGS, Budget(None))


def test_too_few_cells_are_refused() -> None:
    encoder, learned, held = data("series", rows=15)
    with pytest.raises(DataError, match="20 at least"):
        pretrain([encoder], learned, held, "autoencoder", SETTINGS, Budget(None))


def test_no_row_is_a_batch_by_itself() -> None:
    settings = SETTINGS.model_copy(update={"batch_size": 16})
    assert [len(drawn(number, settings)) for number in (16, 17, 33, 34)] == [16, 16, 32, 34]


@pytest.mark.parametrize("modality", SMALL)
def test_a_cell_that_is_to_be_rebuilt_is_not_moved(modality: str) -> None:
    key, given = SMALL[modality]
    encoder = inner_encoder(key, given)
    quiet = still(encoder.settings)
    assert quiet.model_dump() != encoder.settings.model_dump() or modality == "text"
    ((name, cells),) = column(modality, 30).items()
    encoder.fit({name: cells})
    other = type(encoder)(quiet)
    other.restore(encoder.state())
    assert {key: tensor.shape for key, tensor in encoder.build().state_dict().items()} == {
        key: tensor.shape for key, tensor in other.build().state_dict().items()
    }
