"""The way out: every end of a command that is not success, as one sentence and an exit code.

2    a mistake that can be explained (ConsilienceError), a full disk, or an option that typer refuses
130  Ctrl-C
141  nobody reads standard output any more
1    a fault of ours
"""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import Any

import typer

from consilience.cli._help import CommandGroup
from consilience.core.errors import ConsilienceError

__all__ = ["Door", "unexpected"]

_INTERRUPTED, _BROKEN_PIPE = 130, 141


class Door(CommandGroup):
    """The group of all commands; turns what a command raises into a message on standard error."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()  # a pipe may break as late as here
        except ConsilienceError as error:
            _say(f"Error: {error}")
            if _debugging():
                traceback.print_exc()
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _say("\nStopped. What was encoded is kept; run the same command again to go on.")
            raise typer.Exit(_INTERRUPTED) from None
        except BrokenPipeError:
            _leave_output()
            raise typer.Exit(_BROKEN_PIPE) from None
        except OSError as error:
            from consilience.core.files import FULL  # not for --help, which loads next to nothing

            if error.errno not in FULL:
                raise
            place = f" ({error.filename})" if error.filename else ""
            _say(f"Error: The disk is full, or a file may not grow{place}. Make room, or name another place; what stood there before is unchanged.")
            if _debugging():
                traceback.print_exc()
            _leave_output()
            raise typer.Exit(2) from None
        return result


def unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Stands in for ``sys.excepthook``: a short sentence, and the traceback only for who asks for it."""
    if _debugging():
        sys.__excepthook__(kind, error, trace)
    elif issubclass(kind, KeyboardInterrupt):  # before the command began, or after it ended
        _say("\nStopped.")
    elif issubclass(kind, MemoryError):
        _say("Error: The machine has too little memory for this. Take fewer rows, smaller pictures or fewer encoders.")
    else:
        said = " ".join(str(error).split())[:300]
        _say(
            f"Error: Something went wrong inside consilience ({kind.__name__}: {said}). This is our fault, not yours; please report it. "
            "Run the command again with CONSILIENCE_DEBUG=1 to see where it happened."
        )


def _leave_output() -> None:
    """Python flushes standard output once more at its end, and would complain then if nobody takes it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _debugging() -> bool:
    return os.environ.get("CONSILIENCE_DEBUG", "") not in ("", "0")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
