"""Something new beside a path: named after it, locked as long as its process lives, swapped with it in one step where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from hashlib import sha256
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks: there nothing is swept away
    fcntl = None  # type: ignore[assignment]

__all__ = ["UNFINISHED", "beside", "place_before", "settle", "swap", "to_disk"]

UNFINISHED = ".unfinished"
_LONGEST = 50  # letters of a name that go into the name of what is written beside it: names have a limit


@contextmanager
def beside(path: Path, suffix: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Something new beside ``path`` for the block, removed after it; first what dead processes left for the same name is swept away.

    It is known by its name before it is made, so that an interrupt at any moment finds it.

    Args:
        path: What it will replace.
        suffix: What its name ends in.
        make: Makes it; raises FileExistsError where something stands there.
    """
    head = f".{_short(path)}-"
    for left in path.parent.glob(f"{escape(head)}????????{UNFINISHED}{escape(suffix)}"):
        _sweep(left)
    name, handle = None, None
    try:
        while name is None:
            name = path.with_name(f"{head}{secrets.token_hex(4)}{UNFINISHED}{suffix}")
            try:
                make(name)
            except FileExistsError:
                name = None
                raise
            handle = _locked(name, wait=True)
            if handle is not None and not name.exists():
                os.close(handle)  # another process took it for a dead one's before it was locked
                name, handle = None, None
        yield name
    finally:
        if name is not None:
            _remove(name)
        if handle is not None:
            os.close(handle)


def place_before(path: Path) -> Path:
    """Where the old folder waits for an instant while a new one takes its place in two steps."""
    return path.with_name(f".{_short(path)}.before{UNFINISHED}")


def settle(before: Path, path: Path) -> None:
    """After the two steps, or what was done of them: the old folder comes back, or goes if the new one stands."""
    if not before.is_dir():
        return
    if path.exists():
        shutil.rmtree(before, ignore_errors=True)
    else:
        os.rename(before, path)


def swap(first: Path, second: Path) -> bool:
    """Swaps two names in one step; False where the system cannot."""
    words = (os.fsencode(first), os.fsencode(second))
    if sys.platform == "linux":  # AT_FDCWD, RENAME_EXCHANGE
        call, given = getattr(ctypes.CDLL(None), "renameat2", None), (-100, words[0], -100, words[1], 2)
    elif sys.platform == "darwin":  # RENAME_SWAP
        call, given = getattr(ctypes.CDLL(None), "renamex_np", None), (*words, 2)
    else:
        return False
    return call is not None and call(*given) == 0


def to_disk(folder: Path) -> None:
    """Waits until all of the folder is on the disk: its name must not get there before what is in it."""
    if os.name != "posix":
        return
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
                raise
        finally:
            os.close(handle)


def _short(path: Path) -> str:
    name = path.name
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{sha256(os.fsencode(name)).hexdigest()[:8]}"


def _sweep(left: Path) -> None:
    """Removes what nobody holds a lock on."""
    handle = _locked(left, wait=False)
    if handle is None:
        return
    _remove(left)
    os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _locked(path: Path, *, wait: bool) -> int | None:
    """A file descriptor that holds the lock on ``path``; None where there are no locks, or, without ``wait``, where somebody else has it."""
    if fcntl is None:
        return None
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle
