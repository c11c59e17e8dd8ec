"""Freed memory that stays with the process for a while: loops that ask for the same large arrays again and again need not fetch them anew."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["keep_freed"]

_TRIM, _MAP = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's ``mallopt``."""

_LARGEST = 32 << 20
"""Bytes from which an array has pages of its own: the highest that glibc takes, and where its own rule ends up after one such array."""

_KEPT = 1 << 30
"""Bytes at the end of the heap that are not given back inside the block."""


@contextmanager
def keep_freed() -> Iterator[None]:
    """Inside the block the C library keeps up to 1 GiB of what is freed; afterwards it gives it back.

    By itself glibc hands memory to the system as soon as 64 MiB at the end of the heap are free, which is after every step of a training, and has it
    back page by page in the next one: a fifth of an epoch's time. Elsewhere than under glibc nothing happens.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MAP, _LARGEST)
    libc.mallopt(_TRIM, _KEPT)
    try:
        yield
    finally:
        libc.mallopt(_TRIM, 2 * _LARGEST)  # where its own rule ends up
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    """The C library, where it is one that can be told."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.mallopt and libc.malloc_trim and libc.gnu_get_libc_version else None
    except (OSError, AttributeError):
        return None
