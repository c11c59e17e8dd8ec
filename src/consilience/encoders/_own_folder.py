"""The folder of an encoder that was pretrained: JSON and safetensors, each file in a manifest. No pickle, no code.

encoder.json         which encoder it is, its settings, what it learned, and how its training went
weights.safetensors  the network's weights, and arrays that the encoder learned
MANIFEST.json        the format's version, who wrote it, and the SHA-256 of the two
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from consilience._version import __version__
from consilience.core.errors import FolderError
from consilience.core.files import standing
from consilience.core.hashing import hash_json
from consilience.core.state import State

__all__ = ["ABOUT", "FORMAT", "OwnFolder", "read_own", "write_own"]

FORMAT = 1
"""Counts up whenever an older version could not read what a newer one writes."""
ABOUT, WEIGHTS, MANIFEST = "encoder.json", "weights.safetensors", "MANIFEST.json"
_AGAIN = "Pretrain again, or copy the folder again as a whole."
_TRIES = 5
_MOST = 64 * 2**20
"""Bytes that encoder.json may have: a vocabulary of all words fits in many times over."""


@dataclass(frozen=True)
class OwnFolder:
    """A pretrained encoder as it is kept.

    Args:
        key: The encoder's key, such as ``audio/melcnn``.
        settings: Its settings.
        state: What its ``fit`` learned.
        weights: Name to array, as its module's ``state_dict`` has them.
        width: Numbers per token.
        inputs: Name of each prepared array to the shape of one row.
        about: How the training went.
    """

    key: str
    settings: dict[str, Any]
    state: State
    weights: dict[str, np.ndarray]
    width: int
    inputs: dict[str, list[int]]
    about: dict[str, Any]

    @property
    def digest(self) -> str:
        """Hex hash of all that decides what it gives; how the training went does not."""
        arrays = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in self.arrays().items()}
        return hash_json([self.key, self.settings, self.state.config, self.state.texts, self.width, self.inputs, arrays])

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays, by the names that they have in the file."""
        learned = {f"state|{name}": array for name, array in self.state.arrays.items()}
        return {**learned, **{f"module|{name}": array for name, array in self.weights.items()}}


def write_own(folder: Path, own: OwnFolder) -> None:
    """Writes the three files into a folder that is there."""
    said = {
        "key": own.key,
        "settings": own.settings,
        "config": own.state.config,
        "texts": own.state.texts,
        "width": own.width,
        "inputs": own.inputs,
        "about": own.about,
    }
    text = json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False)
    contents = {ABOUT: text.encode("utf-8"), WEIGHTS: save({name: np.asarray(array, order="C") for name, array in own.arrays().items()})}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = {"format": FORMAT, "written_by": f"consilience {__version__}", "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8", newline="\n")


def read_own(folder: str | Path) -> OwnFolder:
    """The encoder of a folder: of the very bytes that were checked against the manifest.

    Raises:
        FolderError: There is none, a file is missing or changed, or a newer version wrote it.
    """
    given = Path(folder).expanduser()
    for _ in range(_TRIES):
        path = standing(given)
        manifest = _bytes(path, MANIFEST)
        try:
            contents = _checked(path, manifest)
        except FolderError:
            if standing(given) == path and _bytes(path, MANIFEST) == manifest:
                raise
            continue  # another process replaced it meanwhile
        return _parsed(path, contents)
    raise FolderError(f"The encoder in {given} is being replaced again and again.", hint="Load it when the other process is done.")


def _bytes(path: Path, name: str) -> bytes:
    if not path.is_dir():
        raise FolderError(f"There is no folder {path}.", hint="Make one with: consilience pretrain TABLE --column COLUMN --out FOLDER")
    try:
        return (path / name).read_bytes()
    except FileNotFoundError:
        raise FolderError(f"The folder {path} holds no pretrained encoder: it has no {name}.", hint="Name the folder that pretrain wrote.") from None
    except OSError as error:
        raise FolderError(f"The file {path / name} cannot be read: {error.strerror or error}.") from error


def _checked(path: Path, content: bytes) -> dict[str, bytes]:
    """The files' bytes, as the manifest says that they are."""
    try:
        manifest = json.loads(content.decode("utf-8"))
        files, version, writer = manifest["files"], manifest["format"], str(manifest["written_by"])
        if not isinstance(files, dict) or type(version) is not int or version < 1:
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FolderError(f"The file {path / MANIFEST} is damaged.", hint=_AGAIN) from None
    if version > FORMAT:
        raise FolderError(
            f"The encoder in {path} was written by {writer} in format {version}; this is consilience {__version__}, which reads up to {FORMAT}.",
            hint="Update with: pip install -U consilience",
        )
    if set(files) != {ABOUT, WEIGHTS}:
        raise FolderError(f"{path} is not the folder of a pretrained encoder.", hint="Name the folder that pretrain wrote.")
    contents = {name: _bytes(path, name) for name in (ABOUT, WEIGHTS)}
    for name, digest in files.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise FolderError(f"The file {name} of the encoder in {path} is not as it was written.", hint=_AGAIN)
    return contents


def _parsed(path: Path, contents: Mapping[str, bytes]) -> OwnFolder:
    try:
        if len(contents[ABOUT]) > _MOST:
            raise ValueError("it is too long")
        said = json.loads(contents[ABOUT].decode("utf-8"))
        arrays = load(contents[WEIGHTS])
        state = State(dict(said["config"]), _part(arrays, "state"), {str(name): str(text) for name, text in said["texts"].items()})
        inputs = {str(name): [int(side) for side in shape] for name, shape in said["inputs"].items()}
        return OwnFolder(str(said["key"]), dict(said["settings"]), state, _part(arrays, "module"), int(said["width"]), inputs, dict(said["about"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise FolderError(f"The encoder in {path} cannot be read ({type(error).__name__}: {error}).", hint=_AGAIN) from error


def _part(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    head = f"{name}|"
    return {key[len(head) :]: array for key, array in arrays.items() if key.startswith(head)}
