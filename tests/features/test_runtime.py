from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import consilience.features._openvino as bridge
import consilience.features.runtime as runtime
from consilience.core.errors import MissingExtra, UsageError
from consilience.features.runtime import closeness, compile_encoder, kept_under

SOURCE = str(Path(runtime.__file__).parents[2])
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
WORDS = ["a", "some", "letters", "of different length", "come together", "in one batch"]


def batch_of(encoder: Any, words: list[str]) -> dict[str, np.ndarray]:
    batch: dict[str, np.ndarray] = encoder.collate([encoder.prepare(word) for word in words])
    return batch


@needs_openvino
@pytest.mark.parametrize("name", ["Letters", "Pixels"])
def test_openvino_equals_torch(fakes: SimpleNamespace, name: str) -> None:
    encoder, progress = getattr(fakes, name)(), fakes.Noted()
    compiled = compile_encoder(encoder, runtime="openvino", progress=progress)
    compiled.warm(batch_of(encoder, ["one"]))  # a single cell: no axis of length 1 may be taken for a constant
    for words in (WORDS, WORDS[:1], ["a much longer text than all before it"] * 11):
        batch = batch_of(encoder, words)
        values, mask = compiled.encode(batch)
        expected, there = encoder.encode(batch)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected, atol=1e-5 if compiled.precision == "f32" else 2e-2)
        np.testing.assert_array_equal(mask, there)
    assert compiled.name == "openvino"
    assert progress.said == []


@needs_openvino
def test_results_do_not_share_memory(fakes: SimpleNamespace) -> None:
    compiled = compile_encoder(encoder := fakes.Letters())
    first, _ = compiled.encode(batch_of(encoder, WORDS))
    before = first.copy()
    compiled.encode(batch_of(encoder, WORDS[::-1]))
    np.testing.assert_array_equal(first, before)


def refuse(*_: object, **__: object) -> Any:
    raise RuntimeError("There is no such operation.\nMore lines.")


def different(*_: object, **__: object) -> Callable[..., np.ndarray]:
    return lambda arrays, beside: np.ones((len(arrays[0]), 1, 6), dtype=np.float32)


def other_shape(*_: object, **__: object) -> Callable[..., np.ndarray]:
    return lambda arrays, beside: np.ones((len(arrays[0]), 6), dtype=np.float32)


@needs_openvino
@pytest.mark.parametrize(
    ("broken", "why"), [(refuse, r"refused the encoder \(There is no such operation\.\)"), (different, "cosine"), (other_shape, "cosine -1")]
)
def test_falls_back_to_torch_and_says_why(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, broken: Any, why: str) -> None:
    monkeypatch.setattr(bridge, "Graph", broken)
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: True)
    encoder, progress = fakes.Letters(), fakes.Noted()
    compiled = compile_encoder(encoder, progress=progress)
    assert (compiled.name, compiled.precision) == ("openvino", "bf16")
    values, _ = compiled.encode(batch := batch_of(encoder, WORDS))
    compiled.encode(batch)
    np.testing.assert_array_equal(values, encoder.encode(batch)[0])
    assert (compiled.name, compiled.precision) == ("torch", "f32")
    (said,) = progress.said
    assert said.startswith("Letters runs on torch, not on OpenVINO: ")
    assert re.search(why, said)


@needs_openvino
def test_a_module_that_cannot_be_traced_runs_on_torch(fakes: SimpleNamespace) -> None:
    import torch

    class Untraceable(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            if torch.jit.is_tracing():
                raise NotImplementedError("not to be traced")  # as a module does that cannot be exported
            return pixels.float().mean((2, 3)).unsqueeze(1)

    encoder, progress = fakes.Pixels(), fakes.Noted()
    encoder._module = Untraceable()
    values, _ = compile_encoder(encoder, progress=progress).encode(batch_of(encoder, WORDS))
    assert values.shape == (6, 1, 3)
    assert "not to be traced" in progress.said[0]


def test_torch_when_asked_for_and_numpy_for_others(fakes: SimpleNamespace) -> None:
    compiled = compile_encoder(encoder := fakes.Letters(), runtime="torch")
    assert (compiled.name, compiled.precision) == ("torch", "f32")
    np.testing.assert_array_equal(compiled.encode(batch := batch_of(encoder, WORDS))[0], encoder.encode(batch)[0])
    assert compile_encoder(fakes.Hashing(), runtime="openvino").name == "numpy"


def test_without_openvino(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    assert compile_encoder(fakes.Letters()).name == "torch"
    with pytest.raises(MissingExtra, match=r"consilience\[runtime\]"):
        compile_encoder(fakes.Letters(), runtime="openvino")


def test_unknown_runtime(fakes: SimpleNamespace) -> None:
    with pytest.raises(UsageError, match="auto, torch, openvino"):
        compile_encoder(fakes.Letters(), runtime="tensorrt")


def test_made_once_and_gone_with_the_encoder(fakes: SimpleNamespace) -> None:
    encoder = fakes.Letters()
    assert compile_encoder(encoder) is compile_encoder(encoder)
    assert compile_encoder(encoder, runtime="torch") is not compile_encoder(encoder)
    gone = weakref.ref(compile_encoder(encoder))
    del encoder
    gc.collect()
    assert gone() is None


def test_precision_is_part_of_the_fingerprint(fakes: SimpleNamespace) -> None:
    encoder = fakes.Letters()
    assert kept_under(encoder, "f32") == kept_under(fakes.Letters(), "f32")
    assert kept_under(encoder, "f32") != kept_under(encoder, "bf16")
    assert kept_under(encoder, "f32") != kept_under(fakes.Pixels(), "f32")


def test_closeness() -> None:
    values = np.random.default_rng(0).normal(size=(3, 2, 4))
    mask = np.ones((3, 2), dtype=bool)
    assert closeness(values, 2 * values, mask) == pytest.approx(1)
    worse = values.copy()
    worse[1] = -worse[1]
    assert closeness(values, worse, mask) == pytest.approx(-1)
    assert closeness(values, worse, mask & np.array([[True], [False], [True]])) == pytest.approx(1)
    assert closeness(np.zeros_like(values), np.zeros_like(values), mask) == 1
    assert closeness(values, np.where(values == values[0, 0, 0], np.nan, values), mask) == -1


@needs_openvino
def test_nothing_is_reported_to_anyone() -> None:
    """OpenVINO sends a report when it is imported and when it converts; here every connection and every report is an error."""
    code = """
import socket, sys
def refuse(*_, **__): raise SystemExit("a connection")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
if sys.argv[1] == "before":
    import openvino_telemetry
    openvino_telemetry.Telemetry.send_event = lambda *_, **__: None  # its own import is somebody else's
    import openvino.tools.ovc
    openvino_telemetry.Telemetry.send_event = openvino_telemetry.Telemetry.start_session = refuse
import numpy as np, torch
from consilience.features._openvino import Graph, convert_module
run = Graph(convert_module(torch.nn.Linear(3, 2), [np.ones((2, 3), dtype=np.float32)], dynamic=False), precision="f32", threads=1)
print(run([np.ones((5, 3), dtype=np.float32)]).shape)
if sys.argv[1] == "fresh":
    assert "openvino_telemetry" not in sys.modules
"""
    for way in ("fresh", "before"):
        if way == "before" and find_spec("openvino_telemetry") is None:
            continue
        process = subprocess.run(
            [sys.executable, "-c", code, way],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
            env={**os.environ, "PYTHONPATH": SOURCE, "HOME": "/nonexistent"},
        )
        assert process.returncode == 0, process.stderr
        assert process.stdout == "(5, 2)\n"
        assert process.stderr == ""
