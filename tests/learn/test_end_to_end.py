"""Encoders learned with the model: what is kept, what goes on after a kill, and what fusing pooled vectors cannot learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.errors import UsageError
from consilience.core.settings import Settings
from consilience.encoders._base import SteeredEncoder
from consilience.features._examples import Block, Examples, Prepared
from consilience.layers.tokens import Tokens
from consilience.learn.learners import end_to_end
from consilience.learn.learners._base import Situation, Split
from consilience.learn.learners._epochs import PathOfEpochs
from consilience.learn.learners._started import take_over
from consilience.learn.learners.end_to_end import EndToEnd, EndToEndSettings
from consilience.learn.training.average import mean_weights
from consilience.learn.training.loop import TrainingSettings
from consilience.testing._fake_encoders import LearnedNumbers
from consilience.testing.fakes import fake_task, through_disk

RESTLESS = TrainingSettings(epochs=6, batch_size=32, learning_rate=3e-2, average=0.0)
"""Large steps to the end, as a mean of weights smooths them out."""
QUICK = TrainingSettings(epochs=6, batch_size=32, learning_rate=5e-3, schedule="cosine")


class Steered(LearnedNumbers, SteeredEncoder):
    """Numbers that a question chooses among."""

    def build_steered(self, width: int) -> nn.Module:
        class Module(nn.Module):
            width = 8

            def __init__(self) -> None:
                super().__init__()
                self.gate, self.project = nn.Linear(width, 6), nn.Linear(6, 8)

            def forward(self, batch: Mapping[str, Tensor], asked: Tokens) -> Tokens:
                return Tokens(self.project(batch["numbers"] * self.gate(asked.pooled())).unsqueeze(1), batch["mask"])

        return Module()


def part(name: str, modality: str, numbers: np.ndarray, present: np.ndarray | None = None, encoder: Any = None) -> Prepared:
    there = np.ones(len(numbers), bool) if present is None else present
    return Prepared(name, modality, {"numbers": numbers.astype(np.float32), "mask": there[:, None]}, encoder or LearnedNumbers())


def examples(rows: int = 240, seed: int = 0, encoder: Any = None) -> tuple[Examples, np.ndarray]:
    """The text names one of the picture's numbers, whose sign is the answer; each of the two alone tells nothing."""
    draw = np.random.default_rng(seed)
    picture, which = draw.choice([-1.0, 1.0], (rows, 6)), draw.integers(0, 6, rows)
    raw = (part("p:x", "image", picture, encoder=encoder), part("q:x", "text", np.eye(6)[which]))
    blocks = (Block("p:frozen", "image", picture.astype(np.float32)[:, :1], np.ones(rows, bool)),)
    return Examples(blocks, rows, (), raw), (picture[np.arange(rows), which] > 0).astype(np.int64)


def split_of(made: Examples, target: np.ndarray) -> Split:
    train, valid = np.arange(0, len(target) * 3 // 4), np.arange(len(target) * 3 // 4, len(target))
    return Split(made.take(train), target[train], made.take(valid), target[valid], valid).only(made.modalities, whole=True)


def learner(task: Any = None, **settings: Any) -> EndToEnd:
    folder = settings.pop("folder", None)
    situation = Situation(task or fake_task("binary"), checkpoints=folder, resume=settings.pop("resume", False), keep=settings.pop("keep", False))
    return EndToEnd(EndToEndSettings(**{"width": 16, "training": QUICK, **settings}), situation)


def test_only_whole_models_see_raw_input():
    made, _ = examples(8)
    assert [block.name for block in made.only(["image"]).blocks] == ["p:frozen"]
    assert not made.only(["image"]).prepared
    seen = made.only(["image", "text"], whole=True)
    assert not seen.blocks
    assert [one.name for one in seen.prepared] == ["p:x", "q:x"]
    assert not seen.raw
    assert made.without(["image"]).present()["image"].sum() == 0
    assert made.take(np.array([1])).raw[0].arrays["numbers"].shape == (1, 6)


def test_a_question_steers_what_is_read():
    made, target = examples(900, encoder=Steered())
    split = split_of(made, target)
    fitted = learner(training=QUICK.model_copy(update={"epochs": 20}), steer={"image": "text"}, keep=True).path(split, Budget(None)).fitted
    assert fitted is not None
    right = (fitted.predict(split.valid).argmax(axis=1) == split.valid_target).mean()
    unasked = (fitted.predict(split.valid.without(["text"])).argmax(axis=1) == split.valid_target).mean()
    assert right > 0.9
    assert unasked < 0.75


def test_who_cannot_be_steered_is_an_error():
    made, target = examples(60)
    with pytest.raises(UsageError, match="'image' can be steered"):
        learner(steer={"image": "text"}).path(split_of(made, target), Budget(None))


@pytest.mark.parametrize(("stages", "averaged"), [("joint", []), ("joint", [2, 3, 6]), ("separate", []), ("fixed", [2, 6])])
def test_killed_and_resumed_ends_with_the_same_weights(tmp_path: Path, stages: str, averaged: list[int], monkeypatch: pytest.MonkeyPatch):
    made, target = examples()
    seen, point = made.only(made.modalities, whole=True), {"epochs": 6, "planned": 6, **({"averaged": averaged} if averaged else {})}
    whole = learner(stages=stages).fit(seen, target, point, Budget(None)).state()

    class Killed(Exception):
        pass

    from consilience.learn.training import checkpoint

    save, saves = checkpoint.Checkpoint.save, []

    def dies(self: Any, *rest: Any) -> None:
        save(self, *rest)
        saves.append(self.path)
        if len(saves) == 4:
            raise Killed

    monkeypatch.setattr(checkpoint.Checkpoint, "save", dies)
    with pytest.raises(Killed):
        learner(stages=stages, folder=tmp_path).fit(seen, target, point, Budget(None))
    monkeypatch.setattr(checkpoint.Checkpoint, "save", save)
    resumed = learner(stages=stages, folder=tmp_path, resume=True).fit(seen, target, point, Budget(None)).state()
    assert whole.arrays.keys() == resumed.arrays.keys()
    assert all(np.array_equal(whole.arrays[name], resumed.arrays[name]) for name in whole.arrays)


def test_a_resumed_path_has_the_same_scores(tmp_path: Path):
    made, target = examples()
    split = split_of(made, target)
    first = learner(folder=tmp_path, keep=True, training=RESTLESS).path(split, Budget(None))
    again = learner(folder=tmp_path, keep=True, resume=True, training=RESTLESS).path(split, Budget(None))
    assert np.array_equal(first.scores, again.scores)
    assert first.points == again.points
    assert isinstance(first, PathOfEpochs)
    assert isinstance(again, PathOfEpochs)
    assert first.averaged is not None
    assert again.averaged is not None
    assert first.averaged.point == again.averaged.point
    assert np.array_equal(first.averaged.scores, again.averaged.scores)


def test_a_damaged_checkpoint_counts_as_none(tmp_path: Path):
    made, target = examples()
    seen, point = made.only(made.modalities, whole=True), {"epochs": 3, "planned": 3}
    whole = learner(folder=tmp_path).fit(seen, target, point, Budget(None)).state()
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    again = learner(folder=tmp_path, resume=True).fit(seen, target, point, Budget(None)).state()
    assert all(np.array_equal(whole.arrays[name], again.arrays[name]) for name in whole.arrays)


def test_other_rows_have_another_checkpoint(tmp_path: Path):
    made, target = examples()
    point = {"epochs": 2, "planned": 2}
    for rows in (np.arange(200), np.arange(100)):
        learner(folder=tmp_path, resume=True).fit(made.take(rows).only(made.modalities, whole=True), target[rows], point, Budget(None))
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_the_model_of_a_path_can_be_kept_and_survives_a_folder():
    made, target = examples(encoder=Steered())
    split = split_of(made, target)
    steps = learner(steer={"image": "text"}, keep=True)
    path = steps.path(split, Budget(None))
    assert path.fitted is not None
    best = int(np.argmin([steps.situation.task.row_losses(split.valid_target, scores).mean() for scores in path.scores]))
    np.testing.assert_allclose(path.fitted.predict(split.valid), path.scores[best], atol=1e-5)
    situation = replace(steps.situation, encoders={one.name: one.encoder for one in split.train.prepared})
    again = type(path.fitted).restore(through_disk(path.fitted.state()), situation)
    assert np.array_equal(again.predict(split.valid), path.fitted.predict(split.valid))


def losses_of(steps: EndToEnd, split: Split, scores: np.ndarray) -> float:
    return float(steps.situation.task.row_losses(split.valid_target, scores).mean())


def test_the_mean_of_the_best_epochs_is_taken_and_can_be_made_again():
    made, target = examples()
    split = split_of(made, target)
    steps = learner(keep=True, training=RESTLESS)
    path = steps.path(split, Budget(None))
    losses = [losses_of(steps, split, scores) for scores in path.scores]
    best = sorted((np.argsort(losses)[:3] + 1).tolist())
    found = steps.cross_fit([split], len(target), Budget(None))
    assert found.point == {"epochs": best[-1], "planned": 6, "averaged": best}
    assert losses_of(steps, split, found.scores[split.rows]) < min(losses)
    assert not np.array_equal(found.scores[split.rows], path.scores[int(np.argmin(losses))])
    assert found.fitted is not None
    assert np.array_equal(found.fitted.predict(split.valid), found.scores[split.rows])
    assert found.curve is not None
    assert len(found.curve.held_out) == len(path.points)
    # Learned again on the same rows, at the point that was chosen, it is the same mean.
    again = steps.fit(split.train, split.target, found.point, Budget(None))
    np.testing.assert_allclose(again.predict(split.valid), found.scores[split.rows], atol=1e-5)


def test_a_mean_that_is_worse_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    made, target = examples()
    split = split_of(made, target)

    def bad(states: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: -9 * array if array.dtype.kind == "f" else array for name, array in states[-1].items()}

    monkeypatch.setattr(end_to_end, "mean_weights", bad)
    steps = learner(keep=True, training=RESTLESS)
    path, found = steps.path(split, Budget(None)), steps.cross_fit([split], len(target), Budget(None))
    best = int(np.argmin([losses_of(steps, split, scores) for scores in path.scores]))
    assert found.point == path.points[best]
    assert np.array_equal(found.scores[split.rows], path.scores[best])


def test_one_epoch_is_no_mean():
    made, target = examples()
    path = learner(averaged=1).path(split_of(made, target), Budget(None))
    assert isinstance(path, PathOfEpochs)
    assert path.averaged is None


def test_a_mean_of_weights_is_that_of_a_loop():
    draw = np.random.default_rng(0)
    states = [{"w": draw.normal(size=(3, 2)).astype(np.float32), "seen": np.array(count)} for count in (4, 9)]
    made = mean_weights(states)
    assert made["seen"] == 9
    for row in range(3):
        for column in range(2):
            assert made["w"][row, column] == pytest.approx((float(states[0]["w"][row, column]) + float(states[1]["w"][row, column])) / 2)
    assert made["w"].dtype == np.float32
    with pytest.raises(ValueError, match="one network"):
        mean_weights([states[0], {"other": states[1]["w"]}])


class Normalised(LearnedNumbers):
    """Numbers through a normalisation that counts batches."""

    def build(self) -> nn.Module:
        class Module(nn.Module):
            width = 8

            def __init__(self) -> None:
                super().__init__()
                self.norm, self.project = nn.BatchNorm1d(6), nn.Linear(6, 8)

            def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
                return Tokens(self.project(self.norm(batch["numbers"])).unsqueeze(1), batch["mask"])

        return Module()


@pytest.mark.parametrize("stages", ["separate", "fixed"])
def test_what_was_learned_alone_stays_where_it_is_fixed(stages: str, monkeypatch: pytest.MonkeyPatch):
    made, target = examples(encoder=Normalised())
    before: dict[str, Mapping[str, Tensor]] = {}

    def seen(network: Any, starts: Any, fixed: bool) -> Any:
        before.update(starts)
        return take_over(network, starts, fixed)

    monkeypatch.setattr(end_to_end, "take_over", seen)
    fitted = learner(stages=stages).fit(made.only(made.modalities, whole=True), target, {"epochs": 4, "planned": 4}, Budget(None))
    network = fitted.networks[0]  # type: ignore[attr-defined]
    after = network.encoders[network.names.index("p:x")].state_dict()
    assert float(after["norm.num_batches_tracked"]) > 0
    assert all(torch.equal(after[name], before["p:x"][name]) for name in after) is (stages == "fixed")


def test_what_steers_is_learned_though_the_rest_is_fixed():
    made, target = examples(encoder=Steered())
    seen = made.only(made.modalities, whole=True)
    steps = learner(steer={"image": "text"}, stages="fixed")
    gates = []
    for epochs in (1, 4):
        network = steps.fit(seen, target, {"epochs": epochs, "planned": 4}, Budget(None)).networks[0]  # type: ignore[attr-defined]
        gates.append(network.encoders[network.names.index("p:x")].gate.weight)
    assert not torch.equal(*gates)


def test_each_modality_has_a_curve_of_its_own():
    draw = np.random.default_rng(3)
    target = draw.integers(0, 2, 300)
    told = (2 * target - 1)[:, None] + draw.normal(0, 0.5, (300, 6))
    made = Examples((), 300, (), (part("a:x", "audio", told), part("b:x", "image", draw.normal(size=(300, 6)))))
    path = learner().path(split_of(made, target), Budget(None))
    assert set(path.parts) == {"audio", "image"}
    assert path.parts["audio"][-1] < path.parts["image"][-1] - 0.2


def test_the_modality_that_is_ahead_is_slowed():
    draw = np.random.default_rng(3)
    target = draw.integers(0, 2, 300)
    easy = (2 * target - 1)[:, None] + draw.normal(0, 0.2, (300, 6))
    made = Examples((), 300, (), (part("a:x", "audio", easy), part("b:x", "image", easy * 0.2 + draw.normal(size=(300, 6)))))
    moved = {}
    for balance in (False, True):
        fitted = learner(balance=balance).fit(made.only(made.modalities, whole=True), target, {"epochs": 1, "planned": 6}, Budget(None))
        moved[balance] = fitted.state().arrays
    assert any(not np.array_equal(moved[True][name], moved[False][name]) for name in moved[True])


def test_rare_classes_can_be_drawn_as_often():
    made, target = examples(200)
    rare = np.where(np.arange(200) % 20 == 0, 1, 0)
    steps = learner(sampling="classes")
    ready = steps._ready(made.only(made.modalities, whole=True), rare)
    torch.manual_seed(0)
    drawn = rare[steps._drawing(ready)().numpy()]
    assert 0.35 < drawn.mean() < 0.65
    steps.fit(made.only(made.modalities, whole=True), target, {"epochs": 1, "planned": 1}, Budget(None))


@pytest.mark.parametrize("task", ["regression", "multilabel", "multiclass"])
@pytest.mark.parametrize("settings", [{}, {"mixup": 0.4}])
def test_every_task_learns(task: str, settings: dict[str, Any]):
    made, target = examples(160)
    made_task = fake_task(task, classes=2 if task == "multilabel" else 3)
    encoded = {"regression": target.astype(float), "multilabel": np.stack([target, 1 - target], axis=1).astype(np.float32)}.get(task, target)
    path = learner(made_task, **settings).path(split_of(made, encoded), Budget(None))
    assert np.isfinite(path.scores).all()


def test_gradients_of_several_batches_make_one_step():
    made, target = examples(128)
    seen, point = made.only(made.modalities, whole=True), {"epochs": 2, "planned": 2}
    one = learner(training=QUICK.model_copy(update={"batch_size": 32, "accumulate": 4}), absence=0.0, dropout=0.0)
    fitted = one.fit(seen, target, point, Budget(None))
    assert np.isfinite(fitted.predict(seen)).all()


def test_settings_are_plain():
    assert issubclass(EndToEndSettings, Settings)
    with pytest.raises(ValueError, match="stages"):
        EndToEndSettings(stages="none")
