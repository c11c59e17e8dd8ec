"""The content hash of a weight file, computed once as long as the file does not change: in a process, and, where it may be kept, across processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from consilience.core.errors import UsageError
from consilience.core.files import new_file
from consilience.core.hashing import hash_file

__all__ = ["file_hash", "hashes_kept", "is_trusted"]

KEPT: ContextVar[Path | None] = ContextVar("KEPT", default=None)
SETTLED = 2.0
"""Seconds after its last change from which a file's times tell it from a later version, also where clocks are coarse."""


def file_hash(path: Path) -> str:
    """Hex SHA-256 of the file.

    Raises:
        UsageError: There is no such file.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        raise UsageError(
            f"There is no file {str(path)!r}.", hint="Check the path of the weights, or what stands after the colon of the encoder's name."
        )
    about = path.stat()
    return remembered(path, (about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev))


@contextmanager
def hashes_kept(path: Path | None) -> Iterator[None]:
    """Inside the block hashes are looked for in this JSON file, and new ones are added; hashing 100 MB takes longer than all else of a second run.

    An entry counts only for the very file that it was made from: size, times of change, inode and device are the same.
    """
    token = KEPT.set(path)
    try:
        yield
    finally:
        KEPT.reset(token)


def is_trusted(path: Path) -> bool:
    """True if nobody but this user can have written the file.

    Raises:
        OSError: It is not there.
    """
    about = path.stat()
    return not hasattr(os, "geteuid") or (about.st_uid == os.geteuid() and not about.st_mode & 0o022)


@lru_cache(maxsize=256)
def remembered(path: Path, about: tuple[int, ...]) -> str:
    """Keyed by time and size as well, so that a file that was replaced is read again."""
    kept = KEPT.get()
    if kept is None:
        return hash_file(path)
    known = read(kept)
    entry = known.get(str(path))
    if isinstance(entry, dict) and entry.get("about") == list(about) and isinstance(entry.get("sha256"), str):
        return str(entry["sha256"])
    found = hash_file(path)
    if time.time() - max(about[1], about[2]) / 1e9 > SETTLED:
        with suppress(OSError), new_file(kept) as beside:
            beside.write_text(json.dumps({**known, str(path): {"about": about, "sha256": found}}, indent=1), encoding="utf-8")
    return found


def read(kept: Path) -> dict[str, object]:
    """What is kept; nothing where the file is not there, damaged or not this user's own."""
    try:
        known = json.loads(kept.read_text(encoding="utf-8")) if is_trusted(kept) else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
