"""The content hash of a weight file, computed once per process as long as the file does not change."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from consilience.core.errors import UsageError
from consilience.core.hashing import hash_file

__all__ = ["file_hash"]


def file_hash(path: Path) -> str:
    """Hex SHA-256 of the file.

    Raises:
        UsageError: There is no such file.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}.", hint="Check the path after the colon of the encoder's name.")
    stat = path.stat()
    return remembered(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def remembered(path: Path, changed: int, size: int) -> str:
    """Keyed by time and size as well, so that a file that was replaced is read again."""
    return hash_file(path)
