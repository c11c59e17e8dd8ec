"""Model folders that were changed and entered into the manifest: what they say must still hold together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import consilience
from consilience.core.errors import FolderError
from consilience.core.hashing import hash_file


@pytest.fixture(scope="module")
def network(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    frame = pl.read_csv(data / "train.csv", infer_schema=False).select("words", "size", "label")
    words: dict[str, Any] = {"encoders": {"text": "bow"}, "cache": folder / "store", "folds": 2, "progress": False}
    return consilience.fit(frame, target="label", learners=("network",), fusion="concat", **words).save(folder / "model")


def forge(folder: Path, name: str, change: Callable[[str], str]) -> None:
    """Change a file, and let the manifest say so."""
    (folder / name).write_text(change((folder / name).read_text()))
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"][name] = hash_file(folder / name)
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))


def no_classes(text: str) -> str:
    schema = json.loads(text)
    schema["target"]["classes"] = []
    return json.dumps(schema)


def no_networks(text: str) -> str:
    learned = json.loads(text)
    learned["parts"]["member0"]["networks"] = 0
    return json.dumps(learned)


def a_word_twice(text: str) -> str:
    first, _, *others = text.split("\n")
    return "\n".join([first, first, *others])


def test_what_does_not_hold_together_is_refused(network: Path, tmp_path: Path) -> None:
    vocabulary = next((network / "trees").glob("features.*.words.txt")).relative_to(network).as_posix()
    for number, (name, change) in enumerate({"schema.json": no_classes, "learned.json": no_networks, vocabulary: a_word_twice}.items()):
        folder = tmp_path / str(number)
        shutil.copytree(network, folder)
        forge(folder, name, str)
        consilience.load(folder)  # written again, but unchanged
        forge(folder, name, change)
        with pytest.raises(FolderError, match="cannot be read"):
            consilience.load(folder)
