"""Folders that paths in cells may not leave: for tables that strangers sent, in an archive or as an upload."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PureWindowsPath

if sys.platform == "win32":
    from pathlib import WindowsPath as _Native
else:
    from pathlib import PosixPath as _Native

__all__ = ["Confined", "confine", "inside", "paths_start", "read_path"]


class Confined(_Native):
    """A folder in ``Table.bases`` that no path in its column may leave: not by ``..``, not as an absolute path, not through a link.

    The folder itself carries the mark, so that it goes wherever the folder goes: into joined tables, into pieces of a table, to the kinds.
    """

    __slots__ = ()


def confine(folder: Path | None) -> Confined:
    """The same folder, not to be left. Without a folder there is none to be in, and no path is followed at all."""
    return Confined(os.path.abspath(os.devnull if folder is None else folder))


def inside(folder: Path, name: str) -> Path | None:
    """The place that a relative path means, links followed; None where that is not in the folder. Only the way to it is looked at, no file is opened.

    Raises:
        ValueError: The name holds a zero byte, so that it names nothing.
    """
    given, spelled = PureWindowsPath(name), Path(os.path.normpath(name))  # the first knows a drive, and both slashes
    if given.drive or given.root or spelled.is_absolute() or os.pardir in spelled.parts:
        return None
    root = Path(os.path.realpath(folder))
    place = Path(os.path.realpath(root / spelled))
    return place if place.is_relative_to(root) else None


_START: ContextVar[Path | None] = ContextVar("start", default=None)


@contextmanager
def paths_start(folder: Path | None) -> Iterator[None]:
    """Inside the block, ``read_path`` starts from this folder."""
    token = _START.set(folder)
    try:
        yield
    finally:
        _START.reset(token)


def read_path(name: str) -> bytes:
    """The bytes of a file that a cell names beside cells that hold bytes.

    Raises:
        OSError: There is no such file, or it lies where paths may not lead.
        ValueError: The name holds a zero byte.
    """
    start = _START.get()
    if not isinstance(start, Confined):
        return (Path(start or ".") / name).read_bytes()
    place = inside(start, name)
    if place is None:
        raise PermissionError(f"The path {name!r} leaves the folder.")
    return place.read_bytes()
