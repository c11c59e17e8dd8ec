"""A full disk, and a place that may not be written: said before the work where it can be known, and what stood there stays whole."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import consilience
from consilience.cli import app
from consilience.core import files as files_module
from consilience.core.errors import FolderError
from consilience.pipeline import folder as folder_module

FULL = OSError(errno.ENOSPC, "No space left on device")


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def whole(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_disk_that_is_full_at_any_of_the_files(models: dict[int, Path], copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write of each file in turn fails; the old model stays whole, nothing is left beside it, and the message says what to do."""
    made, before = consilience.load(models[2]), whole(copy)
    opened, failing = io.open, [""]

    def fails(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if "w" in mode and isinstance(file, str | Path) and str(file).endswith(failing[0]):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return opened(file, mode, *more, **named)

    monkeypatch.setattr(io, "open", fails)
    names = names_of(models[2])
    assert {name.partition("/")[0] for name in names} >= {"weights", "trees", "MANIFEST.json", "README.md", "recipe.yaml"}
    for name in names:
        failing[0] = f"/{name}"
        with pytest.raises(FolderError, match=r"No space left on device.*Make room.*What stood there before is unchanged"):
            made.save(copy)
        assert whole(copy) == before
        assert os.listdir(copy.parent) == ["model"]
    failing[0] = "nothing"
    made.save(copy)
    assert consilience.load(copy).pipeline.recipe.seed == 2


@pytest.mark.parametrize("step", ["mkdir", "beside", "to_disk", "swap"])
def test_a_disk_that_is_full_at_any_of_the_steps(models: dict[int, Path], copy: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    made, before = consilience.load(models[2]), whole(copy)

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    if step == "mkdir":
        monkeypatch.setattr(Path, "mkdir", fails)
    else:
        monkeypatch.setattr(files_module, step, fails)
    with pytest.raises(FolderError, match=r"quota exceeded.*Make room"):
        made.save(copy)
    monkeypatch.undo()
    assert whole(copy) == before
    assert os.listdir(copy.parent) == ["model"]


def test_where_names_cannot_be_swapped_the_old_model_comes_back(models: dict[int, Path], copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, before = consilience.load(models[2]), whole(copy)
    renamed = os.rename
    monkeypatch.setattr(files_module, "swap", lambda first, second: False)

    def fails(first: Any, second: Any) -> None:
        if Path(second) == copy and "before" not in str(first):
            raise FULL
        renamed(first, second)

    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(FolderError, match="No space left"):
        made.save(copy)
    assert whole(copy) == before
    assert os.listdir(copy.parent) == ["model"]
    monkeypatch.setattr(os, "rename", renamed)
    made.save(copy)
    assert consilience.load(copy).pipeline.recipe.seed == 2
    assert os.listdir(copy.parent) == ["model"]


def test_a_file_that_may_not_grow_is_a_full_disk(forks: Any, models: dict[int, Path], copy: Path) -> None:
    """By the system's own limit on the size of a file, with all of the real writing: each size at which another file is the first to fail."""
    before = whole(copy)
    sizes = sorted({path.stat().st_size for path in models[2].rglob("*") if path.is_file()})
    for size in sizes:
        done = forks("save", {"model": models[2], "out": copy}, limit=size - 1)
        assert done["code"] != 0
        assert whole(copy) == before
        assert os.listdir(copy.parent) == ["model"]


def test_a_fit_whose_model_does_not_fit_on_the_disk(forks: Any, data: Path, words: list[str], copy: Path, tmp_path: Path) -> None:
    before = whole(copy)
    line = ["fit", "train.csv", *words, "--out", copy, "--cache", tmp_path / "cache", "--quiet"]
    done = forks.fit(data, *line, limit=3000)
    assert done["code"] == 2
    assert done["out"] == ""
    assert done["err"].count("The disk is full, or a file may not grow: features cannot be kept") == 0  # --quiet
    assert done["err"].startswith("Error: The model folder")
    assert "Make room" in done["err"]
    assert whole(copy) == before


def test_a_store_that_is_full_is_said_once_and_the_fit_goes_on(forks: Any, data: Path, words: list[str], tmp_path: Path) -> None:
    """The limit lets every file of the model through, and not the store's."""
    line = ["fit", "train.csv", *words, "--out", tmp_path / "model", "--cache", tmp_path / "cache"]
    done = forks.fit(data, *line, limit=40_000)
    assert done["code"] == 0, done["err"]
    assert done["err"].count("The disk is full, or a file may not grow: features cannot be kept in") == 1
    assert done["err"].count("The work goes on, but new features are not kept.") == 1
    assert forks.look(tmp_path / "model", data)["seed"] == 0


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.parquet", "p.jsonl", "p.arrow"])
def test_predictions_that_do_not_fit_on_the_disk(forks: Any, models: dict[int, Path], data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("what I have")
    line = ["predict", models[1], "test.csv", "--proba", "--out", tmp_path / name, "--cache", models[1].parent / "cache", "--quiet"]
    done = forks.fit(data, *line, limit=700)  # a message has room
    assert done["code"] == 2, done["err"]
    assert done["err"].startswith("Error: ")
    assert name in done["err"]
    assert "File too large" in done["err"] or "disk is full" in done["err"]
    assert (tmp_path / name).read_text() == "what I have"
    assert os.listdir(tmp_path) == [name]


def test_a_report_that_does_not_fit_on_the_disk(forks: Any, models: dict[int, Path], data: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("what I have")
    done = forks.fit(data, "report", models[1], "--out", tmp_path / "r.html", "--quiet", limit=1000)
    assert done["code"] == 2, done["err"]
    assert done["err"].startswith("Error: ")
    assert done["err"].count("\n") == 1
    assert "Make room" in done["err"] or "Name another place" in done["err"]
    assert (tmp_path / "r.html").read_text() == "what I have"
    assert os.listdir(tmp_path) == ["r.html"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("option", ["--json", pytest.param("--quiet", marks=pytest.mark.slow)])
def test_a_standard_output_that_is_full(models: dict[int, Path], data: Path, option: str) -> None:
    line = [sys.executable, "-m", "consilience", "evaluate", str(models[1]), "test.csv", option]
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, cwd=data, check=False)
    assert done.returncode == 2
    assert "Error: The disk is full" in done.stderr
    assert "our fault" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("place", ["file/model", "/proc/model", "/proc/self/model"])
def test_a_place_where_nothing_can_be_written_is_said_before_the_work(data: Path, tmp_path: Path, place: str) -> None:
    """Before the table is looked for, even."""
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc on this system")
    (tmp_path / "file").write_text("")
    done = run("fit", data / "none.csv", "--target", "label", "--out", tmp_path / place)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot be written" in done.stderr
    assert "Name another" in done.stderr


def test_a_folder_without_permission_is_said_before_the_work(forks: Any, data: Path, models: dict[int, Path]) -> None:
    """As a user for whom permissions bind. Not in tmp_path, into which only its owner may look."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        shutil.copytree(models[1], place / "mine" / "model")
        given = {"user": 65534} if os.geteuid() == 0 else {}
        (place / "mine").chmod(0o755 if given else 0o555)
        done = forks.fit(Path("/"), "fit", "none.csv", "--target", "label", "--out", place / "mine" / "model", **given)
        assert done["code"] == 2
        assert "write-protected" in done["err"]
        (place / "mine").chmod(0o777)
        (place / "mine" / "model").chmod(0o555)
        done = forks.fit(Path("/"), "fit", "none.csv", "--target", "label", "--out", place / "mine" / "model", **given)
        assert done["code"] == 2
        assert "write-protected" in done["err"]
        assert "none.csv" not in done["err"]
        (place / "mine" / "model").chmod(0o755)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_what_the_system_says_of_a_place_is_said_before_the_work(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """It is tried, not asked: a file system that may only be read, or is full, lets the superuser do everything until he writes."""

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files_module, "beside", fails)
    done = run("fit", data / "none.csv", "--target", "label", "--out", tmp_path / "model")
    assert done.exit_code == 2
    assert os.strerror(code) in done.stderr
    assert ("Make room" in done.stderr) == (code in (errno.ENOSPC, errno.EDQUOT))
    assert os.listdir(tmp_path) == []


def test_a_mount_point_is_said_before_the_work(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be replaced as a whole: after hours of work the system would say that it is busy."""
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "out")
    done = run("fit", data / "none.csv", "--target", "label", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "mount point" in done.stderr
    assert str(tmp_path / "out" / "model") in done.stderr


def test_others_may_read_a_model_where_they_may_read_files(models: dict[int, Path]) -> None:
    """Someone fits, a server loads."""
    mask = os.umask(0o022)
    os.umask(mask)
    for path in models[1].rglob("*"):
        assert path.stat().st_mode & 0o777 & ~mask == (0o755 if path.is_dir() else 0o644) & ~mask, path


def test_looking_whether_a_model_may_go_there_leaves_nothing(tmp_path: Path) -> None:
    folder_module.check_target(tmp_path / "deep" / "model")
    assert os.listdir(tmp_path) == []
