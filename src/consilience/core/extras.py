"""Which extras are installed, as the package's own metadata says."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

__all__ = ["missing_packages"]

_LINE = re.compile(r"^(?P<name>[A-Za-z0-9_.\-]+).*;.*extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")


@cache
def missing_packages(extra: str) -> tuple[str, ...]:
    """Distributions that an extra names and that are not installed; empty for no extra.

    >>> missing_packages("")
    ()
    """
    if not extra:
        return ()
    try:
        lines = requires("consilience") or []
    except PackageNotFoundError:  # run from a source tree that is not installed: nobody knows, so nothing is held back
        return ()
    named = [match["name"] for line in lines if (match := _LINE.match(line)) and match["extra"] == extra]
    return tuple(name for name in named if not _installed(name))


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
