"""The model folder: JSON, YAML, safetensors and tree texts, every file in a manifest. No pickle, no code.

recipe.yaml       all settings of the fit; give it to ``fit --recipe`` to repeat it
schema.json       what each column is
learned.json      what encoders and learners learned, but the arrays
weights/*         arrays, as safetensors
trees/*           texts: boosted trees in LightGBM's own format, vocabularies
calibration.json  temperature and doubt, or residuals; how held-out rows were scored, for sets and for withheld predictions
leaderboard.json  the candidates, the verdict, the times
README.md         the model card
MANIFEST.json     format version, and the SHA-256 of every file
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors import SafetensorError
from safetensors.numpy import load, save

from consilience._version import __version__
from consilience.core.errors import DataError, FolderError, UsageError
from consilience.core.files import FULL, new_folder, try_place
from consilience.core.hashing import hash_file
from consilience.core.settings import parse_settings
from consilience.core.state import State
from consilience.data.kinds import KINDS
from consilience.data.schema import Schema
from consilience.features.plan import Features
from consilience.features.store import FeatureStore
from consilience.learn.calibration import Calibration
from consilience.learn.familiar import Familiarity
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline._rehearsal import rehearse
from consilience.pipeline._verify import FORMAT, MANIFEST, parse_json, read_folder, verify_folder
from consilience.pipeline._written import CalibrationFile, FactsFile, LearnedFile, check_file
from consilience.pipeline.card import model_card
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.recipe import make_recipe
from consilience.tasks import TASKS

__all__ = ["FORMAT", "check_target", "load_pipeline", "save_pipeline", "verify_folder"]

_UNCHANGED = "What stood there before is unchanged."
_WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError, RuntimeError, SafetensorError, yaml.YAMLError)
"""What may come of files that are as they were written, but hold no model."""
_DEEPEST = 30
"""Lists and mappings in one another in a recipe."""


def save_pipeline(pipeline: Pipeline, folder: str | Path) -> Path:
    """Writes the folder beside, then puts it in place: an old model stays whole until the new one is.

    Raises:
        FolderError: Something that is no model stands there, or the folder cannot be written.
    """
    path = Path(folder)
    check_target(path)
    try:
        with new_folder(path) as beside:
            _write(pipeline, beside)
            files = {file.relative_to(beside).as_posix(): hash_file(file) for file in sorted(beside.rglob("*")) if file.is_file()}
            _write_json(beside / MANIFEST, {"format": FORMAT, "written_by": f"consilience {__version__}", "files": files})
    except OSError as error:
        said = f"The model folder {path} cannot be written: {error.strerror or error}."
        room = f"Make room on that disk, or name a folder on another. {_UNCHANGED}"
        raise FolderError(said, hint=room if error.errno in FULL else f"Name another folder. {_UNCHANGED}") from error
    return path


def check_target(path: Path) -> None:
    """To be called before hours of work whose result goes there.

    Raises:
        FolderError: No model may be written there, but over nothing, an empty folder, or an older model; or none can be.
    """
    if path.exists() and not path.is_dir():
        raise FolderError(f"{path} is a file.", hint="Name a folder for the model.")
    try:
        if path.is_dir() and any(path.iterdir()) and not ((path / MANIFEST).is_file() and (path / "recipe.yaml").is_file()):
            raise FolderError(f"The folder {path} holds something that is no model.", hint="Name another folder, or empty this one.")
        if os.path.ismount(path):
            raise FolderError(
                f"The folder {path} is a mount point, which cannot be replaced as a whole.", hint=f"Name a folder inside it: {path / 'model'}"
            )
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            raise FolderError(f"The folder {path} is write-protected.", hint="Name another folder, or allow it to be replaced.")
        try_place(path)
    except OSError as error:
        hint = "Make room there, or name another folder." if error.errno in FULL else "Name another folder."
        raise FolderError(f"The model folder {path} cannot be written: {error.strerror or error}.", hint=hint) from error


def load_pipeline(folder: str | Path, store: FeatureStore | None = None) -> Pipeline:
    """The fitted whole, of the very bytes that were checked against the manifest.

    Raises:
        FolderError: See ``verify_folder``; or what is written there is no model.
        MissingExtra: An encoder needs a package that is not installed.
    """
    path = Path(folder)
    manifest, files = read_folder(path)
    try:
        pipeline = _read(files, store)
        rehearse(pipeline)
    except (UsageError, DataError) as error:
        raise FolderError(f"The model in {path} cannot be read: {error.what}", hint=error.hint) from error
    except _WRONG as error:
        said = " ".join(str(error).split())[:300]
        raise FolderError(
            f"The model in {path} cannot be read ({type(error).__name__}: {said}); it was written by {manifest['written_by']}.",
            hint="Fit again, or take the folder from a backup.",
        ) from error
    return pipeline


def _write(pipeline: Pipeline, folder: Path) -> None:
    (folder / "recipe.yaml").write_text(pipeline.recipe.to_yaml(), encoding="utf-8", newline="\n")
    (folder / "schema.json").write_text(pipeline.schema.model_dump_json(indent=1), encoding="utf-8", newline="\n")
    (folder / "README.md").write_text(model_card(pipeline), encoding="utf-8", newline="\n")
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
    if pipeline.familiarity is not None:
        parts["familiarity"] = pipeline.familiarity.state()
    _write_json(folder / "learned.json", {"members": members, "parts": {name: part.config for name, part in parts.items()}})
    (folder / "weights").mkdir()
    for name, part in parts.items():
        if part.arrays:
            # Not by its own save_file: that tells of a full disk in another kind of error, and lets nobody else read what it wrote.
            content = save({key: np.ascontiguousarray(value) for key, value in part.arrays.items()})
            (folder / "weights" / f"{name}.safetensors").write_bytes(content)
        for key, text in part.texts.items():
            (folder / "trees").mkdir(exist_ok=True)
            (folder / "trees" / f"{name}.{key.replace('|', '.')}.txt").write_text(text, encoding="utf-8", newline="\n")


def _read(files: Mapping[str, bytes], store: FeatureStore | None) -> Pipeline:
    recipe = make_recipe(_recipe(files["recipe.yaml"]))
    schema = Schema.model_validate_json(files["schema.json"])
    if schema.target is None:
        raise ValueError("schema.json has no target")
    for column in schema.features():
        KINDS.check(column.kind)
    learned = check_file(LearnedFile, parse_json(files["learned.json"]))
    calibration = check_file(CalibrationFile, parse_json(files["calibration.json"]))
    facts = check_file(FactsFile, parse_json(files["leaderboard.json"]))
    parts = {name: _part(files, name, config) for name, config in learned["parts"].items()}
    task_class = TASKS.get(schema.target.task)
    task = task_class(schema.target, parse_settings(task_class.Settings, recipe.task_settings, "The task"))
    features = Features.restore(parts["features"])
    situation = Situation(task, recipe.seed, "cpu", features.trained)
    members = {}
    for index, member in enumerate(learned["members"]):
        fitted = LEARNERS.get(member["learner"]).fitted.restore(parts[f"member{index}"], situation)
        members[member["name"]] = (fitted, tuple(member["modalities"]))
    model = FittedEnsemble(members, {member["name"]: member["weight"] for member in learned["members"]}, situation)
    familiarity = Familiarity.restore(parts["familiarity"]) if "familiarity" in parts else None
    return Pipeline(recipe, schema, task, features, model, Calibration.restore(State(calibration), task), facts, store, familiarity)


def _recipe(content: bytes) -> dict[str, Any]:
    """The settings. Ours have no aliases, with which a few lines can stand for more than memory holds, and are not deep."""
    text, depth = content.decode("utf-8"), 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            raise ValueError("recipe.yaml has aliases, or is nested too deeply")
    found = yaml.safe_load(text)
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise TypeError("recipe.yaml holds no settings")
    return found


def _part(files: Mapping[str, bytes], name: str, config: dict[str, Any]) -> State:
    weights, head = f"weights/{name}.safetensors", f"trees/{name}."
    texts = {
        file.removeprefix(head).removesuffix(".txt").replace(".", "|"): content.decode("utf-8")
        for file, content in sorted(files.items())
        if file.startswith(head)
    }
    return State(config, load(files[weights]) if weights in files else {}, texts)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8", newline="\n")
