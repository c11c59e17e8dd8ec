"""Files and folders that are whole or not there: written beside, then put in place. What a killed process left is swept away by the next one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from consilience.core._beside import beside, place_before, settle, swap, to_disk

__all__ = ["FORBIDDEN", "FULL", "cache_folder", "new_file", "new_folder", "standing", "try_place"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no room: on the disk, in the quota, in one file."""
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What it says where something may not be written."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well; removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path, path.suffix, lambda name: os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644))) as new:
        yield new
        os.replace(new, path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its place when the block ends well; the old one stays whole until then.

    Where the system can swap two names in one step (Linux, macOS), one of the two stands there at any moment. Elsewhere the old one waits under
    another name for an instant; ``standing`` finds it there if the process ends in that instant.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    before = place_before(path)
    with beside(path, "", lambda name: name.mkdir(0o755)) as new:
        try:
            settle(before, path)
            yield new
            to_disk(new)
            if not path.exists():
                os.rename(new, path)
            elif not swap(new, path):
                os.rename(path, before)
                os.rename(new, path)
        finally:
            with suppress(OSError):
                settle(before, path)


def standing(path: Path) -> Path:
    """Where the folder that was written to ``path`` stands: there, unless a process ended while it replaced it, see ``new_folder``."""
    if path.exists():
        return path
    before = place_before(Path(os.path.realpath(path)))
    return before if before.is_dir() else path


def try_place(path: Path) -> None:
    """Tries whether something new can stand at ``path``, by making a folder beside it; nothing is left.

    The system is not asked for permissions: what it says is wrong for the superuser, on file systems that may only be read, and on full ones.

    Raises:
        OSError: It cannot; says why.
    """
    place = Path(os.path.realpath(path))
    nearest = next(parent for parent in place.parents if parent.exists())
    with beside(nearest / place.name, "", lambda name: name.mkdir(0o755)):
        pass


def cache_folder() -> Path:
    """Where features are kept: ``CONSILIENCE_CACHE``, else ``XDG_CACHE_HOME/consilience``, else ``~/.cache/consilience``."""
    named = os.environ.get("CONSILIENCE_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "consilience"
