"""The model folder: JSON, YAML, safetensors and tree texts, every file in a manifest. No pickle, no code.

recipe.yaml       all settings of the fit; give it to ``fit --recipe`` to repeat it
schema.json       what each column is
learned.json      what encoders and learners learned, but the arrays
weights/*         arrays, as safetensors
trees/*           texts: boosted trees in LightGBM's own format, vocabularies
calibration.json  temperature and doubt, or residuals
leaderboard.json  the candidates, the verdict, the times
README.md         the model card
MANIFEST.json     format version, and the SHA-256 of every file
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from consilience._version import __version__
from consilience.core.errors import FolderError
from consilience.core.files import new_folder
from consilience.core.hashing import hash_file
from consilience.core.settings import parse_settings
from consilience.core.state import State
from consilience.data.schema import Schema
from consilience.features.plan import Features
from consilience.features.store import FeatureStore
from consilience.learn.calibration import Calibration
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline.card import model_card
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.recipe import make_recipe, read_recipe
from consilience.tasks import TASKS

__all__ = ["FORMAT", "load_pipeline", "save_pipeline", "verify_folder"]

FORMAT = 1
"""Counts up whenever an older version could not read what a newer one writes."""

_NEVER = {".bin", ".ckpt", ".dll", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth", ".py", ".pyc", ".so"}
"""Endings of files that can hold code; none of them belongs into a model folder."""


def save_pipeline(pipeline: Pipeline, folder: str | Path) -> Path:
    """Writes the folder beside, then renames: an old model stays whole until the new one is.

    Raises:
        FolderError: Something that is no model stands there, or the folder cannot be written.
    """
    path = Path(folder)
    check_target(path)
    try:
        with new_folder(path) as beside:
            _write(pipeline, beside)
            files = {file.relative_to(beside).as_posix(): hash_file(file) for file in sorted(beside.rglob("*")) if file.is_file()}
            manifest = {"format": FORMAT, "written_by": f"consilience {__version__}", "files": files}
            (beside / "MANIFEST.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    except OSError as error:
        raise FolderError(
            f"The model folder {path} cannot be written: {error.strerror or error}.", hint="What stood there before is unchanged."
        ) from error
    return path


def check_target(path: Path) -> None:
    """Raises FolderError unless a model may be written there: nothing, an empty folder, or an older model."""
    if path.is_file():
        raise FolderError(f"{path} is a file.", hint="Name a folder for the model.")
    if path.is_dir() and any(path.iterdir()) and not (path / "MANIFEST.json").is_file():
        raise FolderError(f"The folder {path} holds something that is no model.", hint="Name another folder, or empty this one.")


def verify_folder(folder: str | Path) -> dict[str, Any]:
    """The manifest, after every file was checked against it.

    Raises:
        FolderError: A file is missing, changed or foreign, or a newer version wrote the folder.
    """
    path = Path(folder)
    if not path.exists():
        raise FolderError(f"There is no folder {path}.", hint="Fit a model first: consilience fit TABLE --target COLUMN --out FOLDER")
    try:
        manifest = json.loads((path / "MANIFEST.json").read_text(encoding="utf-8"))
        files, version, writer = dict(manifest["files"]), int(manifest["format"]), str(manifest["written_by"])
    except FileNotFoundError:
        raise FolderError(f"The folder {path} is no model: it has no MANIFEST.json.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise FolderError(f"The file {path / 'MANIFEST.json'} is damaged.", hint="Fit again, or take the folder from a backup.") from None
    if version > FORMAT:
        raise FolderError(
            f"The model in {path} was written by {writer} in format {version}; this is consilience {__version__}, which reads up to {FORMAT}.",
            hint="Update with: pip install -U consilience",
        )
    for name, digest in files.items():
        file = path / name
        if ".." in Path(name).parts or Path(name).is_absolute() or file.is_symlink():
            raise FolderError(f"The manifest of {path} names {name!r}, which lies outside the folder.")
        if not file.is_file():
            raise FolderError(f"The model in {path} lacks the file {name}.", hint="Copy the folder again as a whole, or fit again.")
        if hash_file(file) != digest:
            raise FolderError(
                f"The file {name} of the model in {path} is not as it was written.", hint="Copy the folder again as a whole, or fit again."
            )
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if file.is_file() and name not in files and name != "MANIFEST.json" and (file.suffix.lower() in _NEVER or "/" in name):
            raise FolderError(
                f"The file {name} does not belong to the model in {path}.",
                hint="Nobody knows what it would do. Remove it if you did not put it there.",
            )
    return dict(manifest)


def load_pipeline(folder: str | Path, store: FeatureStore | None = None) -> Pipeline:
    """The fitted whole, after the folder was verified.

    Raises:
        FolderError: See ``verify_folder``.
    """
    path = Path(folder)
    manifest = verify_folder(path)
    try:
        return _read(path, store)
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise FolderError(
            f"The model in {path} cannot be read ({type(error).__name__}: {error}); it was written by {manifest['written_by']}."
        ) from error


def _write(pipeline: Pipeline, folder: Path) -> None:
    (folder / "recipe.yaml").write_text(pipeline.recipe.to_yaml(), encoding="utf-8")
    (folder / "schema.json").write_text(pipeline.schema.model_dump_json(indent=1), encoding="utf-8")
    (folder / "README.md").write_text(model_card(pipeline), encoding="utf-8")
    _write_json(folder / "leaderboard.json", pipeline.facts)
    _write_json(folder / "calibration.json", pipeline.calibration.state().config)
    parts = {"features": pipeline.features.state()}
    learner_of = {entry["name"]: entry["learner"] for entry in pipeline.facts["leaderboard"]}
    members = []
    for index, (name, (fitted, modalities)) in enumerate(pipeline.model.members.items()):
        parts[f"member{index}"] = fitted.state()
        members.append(
            {
                "name": name,
                "learner": learner_of[name],
                "modalities": list(modalities),
                "weight": pipeline.model.weights[name],
            }
        )
    _write_json(folder / "learned.json", {"members": members, "parts": {name: part.config for name, part in parts.items()}})
    (folder / "weights").mkdir()
    for name, part in parts.items():
        if part.arrays:
            save_file({key: np.ascontiguousarray(value) for key, value in part.arrays.items()}, folder / "weights" / f"{name}.safetensors")
        for key, text in part.texts.items():
            (folder / "trees").mkdir(exist_ok=True)
            (folder / "trees" / f"{name}.{key.replace('|', '.')}.txt").write_text(text, encoding="utf-8")


def _read(path: Path, store: FeatureStore | None) -> Pipeline:
    recipe = make_recipe(read_recipe(path / "recipe.yaml"))
    schema = Schema.model_validate_json((path / "schema.json").read_text(encoding="utf-8"))
    learned = json.loads((path / "learned.json").read_text(encoding="utf-8"))
    parts = {name: _read_part(path, name, config) for name, config in learned["parts"].items()}
    if schema.target is None:
        raise FolderError(f"The schema of the model in {path} has no target.")
    task_class = TASKS.get(schema.target.task)
    task = task_class(schema.target, parse_settings(task_class.Settings, recipe.task_settings, "The task"))
    features = Features.restore(parts["features"])
    situation = Situation(task, recipe.seed, "cpu", features.trained)
    members = {}
    for index, member in enumerate(learned["members"]):
        fitted = LEARNERS.get(member["learner"]).fitted.restore(parts[f"member{index}"], situation)
        members[member["name"]] = (fitted, tuple(member["modalities"]))
    model = FittedEnsemble(members, {member["name"]: member["weight"] for member in learned["members"]}, situation)
    calibration = Calibration.restore(State(json.loads((path / "calibration.json").read_text(encoding="utf-8"))), task)
    return Pipeline(recipe, schema, task, features, model, calibration, json.loads((path / "leaderboard.json").read_text(encoding="utf-8")), store)


def _read_part(path: Path, name: str, config: dict[str, Any]) -> State:
    file = path / "weights" / f"{name}.safetensors"
    arrays = load_file(file) if file.is_file() else {}
    texts = {
        tree.name.removeprefix(f"{name}.").removesuffix(".txt").replace(".", "|"): tree.read_text(encoding="utf-8")
        for tree in sorted((path / "trees").glob(f"{name}.*.txt"))
    }
    return State(config, arrays, texts)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
