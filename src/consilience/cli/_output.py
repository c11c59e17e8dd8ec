"""What goes to standard output, and what must not: results there, everything else on standard error."""

from __future__ import annotations

import ctypes
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from consilience.core.progress import Progress

__all__ = ["check_place", "console", "counted", "number", "print_json", "safe", "work"]


@contextmanager
def work(quiet: bool = False) -> Iterator[Progress]:
    """The part of a command that computes. Whatever writes to standard output in it, C libraries too, writes to standard error instead.

    Args:
        quiet: True shows neither progress nor warnings.
    """
    from consilience.core.progress import default_progress

    with _on_standard_error(), warnings.catch_warnings():
        if quiet and not sys.warnoptions:
            warnings.simplefilter("ignore")
        yield default_progress(quiet)


@contextmanager
def _on_standard_error() -> Iterator[None]:
    """Python's ``sys.stdout`` and the file descriptor below it, where there is one, lead to standard error."""
    stdout = sys.stdout
    try:
        number, there = stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by something in memory
        with redirect_stdout(sys.stderr):
            yield
        return
    stdout.flush()
    kept = os.dup(number)
    os.dup2(there, number)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        stdout.flush()
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # what C code printed still lies in a buffer of its own
        os.dup2(kept, number)
        os.close(kept)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output, in one line; NaN and infinity are null."""
    from consilience.core.plain import plain

    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        print(text)
        return
    sys.stdout.flush()
    raw.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    raw.flush()


def console() -> Console:
    """Where tables are printed: as wide as the terminal, 80 columns where there is none; cells are shown as they are, without markup."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Left to the door, so that every command ends alike."""
            raise BrokenPipeError

    return Ours(file=sys.stdout, highlight=False, markup=False, emoji=False)


def safe(text: object) -> str:
    """The text in one line, without characters that steer a terminal.

    >>> safe("a\\nb\\x1b[31m")
    'a b\\\\x1b[31m'
    """
    return "".join(" " if letter.isspace() else letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def number(value: float | None) -> str:
    """A number to be read by a person.

    >>> [number(value) for value in (0.98765, 12.34, 123456.7, 0.00001, None, 0)]
    ['0.988', '12.3', '123,457', '1.0e-05', '-', '0']
    """
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size == 0 or (isinstance(value, int) and size < 1000):
        return f"{value:.0f}"
    if size < 0.0005:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def counted(amount: int, word: str) -> str:
    """An amount of something.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{amount:,} {word}{'s' * (amount != 1)}"


def check_place(path: str | Path) -> None:
    """Raises UsageError where nothing could be written; to be called before hours of work whose result goes there."""
    given = Path(path).expanduser()
    nearest = next((parent for parent in Path(os.path.abspath(given)).parents if parent.exists()), None)
    if nearest is None or not nearest.is_dir():
        raise UsageError(f"{str(path)!r} cannot be written: {str(nearest)!r} is no folder.", hint="Name another place with --out.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"{str(path)!r} cannot be written: the folder {str(nearest)!r} is write-protected.", hint="Name another place with --out.")
