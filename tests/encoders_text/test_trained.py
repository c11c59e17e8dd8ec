"""The encoders that learn with the network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from consilience.core.errors import UsageError
from consilience.core.settings import parse_settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders import ENCODERS, TrainedEncoder
from consilience.encoders.text._vocabulary import BUCKETS, EMPTY, FIRST_BUCKET, Vocabulary

Column = Callable[[Sequence[str | None]], dict[str, Cells]]

EVERY = pytest.mark.parametrize("name", ["gru", "lstm", "rnn", "transformer"])
BOTH = pytest.mark.parametrize("tokens", ["pooled", "sequence"])


def made(name: str, **values: Any) -> TrainedEncoder:
    cls = ENCODERS.get(f"text/{name}")
    encoder = cls(parse_settings(cls.Settings, {"width": 16, "max_tokens": 12, **values}, name))
    assert isinstance(encoder, TrainedEncoder)
    return encoder


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@EVERY
@BOTH
def test_shape_presence_and_finite(name: str, tokens: str, column: Column, mixed: list[str | None]) -> None:
    encoder = made(name, tokens=tokens)
    encoder.fit(column(mixed))
    batch = encoder.prepare(column(mixed))
    assert batch["ids"].shape == batch["mask"].shape == (len(mixed), 12)
    module = encoder.build()
    out = module(tensors(batch))
    assert module.width == out.values.shape[2] == 16
    assert out.values.shape[1] == (1 if tokens == "pooled" else 12)
    assert out.present.tolist() == [text is not None for text in mixed]
    assert torch.isfinite(out.values).all()
    if tokens == "sequence":
        np.testing.assert_array_equal(out.mask.numpy(), batch["mask"])


@EVERY
@BOTH
def test_batch_equals_one_by_one(name: str, tokens: str, column: Column, mixed: list[str | None]) -> None:
    encoder = made(name, tokens=tokens, layers=2)
    encoder.fit(column(mixed))
    module = encoder.build().eval()
    whole = module(tensors(encoder.prepare(column(mixed))))
    for row, text in enumerate(mixed):
        single = module(tensors(encoder.prepare(column([text]))))
        length = single.values.shape[1]
        torch.testing.assert_close(whole.clean()[row, :length], single.clean()[0], atol=1e-5, rtol=1e-4)


@EVERY
@BOTH
def test_what_stands_under_false_has_no_influence(name: str, tokens: str, column: Column, mixed: list[str | None]) -> None:
    encoder = made(name, tokens=tokens)
    encoder.fit(column(mixed))
    module = encoder.build().eval()
    batch = encoder.prepare(column(mixed))
    before = module(tensors(batch)).clean()
    batch["ids"] = np.where(batch["mask"], batch["ids"], 10**6)
    torch.testing.assert_close(module(tensors(batch)).clean(), before, atol=0, rtol=0)
    wide = {key: np.pad(array, ((0, 0), (0, 9))) for key, array in batch.items()}
    torch.testing.assert_close(module(tensors(wide)).clean(), before, atol=0, rtol=0)


@EVERY
def test_a_hole_in_the_mask_is_a_shorter_text(name: str, column: Column) -> None:
    encoder = made(name)
    encoder.fit(column(["one two three", "one three"] * 2))
    module = encoder.build().eval()
    holed = encoder.prepare(column(["one two three"]))
    holed["mask"][0, 1] = False
    torch.testing.assert_close(module(tensors(holed)).values, module(tensors(encoder.prepare(column(["one three"])))).values)


@EVERY
@BOTH
def test_gradients_reach_all_parameters(name: str, tokens: str, column: Column, mixed: list[str | None]) -> None:
    encoder = made(name, tokens=tokens, layers=2)
    encoder.fit(column(mixed))
    module = encoder.build()
    out = module(tensors(encoder.prepare(column(mixed))))
    (out.clean() * torch.randn_like(out.values)).sum().backward()
    for label, parameter in module.named_parameters():
        assert parameter.grad is not None, label
        assert torch.isfinite(parameter.grad).all(), label
        assert parameter.grad.abs().sum() > 0, label


@EVERY
def test_only_absent_rows(name: str, column: Column) -> None:
    encoder = made(name)
    encoder.fit(column([None, None]))
    module = encoder.build()
    out = module(tensors(encoder.prepare(column([None, None]))))
    assert not out.present.any()
    out.clean().sum().backward()
    assert all(parameter.grad is None or torch.isfinite(parameter.grad).all() for parameter in module.parameters())
    assert encoder.prepare(column([]))["ids"].shape == (0, 1)


@EVERY
def test_absent_content_is_not_learned(name: str, column: Column) -> None:
    encoder = made(name)
    secret = column(["red red", "hidden hidden"])
    secret["words"].present[1] = False
    encoder.fit(secret)
    assert "hidden" not in encoder.state().texts["vocabulary"]
    assert not encoder.prepare(secret)["mask"][1].any()


@EVERY
def test_restored_reads_the_same(name: str, column: Column, mixed: list[str | None], through_disk: Callable[[State], State]) -> None:
    first, second = made(name), made(name)
    first.fit(column(mixed))
    second.restore(through_disk(first.state()))
    new = [*mixed, "something unseen ☃ 63.80"]
    one, two = first.prepare(column(new)), second.prepare(column(new))
    np.testing.assert_array_equal(one["ids"], two["ids"])
    np.testing.assert_array_equal(one["mask"], two["mask"])
    shapes = [{key: value.shape for key, value in encoder.build().state_dict().items()} for encoder in (first, second)]
    assert shapes[0] == shapes[1]


@EVERY
def test_learns_word_order(name: str, column: Column) -> None:
    torch.manual_seed(0)
    texts = ["dog bites man today", "man bites dog today"]
    target = torch.tensor([0.0, 1.0])
    encoder = made(name, dropout=0.0)
    encoder.fit(column(texts))
    module, head = encoder.build(), torch.nn.Linear(16, 1)
    batch = tensors(encoder.prepare(column(texts)))
    steps = torch.optim.Adam([*module.parameters(), *head.parameters()], lr=0.01)
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(module(batch).pooled()).squeeze(1), target)
        steps.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        steps.step()
    assert loss.item() < 0.3


@EVERY
def test_runs_in_half_precision(name: str, column: Column, mixed: list[str | None]) -> None:
    encoder = made(name)
    encoder.fit(column(mixed))
    module = encoder.build()
    batch = tensors(encoder.prepare(column(mixed)))
    with torch.autocast("cpu", dtype=torch.bfloat16), warnings.catch_warnings():
        warnings.simplefilter("error")
        out = module(batch)
    assert torch.isfinite(out.clean().float()).all()


@EVERY
def test_dropout_only_in_training(name: str, column: Column) -> None:
    encoder = made(name, dropout=0.5)
    encoder.fit(column(["red cube", "blue cone"]))
    module = encoder.build()
    batch = tensors(encoder.prepare(column(["red cube"])))
    assert not torch.equal(module(batch).values, module(batch).values)
    module.eval()
    torch.testing.assert_close(module(batch).values, module(batch).values, atol=0, rtol=0)


def test_batch_of_no_rows(column: Column) -> None:
    encoder = made("gru")
    encoder.fit(column(["red"]))
    out = encoder.build()(tensors(encoder.prepare(column([]))))
    assert out.values.shape == (0, 1, 16)


@pytest.mark.parametrize("values", [{"width": 6}, {"layers": 0}, {"dropout": 1.0}, {"tokens": "all"}, {"max_tokens": 0}])
def test_settings_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        made("gru", **values)


def test_unseen_words_differ() -> None:
    vocabulary = Vocabulary.learn([["walk", "walk", "walking", "talking", "baking", "making"]], 100)
    assert vocabulary.numbers("walk") == (vocabulary.place["walk"],)
    assert "##king" in vocabulary.place
    unseen = {vocabulary.numbers(word) for word in ["shaking", "gnu", "zebra", "茶", "水", "xyz"]}
    assert len(unseen) == 6
    assert vocabulary.place["##king"] in vocabulary.numbers("shaking")


def test_vocabulary_is_bounded_and_has_no_order_of_rows() -> None:
    sentences = [[f"w{index % 50}", f"x{index}"] for index in range(500)]
    one, other = Vocabulary.learn(sentences, 20), Vocabulary.learn(sentences[::-1], 20)
    assert one.entries == other.entries
    assert len(one) <= one.first + 20 + 64


def test_a_text_without_words_is_one_token() -> None:
    assert Vocabulary([]).encode([], 5) == [EMPTY]


@given(st.lists(st.text(min_size=1, max_size=60), max_size=10), st.integers(1, 20))
def test_any_words_have_numbers_in_range(words: list[str], most: int) -> None:
    vocabulary = Vocabulary.learn([["red", "red", "read"]], 10)
    found = vocabulary.encode(words, most)
    assert 1 <= len(found) <= most
    assert all(EMPTY <= number < len(vocabulary) for number in found)
    assert vocabulary.first == FIRST_BUCKET + BUCKETS
