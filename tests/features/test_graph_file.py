"""Compiled encoders that are kept on disk: used where they are whole and one's own, made again where not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import consilience.features._openvino as bridge
import consilience.features.runtime as runtime
from consilience.core.progress import Silent
from consilience.features._graph_file import GraphFile, graph_path, read_graph, write_graph
from consilience.features.extract import Extracted, extract
from consilience.features.store import FeatureStore

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
WORDS = [f"{index} " * (1 + index % 5) for index in range(30)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path / "cache") as store:
        yield store


def some() -> GraphFile:
    inputs = [np.arange(6).reshape(2, 3), np.ones((2, 3), dtype=np.int64)]
    return GraphFile(b"<net/>", np.arange(9, dtype=np.uint8), inputs, np.ones((2, 1, 4), np.float32), np.array([[True], [False]]))


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    assert read_graph(tmp_path / "a.graph") is None
    write_graph(tmp_path / "new" / "a.graph", some())
    found = read_graph(tmp_path / "new" / "a.graph")
    assert found is not None
    assert found.description == b"<net/>"
    np.testing.assert_array_equal(found.weights, some().weights)
    for array, expected in zip([*found.inputs, found.expected, found.mask], [*some().inputs, some().expected, some().mask], strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.graph"]


@pytest.mark.parametrize("at", [0, 31, 32, 45, -1])
def test_damage_is_noticed(tmp_path: Path, at: int) -> None:
    write_graph(path := tmp_path / "a.graph", some())
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert read_graph(path) is None
    path.write_bytes(data[: len(data) // 2])
    assert read_graph(path) is None
    path.write_bytes(b"")
    assert read_graph(path) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no such owners on this system")
def test_what_others_may_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_graph(path := tmp_path / "a.graph", some())
    path.chmod(0o664)
    assert read_graph(path) is None
    path.chmod(0o644)
    assert read_graph(path) is not None
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert read_graph(path) is None
    before = path.stat().st_ino
    write_graph(path, some())
    assert path.stat().st_ino == before  # another's file is not replaced either


@needs_openvino
def test_the_name_says_what_the_graph_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {graph_path(tmp_path, print_, shapes) for print_, shapes in (("a", [[-1, 3]]), ("b", [[-1, 3]]), ("a", [[-1, 4]]), ("a", [[-1, -1]]))}
    monkeypatch.setattr("consilience.features._graph_file.version", lambda package: "99")
    assert len(paths | {graph_path(tmp_path, "a", [[-1, 3]])}) == 5


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_graph(tmp_path / "file" / "a.graph", some())
    assert read_graph(tmp_path / "file" / "a.graph") is None


def run(fakes: SimpleNamespace, store: FeatureStore | None, name: str = "Letters", words: list[str] = WORDS) -> tuple[Extracted, Any]:
    encoder, progress = getattr(fakes, name)(), fakes.Noted()
    made = extract(fakes.cells(words), encoder, store, progress=progress, label="")
    assert progress.said == []
    return made, encoder


def forget_features(store: FeatureStore) -> None:
    for path in store.folder.glob("*.mdb"):
        path.unlink()


@needs_openvino
@pytest.mark.parametrize("name", ["Letters", "Pixels"])
def test_the_next_process_needs_no_torch_module(fakes: SimpleNamespace, store: FeatureStore, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    first, _ = run(fakes, store, name)
    assert len(list(store.graphs.iterdir())) == 1
    forget_features(store)
    monkeypatch.setattr(bridge, "convert_module", refuse)
    again, encoder = run(fakes, store, name)
    assert again.encoded == 30
    assert encoder._module is None
    assert again.values.tobytes() == first.values.tobytes()


def refuse(*_: object, **__: object) -> Any:
    raise RuntimeError("it must not be made again")


@needs_openvino
@pytest.mark.parametrize("how", ["damaged", "another graph", "no graph"])
def test_what_does_not_prove_itself_is_made_again(fakes: SimpleNamespace, store: FeatureStore, how: str) -> None:
    first, _ = run(fakes, store)
    (path,) = store.graphs.iterdir()
    whole = read_graph(path)
    assert whole is not None
    wrong = {"another graph": {"expected": -whole.expected}, "no graph": {"description": b"<net/>"}, "damaged": {}}[how]
    write_graph(path, GraphFile(**{**vars(whole), **wrong}))
    if how == "damaged":
        path.write_bytes(path.read_bytes()[:-1])
    forget_features(store)
    again, encoder = run(fakes, store)
    assert encoder._module is not None
    assert again.values.tobytes() == first.values.tobytes()
    mended = read_graph(path)
    assert mended is not None
    np.testing.assert_array_equal(mended.expected, whole.expected)
    assert mended.description.startswith(b"<?xml")


@needs_openvino
def test_without_a_store_nothing_is_kept(fakes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.features._graph_file.write_graph", refuse)
    found, _ = run(fakes, None)  # torch would have to take over, and that would be said
    assert found.encoded > 0


@needs_openvino
def test_what_torch_has_to_run_is_not_kept(fakes: SimpleNamespace, store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "closeness", lambda *_: 0.5)
    extract(fakes.cells(WORDS), fakes.Letters(), store, progress=Silent(), label="")
    assert not store.graphs.exists()


@needs_openvino
def test_pruning_takes_the_graphs_along(fakes: SimpleNamespace, store: FeatureStore) -> None:
    run(fakes, store, "Letters")
    run(fakes, store, "Pixels")
    (letters,) = (entry for entry in store.fingerprints() if entry.label == "Letters")
    assert len(list(store.graphs.iterdir())) == 2
    store.prune(fingerprints=[letters.fingerprint])
    (left,) = store.graphs.iterdir()
    assert not left.name.startswith(letters.fingerprint)
    store.prune()
    assert list(store.graphs.iterdir()) == []
