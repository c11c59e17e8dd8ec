"""Word vectors."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import UsageError
from consilience.core.settings import parse_settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders.text import _skip_gram
from consilience.encoders.text._skip_gram import RATE, draw_pairs, learn_batch, train_skip_gram
from consilience.encoders.text.word2vec import Word2VecSettings, WordVectors

Column = Callable[[Sequence[str | None]], dict[str, Cells]]


def made(argument: str = "", **values: Any) -> WordVectors:
    return WordVectors(parse_settings(Word2VecSettings, {"width": 16, "epochs": 3, **values}, "word2vec"), argument)


def topics(number: int) -> list[str]:
    draw = np.random.default_rng(0)
    worlds = [[f"{letter}{index}" for index in range(8)] for letter in "ab"]
    return [" ".join(draw.choice(worlds[row % 2], size=6)) for row in range(number)]


def test_words_of_one_topic_are_near(column: Column) -> None:
    encoder = made(epochs=20)
    encoder.fit(column(topics(400)))
    unit = encoder.vectors / np.linalg.norm(encoder.vectors, axis=1, keepdims=True)
    first = np.array([word[0] == "a" for word in encoder.words])
    near = unit @ unit.T
    same, cross = near[first][:, first].mean(), near[first][:, ~first].mean()
    assert same > 0.4 + cross


def test_a_step_follows_the_gradient() -> None:
    draw = np.random.default_rng(0)
    inside, outside = draw.normal(size=(5, 3)).astype(np.float32), draw.normal(size=(5, 3)).astype(np.float32)
    centre, others = np.array([0, 1, 1]), np.array([[2, 3, 4], [2, 0, 0], [3, 3, 1]])
    left, right = (torch.tensor(array, requires_grad=True) for array in (inside, outside))
    score = torch.einsum("bd,bkd->bk", left[centre], right[others])
    noise = torch.tensor(others[:, 1:] != others[:, :1])  # the true neighbour, drawn as noise, is none
    loss = -torch.nn.functional.logsigmoid(score[:, 0]).sum() - torch.nn.functional.logsigmoid(-score[:, 1:])[noise].sum()
    loss.backward()  # type: ignore[no-untyped-call]
    before = inside.copy(), outside.copy()
    learn_batch(inside, outside, [np.full((5, 1), 1e-8, dtype=np.float32) for _ in range(2)], centre, others)
    for start, now, grown in zip(before, (inside, outside), (left.grad, right.grad), strict=True):
        assert grown is not None
        slope = grown.numpy()
        np.testing.assert_allclose(now, start - RATE * slope / np.sqrt(1e-8 + (slope**2).mean(axis=1, keepdims=True)), atol=1e-5)


def test_pairs_stay_inside_a_text_and_its_window() -> None:
    pairs = draw_pairs(np.array([0, 1, 2, 3]), np.array([0, 0, 0, 1]), 1, np.random.default_rng(0))
    assert sorted(map(tuple, pairs.tolist())) == [(0, 1), (1, 0), (1, 2), (2, 1)]


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(_skip_gram, "MOST_PAIRS", 500)
    monkeypatch.setattr(_skip_gram, "learn_batch", lambda inside, outside, steps, centre, others: seen.append(len(centre)))
    train_skip_gram([np.arange(30)] * 20, 30, 4, 5, 100, 2)
    assert sum(seen) == 500


def test_same_seed_same_vectors(column: Column) -> None:
    encoders = [made(), made(), made()]
    for encoder, seed in zip(encoders, [1, 1, 2], strict=True):
        encoder.fit(column(topics(30)), seed=seed)
    np.testing.assert_array_equal(encoders[0].vectors, encoders[1].vectors)
    assert not np.array_equal(encoders[0].vectors, encoders[2].vectors)


@pytest.mark.parametrize("weighting", ["sif", "idf", "mean"])
def test_absence_batches_and_disk(weighting: str, column: Column, mixed: list[str | None], through_disk: Callable[[State], State]) -> None:
    encoder, other = made(weighting=weighting), made(weighting=weighting)
    encoder.fit(column(mixed))
    whole = encoder.encode(column(mixed))
    assert whole.shape == (len(mixed), 16)
    assert whole.dtype == np.float32
    assert np.isfinite(whole).all()
    there = np.array([bool(text) for text in mixed])
    assert whole[there].any(axis=1).all()
    assert not whole[~there].any()
    np.testing.assert_allclose(whole, np.concatenate([encoder.encode(column([text])) for text in mixed]), atol=1e-7)
    other.restore(through_disk(encoder.state()))
    np.testing.assert_array_equal(whole, other.encode(column(mixed)))


def test_absent_content_has_no_influence(column: Column) -> None:
    one, other = made(), made()
    texts = topics(20)
    one.fit(column([*texts, None]))
    secret = column([*texts, "hidden words here"])
    secret["words"].present[-1] = False
    other.fit(secret)
    np.testing.assert_array_equal(one.encode(column(texts)), other.encode(column(texts)))


@pytest.mark.parametrize("texts", [[], [None], [""], ["word"]])
def test_next_to_nothing_to_learn_from(texts: list[str | None], column: Column, through_disk: Callable[[State], State]) -> None:
    encoder, other = made(), made()
    encoder.fit(column(texts))
    assert encoder.encode(column(["unseen", None])).tolist() == np.zeros((2, 16)).tolist()
    other.restore(through_disk(encoder.state()))
    assert other.encode(column([])).shape == (0, 16)


def test_mean_is_the_mean(tmp_path: Path, column: Column) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("3 2\nRed 1 0\nblue 0 1\n北京 2 2\n", encoding="utf-8")
    encoder = made(str(file), weighting="mean")
    encoder.fit(column(["nothing known 上海"]))
    found = encoder.encode(column(["red blue blue unknown", "北京", None]))
    np.testing.assert_allclose(found, np.array([[1 / 3, 2 / 3], [2, 2], [0, 0]]), atol=1e-6)


def test_file_with_and_without_head_plain_and_gzip(tmp_path: Path, column: Column, through_disk: Callable[[State], State]) -> None:
    lines = "red 1 0\nblue 0 1\ngreen 1 1\n"
    (tmp_path / "glove.txt").write_text(lines)
    with gzip.open(tmp_path / "head.vec.gz", "wt") as file:
        file.write("3 2\n" + lines)
    plain, packed = made(str(tmp_path / "glove.txt")), made(str(tmp_path / "head.vec.gz"))
    for encoder in (plain, packed):
        encoder.fit(column(["red green", "blue"]))
    np.testing.assert_array_equal(plain.encode(column(["red", "blue"])), packed.encode(column(["red", "blue"])))
    assert plain.fingerprint() != packed.fingerprint()
    before = plain.fingerprint()
    (tmp_path / "glove.txt").unlink()
    other = made(str(tmp_path / "glove.txt"))
    other.restore(through_disk(plain.state()))
    assert other.fingerprint() == before
    np.testing.assert_array_equal(plain.encode(column(["red"])), other.encode(column(["red"])))


def test_a_changed_file_has_another_fingerprint(tmp_path: Path) -> None:
    file, copy = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_text("red 1 0\n")
    copy.write_text("red 1 0\n")
    first = made(str(file)).fingerprint()
    assert made(str(copy)).fingerprint() == first
    file.write_text("red 1 0.5\n")
    assert made(str(file)).fingerprint() != first


def test_only_the_head_and_what_the_column_needs_is_kept(tmp_path: Path, column: Column) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("".join(f"w{index} {index} 1\n" for index in range(50)))
    encoder = made(str(file), max_words=3)
    encoder.fit(column(["w40 w7"]))
    assert encoder.words == ["w0", "w1", "w2", "w7", "w40"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"2 3\nred \xff\xfe\x00\x01", "line 2.*UTF-8"),
        (b"red 1 0\nblue 1\n", "line 2: 1 numbers"),
        (b"red 1 x\n", "line 1.*finite"),
        (b"red 1 nan\n", "line 1.*finite"),
        (b"", "no word vectors"),
    ],
)
def test_files_that_are_not_vectors(content: bytes, said: str, tmp_path: Path, column: Column) -> None:
    file = tmp_path / "vectors.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        made(str(file)).fit(column(["red"]))


def test_file_that_is_not_there(tmp_path: Path, column: Column) -> None:
    with pytest.raises(UsageError, match="no file"):
        made(str(tmp_path / "none.txt")).fit(column(["red"]))
