"""A model folder's files, each as it was written: checked against the manifest, and read in the same breath."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NoReturn

from consilience._version import __version__
from consilience.core.errors import FolderError
from consilience.core.files import standing
from consilience.core.hashing import hash_file

__all__ = ["FORMAT", "MANIFEST", "parse_json", "read_folder", "verify_folder"]

FORMAT = 1
"""Counts up whenever an older version could not read what a newer one writes."""

MANIFEST = "MANIFEST.json"

_NEEDED = ("recipe.yaml", "schema.json", "learned.json", "calibration.json", "leaderboard.json")
_ENDINGS = {"": {".json", ".yaml", ".md"}, "weights": {".safetensors"}, "trees": {".txt"}}
"""Subfolder to the endings of files that belong there; there are no others."""

_NEVER = {".bin", ".ckpt", ".dll", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth", ".py", ".pyc", ".so"}
"""Endings of files that can hold code; a person may lay notes into a model folder, but not these."""

_AGAIN = "Copy the folder again as a whole, or fit again."
_TRIES = 5


def verify_folder(folder: str | Path) -> dict[str, Any]:
    """The manifest, after every file was checked against it.

    Raises:
        FolderError: A file is missing, changed or foreign, or a newer version wrote the folder.
    """
    return _steady(Path(folder), keep=False)[0]


def read_folder(folder: str | Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the content of each file: the very bytes that were checked.

    Raises:
        FolderError: As ``verify_folder``.
    """
    return _steady(Path(folder), keep=True)


def parse_json(content: bytes) -> Any:
    """A JSON value; NaN and infinity, which are no JSON, are refused.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _steady(folder: Path, *, keep: bool) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Begins again where another process replaced the model meanwhile: what is read belongs together."""
    for _ in range(_TRIES):
        path = standing(folder)
        before = _manifest_bytes(path)
        try:
            manifest = _manifest(path, before)
            contents = _contents(path, manifest["files"], keep=keep)
            _check_foreign(path, manifest["files"])
        except (FolderError, OSError) as error:
            if standing(folder) == path and _manifest_bytes(path) == before:
                if isinstance(error, FolderError):
                    raise
                raise FolderError(f"The model in {path} cannot be read: {error.strerror or error}.") from error
        else:
            return manifest, contents
    raise FolderError(f"The model in {folder} is being replaced again and again.", hint="Load it when the other process is done.")


def _manifest_bytes(path: Path) -> bytes:
    if not path.exists():
        raise FolderError(f"There is no folder {path}.", hint="Fit a model first: consilience fit TABLE --target COLUMN --out FOLDER")
    if not path.is_dir():
        raise FolderError(f"{path} is no folder, as a model is.", hint="Name the folder that fit wrote.")
    try:
        return (path / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise FolderError(f"The folder {path} is no model: it has no {MANIFEST}.") from None
    except OSError as error:
        raise FolderError(f"The file {path / MANIFEST} cannot be read: {error.strerror or error}.") from error


def _manifest(path: Path, content: bytes) -> dict[str, Any]:
    """The manifest, where it is one, of a version that can be read, and of files that belong into the folder."""
    try:
        manifest = parse_json(content)
        files, version, writer = manifest["files"], manifest["format"], str(manifest["written_by"])
        if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()) or type(version) is not int or version < 1:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"The file {path / MANIFEST} is damaged.", hint="Fit again, or take the folder from a backup.") from None
    if version > FORMAT:
        raise FolderError(
            f"The model in {path} was written by {writer} in format {version}; this is consilience {__version__}, which reads up to {FORMAT}.",
            hint="Update with: pip install -U consilience",
        )
    for name in files:
        if not _inside(path, name):
            raise FolderError(f"The manifest of {path} names {name!r}, which lies outside the folder.")
        if not _belongs(name):
            raise FolderError(
                f"The manifest of {path} names {name!r}, which no version of consilience writes.", hint="Do not trust the folder: fit again."
            )
    for name in _NEEDED:
        if name not in files:
            raise FolderError(f"The manifest of {path} does not name {name}, without which there is no model.", hint=_AGAIN)
    return dict(manifest)


def _inside(path: Path, name: str) -> bool:
    """True if the name leads to a file in the folder, and not over a link either."""
    try:
        return (path / name).resolve() == path.resolve() / name and ".." not in Path(name).parts
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, a circle of links
        return False


def _belongs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return Path(file).suffix in _ENDINGS.get(folder, ())


def _contents(path: Path, files: dict[str, str], *, keep: bool) -> dict[str, bytes]:
    """Name to content of each file of the manifest; empty ones where they are not to be kept."""
    contents: dict[str, bytes] = {}
    for name, digest in files.items():
        file = path / name
        if not file.is_file():
            raise FolderError(f"The model in {path} lacks the file {name}.", hint=_AGAIN)
        contents[name] = file.read_bytes() if keep else b""
        if (hashlib.sha256(contents[name]).hexdigest() if keep else hash_file(file)) != digest:
            raise FolderError(f"The file {name} of the model in {path} is not as it was written.", hint=_AGAIN)
    return contents


def _check_foreign(path: Path, files: dict[str, str]) -> None:
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if name not in files and name != MANIFEST and not file.is_dir() and (file.suffix.lower() in _NEVER or "/" in name):
            raise FolderError(
                f"The file {name} does not belong to the model in {path}.",
                hint="Nobody knows what it would do. Remove it if you did not put it there.",
            )
