"""Features that are measurements come to a network on a common scale, embeddings as they are; and patience lasts over a plateau."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from consilience.core.budget import Budget
from consilience.features._examples import Block, Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners._gradient import Glance, epochs_path
from consilience.learn.learners._standard import StandardFeatures
from consilience.learn.training.loop import TrainingSettings
from consilience.testing import fake_task, through_disk, xor_examples

TASK = fake_task("binary")


def shown(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What a network sees of these values, from which it learned their scale."""
    module = StandardFeatures(values.shape[-1])
    module.learn(Block("a:b", "a", values, mask))
    tokens, there = (values, mask) if values.ndim == 3 else (values[:, None], mask[:, None])
    return module({"values": torch.from_numpy(tokens), "mask": torch.from_numpy(there)}).values.squeeze(1).numpy()


def test_columns_far_from_zero_are_put_on_a_common_scale() -> None:
    draw = np.random.default_rng(0)
    values = (draw.normal(size=(200, 6)) * [1, 2, 3, 0.1, 0, 5] + [9, 9, 9, 9, 9, -40]).astype(np.float32)
    there = np.ones(200, bool)
    there[:50] = False
    spread = values[there].std(axis=0)
    naive = np.clip((values - values[there].mean(axis=0)) / np.where(spread > 1e-5, spread, 1), -5, 5)
    naive[:, 4] = 0
    np.testing.assert_allclose(shown(values, there), naive, atol=1e-3)


def test_embeddings_and_empty_blocks_are_left_as_they_are() -> None:
    values = np.random.default_rng(0).normal(0.3, 1.0, (100, 6)).astype(np.float32)
    assert np.array_equal(shown(values, np.ones(100, bool)), values)
    far = values + 50
    assert np.array_equal(shown(far, np.zeros(100, bool)), far)


def test_tokens_that_are_absent_do_not_count() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(20, 2, (40, 3, 4)).astype(np.float32)
    mask = np.ones((40, 3), bool)
    mask[:, 2] = False
    values[:, 2] = 1e6
    naive = (values - values[:, :2].mean(axis=(0, 1))) / values[:, :2].std(axis=(0, 1))
    np.testing.assert_allclose(shown(values, mask)[:, :2], naive[:, :2], atol=1e-3)


def test_the_scale_is_kept_with_the_network_and_helps() -> None:
    """The exclusive or of small differences between large numbers, 64 columns wide: a normalisation over the row sees the large numbers only."""
    offset = np.random.default_rng(0).normal(0, 40, 64).astype(np.float32)

    def far(rows: int, seed: int) -> tuple[Examples, np.ndarray]:
        examples, target = xor_examples(rows, seed, width=64, noise=0.1)
        blocks = tuple(Block(one.name, one.modality, np.asarray(one.values) + offset, one.mask) for one in examples.blocks)
        return Examples(blocks, rows), target

    (examples, target), (fresh, truth) = far(240, 0), far(240, 1)
    right: dict[bool, float] = {}
    cls: Any = LEARNERS.get("network")
    for standardise in (False, True):
        settings = cls.Settings(fusion="concat", standardise=standardise)
        learner = cls(settings, Situation(TASK))
        fitted = learner.fit(examples, target, {"epochs": 6}, Budget(None))
        scores = fitted.predict(fresh)
        right[standardise] = float((scores.argmax(axis=1) == truth).mean())
        again = type(fitted).restore(through_disk(fitted.state()), Situation(TASK)).predict(fresh)
        assert np.array_equal(scores, again)
    assert right[True] > 0.9
    assert right[False] < 0.8


def test_a_network_kept_before_there_was_a_scale_is_read() -> None:
    cls: Any = LEARNERS.get("network")
    examples, target = xor_examples(40)
    fitted = cls(cls.Settings(fusion="concat", standardise=False), Situation(TASK)).fit(examples, target, {"epochs": 1}, Budget(None))
    state = fitted.state()
    del state.config["settings"]["standardise"]
    again = type(fitted).restore(through_disk(state), Situation(TASK))
    assert np.array_equal(fitted.predict(examples), again.predict(examples))


@pytest.mark.parametrize(
    ("held_out", "seen", "epochs"),
    [
        (lambda epoch: 0.0, lambda epoch: 0.01 * epoch, 30),  # a plateau on which it still learns: more than patience
        (lambda epoch: 0.0, lambda epoch: 0.0, 4),  # one on which nothing moves
        (lambda epoch: -0.2 * epoch, lambda epoch: 0.01 * epoch, 4),  # it learns noise: the held-out loss rises
        (lambda epoch: max(0.0, 3.0 - epoch), lambda epoch: 0.01 * epoch, 4),  # it has fallen once: no plateau
    ],
)
def test_patience_lasts_over_a_plateau(held_out: Any, seen: Any, epochs: int) -> None:
    """Scores in favour of the truth by this much, epoch by epoch; patience is 3."""
    examples, target = xor_examples(40)
    split, count = Split(examples, target, examples, target, np.arange(40)), {"held": 0, "seen": 0}

    def of(what: str, margin: Any) -> Any:
        def score(model: nn.Module) -> np.ndarray:
            count[what] += 1
            return margin(count[what]) * np.eye(2)[target]

        return score

    def loss_of(model: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        return model(torch.ones(1, 1)).sum()

    training = TrainingSettings(epochs=50, patience=3)
    glance = Glance(np.arange(40), of("seen", seen))
    path = epochs_path(nn.Linear(1, 1), split, loss_of, of("held", held_out), training, Budget(None), Situation(TASK), glance)
    assert len(path.points) == epochs
