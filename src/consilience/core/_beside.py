"""Something new beside a path: named after it, locked as long as its process lives, swapped with it in one step where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from glob import escape
from hashlib import sha256
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks: there nothing is swept away
    fcntl = None  # type: ignore[assignment]

__all__ = ["UNFINISHED", "begin", "place_before", "settle", "swap", "to_disk"]

UNFINISHED = ".unfinished"
_LONGEST = 50  # letters of a name that go into the name of what is written beside it: names have a limit


def begin(path: Path, suffix: str, make: Callable[[Path], None]) -> tuple[Path, Callable[[], None]]:
    """Makes something new beside ``path``, and sweeps away what dead processes left for the same name.

    Args:
        path: What it will replace.
        suffix: What its name ends in.
        make: Makes it; raises FileExistsError where something stands there.

    Returns:
        Where it is, and what to call when nobody needs to spare it any more.
    """
    head = f".{_short(path)}-"
    for left in path.parent.glob(f"{escape(head)}????????{UNFINISHED}{escape(suffix)}"):
        _sweep(left)
    while True:
        beside = path.with_name(f"{head}{secrets.token_hex(4)}{UNFINISHED}{suffix}")
        make(beside)
        handle = _locked(beside, wait=True)
        if handle is None:
            return beside, lambda: None
        if beside.exists():
            return beside, partial(os.close, handle)
        os.close(handle)  # another process took it for a dead one's before it was locked


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
    if left.is_dir() and not left.is_symlink():
        shutil.rmtree(left, ignore_errors=True)
    else:
        with suppress(OSError):
            left.unlink()
    os.close(handle)


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
