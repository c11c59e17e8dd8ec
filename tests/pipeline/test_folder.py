"""The model folder: the same predictions after loading, nothing half written, nothing foreign loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import consilience
from consilience.core.errors import FolderError
from consilience.pipeline import folder as folder_module


@pytest.fixture(scope="module")
def saved(model: consilience.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def test_loaded_model_predicts_the_same(model: consilience.Model, saved: Path, data: Path) -> None:
    loaded = consilience.load(saved)
    np.testing.assert_array_equal(loaded.predict_proba(data / "test.csv"), model.predict_proba(data / "test.csv"))
    np.testing.assert_array_equal(loaded.embed(data / "test.csv"), model.embed(data / "test.csv"))
    assert loaded.facts == json.loads(json.dumps(model.facts))


def test_every_learner_is_restored_to_the_bit(data: Path, tmp_path: Path) -> None:
    model = consilience.fit(
        data / "train.csv", target="label", encoders={"image": "hog", "text": "bow+gru"}, fusion="attention", folds=2, progress=False
    )
    members = {name.partition(":")[0] for name in model.pipeline.model.members}
    assert members
    loaded = consilience.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict_proba(data / "test.csv"), model.predict_proba(data / "test.csv"))


def test_no_code_in_the_folder(saved: Path) -> None:
    assert {path.suffix for path in saved.rglob("*") if path.is_file()} <= {".json", ".yaml", ".md", ".safetensors", ".txt"}


def test_changed_byte_is_refused(copy: Path) -> None:
    for file in sorted(path for path in copy.rglob("*") if path.is_file() and path.name != "MANIFEST.json"):
        before = file.read_bytes()
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(FolderError, match=file.name):
            consilience.load(copy)
        file.write_bytes(before)
    consilience.load(copy)


def test_missing_and_foreign_files_are_refused(copy: Path) -> None:
    (copy / "weights" / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(FolderError, match=r"evil\.pkl"):
        consilience.load(copy)
    (copy / "weights" / "evil.pkl").unlink()
    (copy / "schema.json").unlink()
    with pytest.raises(FolderError, match=r"schema\.json"):
        consilience.load(copy)


def test_newer_format_says_who_wrote_it(copy: Path) -> None:
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    (copy / "MANIFEST.json").write_text(json.dumps({**manifest, "format": 99, "written_by": "consilience 9.9"}))
    with pytest.raises(FolderError, match=r"consilience 9\.9"):
        consilience.load(copy)


def test_path_out_of_the_folder_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    manifest["files"]["../outside.json"] = "0"
    (copy / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(FolderError, match="outside"):
        consilience.load(copy)


def test_old_model_stays_whole_when_writing_fails(model: consilience.Model, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "_write_json", full)
    with pytest.raises(FolderError, match="No space left"):
        model.save(copy)
    consilience.load(copy)
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


def test_other_folders_are_not_overwritten(model: consilience.Model, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderError, match="no model"):
        model.save(tmp_path / "precious")
    with pytest.raises(FolderError):
        consilience.load(tmp_path / "nowhere")
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"


def test_recipe_repeats_the_fit(model: consilience.Model, saved: Path, data: Path) -> None:
    again = consilience.fit(data / "train.csv", recipe=saved / "recipe.yaml", progress=False)
    np.testing.assert_array_equal(again.predict_proba(data / "test.csv"), model.predict_proba(data / "test.csv"))
