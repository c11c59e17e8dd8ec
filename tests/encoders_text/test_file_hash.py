"""Hashes of weight files: of the content, and made anew whenever the file may be another."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import consilience.encoders._file_hash as module
from consilience.core.errors import UsageError
from consilience.encoders._file_hash import file_hash, hashes_kept


@pytest.fixture
def weights(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"numbers")
    module.remembered.cache_clear()
    yield path
    module.remembered.cache_clear()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read whole."""
    whole: list[Path] = []
    hashed = module.hash_file
    monkeypatch.setattr(module, "hash_file", lambda path: (whole.append(path), hashed(path))[1])
    return whole


def later(monkeypatch: pytest.MonkeyPatch, seconds: float = 10.0) -> None:
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + seconds)


def again(path: Path, kept: Path | None) -> str:
    """As another process would ask."""
    module.remembered.cache_clear()
    with hashes_kept(kept):
        return file_hash(path)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_once_a_process(weights: Path, read: list[Path]) -> None:
    assert file_hash(weights) == file_hash(weights) == sha(b"numbers")
    assert len(read) == 1
    weights.write_bytes(b"other numbers")
    assert file_hash(weights) == sha(b"other numbers")
    with pytest.raises(UsageError, match="no file"):
        file_hash(weights.parent / "gone")


def test_kept_for_the_next_process(weights: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = weights.parent / "cache" / "weights.json"
    again(weights, None)
    assert not kept.parent.exists()
    later(monkeypatch)
    assert again(weights, kept) == again(weights, kept) == sha(b"numbers")
    assert len(read) == 2
    weights.write_bytes(b"NUMBERS")  # as long as before
    assert again(weights, kept) == sha(b"NUMBERS")
    before = weights.stat()
    weights.write_bytes(b"nUmBeRs")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time of change was set back
    assert again(weights, kept) == sha(b"nUmBeRs")


def test_a_file_that_just_changed_is_not_kept(weights: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = weights.parent / "weights.json"
    later(monkeypatch, -5.0)
    again(weights, kept)
    assert not kept.exists()
    again(weights, kept)
    assert len(read) == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"PATH": 3}', '{"PATH": {"about": ABOUT}}', '{"PATH": {"about": [1], "sha256": "x"}}'])
def test_damage_is_passed_over(weights: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    about = weights.stat()
    numbers = [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev]
    kept = weights.parent / "weights.json"
    kept.write_text(content.replace("PATH", str(weights)).replace("ABOUT", str(numbers)))
    later(monkeypatch)
    assert again(weights, kept) == sha(b"numbers")
    assert len(read) == 1
    assert json.loads(kept.read_text())[str(weights)]["sha256"] == sha(b"numbers")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no such owners on this system")
def test_what_others_may_write_is_not_trusted(weights: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = weights.parent / "weights.json"
    later(monkeypatch)
    again(weights, kept)
    kept.chmod(0o666)
    again(weights, kept)
    assert len(read) == 2


def test_a_folder_that_cannot_be_written_is_no_error(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (weights.parent / "file").write_text("")
    later(monkeypatch)
    assert again(weights, weights.parent / "file" / "weights.json") == sha(b"numbers")
