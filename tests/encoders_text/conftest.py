"""Cells of a text column, a cache of their own, and no network."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.state import State
from consilience.data.kinds import KINDS, Cells


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("CONSILIENCE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Many threads on tiny tensors wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def column() -> Callable[[Sequence[str | None]], dict[str, Cells]]:
    """Texts, None where absent, as an encoder gets them."""

    def make(texts: Sequence[str | None]) -> dict[str, Cells]:
        values = np.empty(len(texts), dtype=object)
        values[:] = list(texts)
        return {"words": Cells("words", KINDS.get("text")(), values, np.array([text is not None for text in texts], dtype=bool))}

    return make


@pytest.fixture(scope="session")
def through_disk() -> Callable[[State], State]:
    """A state as it comes back from a model folder: JSON, safetensors, UTF-8."""

    def roundtrip(state: State) -> State:
        from safetensors.numpy import load, save

        config: dict[str, Any] = json.loads(json.dumps(state.config))
        return State(config, load(save(state.arrays)), {name: text.encode().decode() for name, text in state.texts.items()})

    return roundtrip


@pytest.fixture(scope="session")
def mixed() -> list[str | None]:
    """English, Chinese, emoji, numbers, an empty text, an absent cell, a very long text."""
    return [
        "The red cube weighs 63.80 kg, the blue one 12 kg.",
        "我来到北京清华大学，天气很好。",
        None,
        "",
        "👩‍🚀 🇨🇳 👍🏽 well done!",
        "unbelievable " * 3000,
        "这家餐厅的服务态度非常好 5 stars",
        None,
        "a red sphere and a blue cone",
        "ἀρετή สวัสดี हिन्दी",
    ]
