"""Runs named checks, collects what does not hold, and holds known failures to their written reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consilience.core.errors import ConsilienceError

__all__ = ["run_checks"]

CRASHES = (ConsilienceError, ArithmeticError, AttributeError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError, Warning)
"""What code that breaks a promise may stop with, besides the check's own word."""


def run_checks(who: str, checks: Mapping[str, Callable[[], None]], known: Mapping[str, str] | None = None) -> None:
    """Runs all checks; those that fail are told together.

    Args:
        who: What is checked, for the message.
        checks: Name to check.
        known: Name to reason, for failures that are accepted. One that does not fail any more is an error: its reason has to go.

    Raises:
        AssertionError: Some check fails, or a known failure holds.
        ValueError: ``known`` names no check that is run, or gives no reason.

    >>> run_checks("the demo", {"sum": lambda: None})
    """
    known = known or {}
    if strangers := sorted(set(known) - set(checks)):
        raise ValueError(f"There is no check {strangers[0]!r} of {who}. There are: {', '.join(checks)}.")
    if silent := sorted(name for name, reason in known.items() if not reason.strip()):
        raise ValueError(f"The known failure {silent[0]!r} of {who} needs a written reason.")
    found: list[str] = []
    cause: BaseException | None = None
    for name, check in checks.items():
        try:
            check()
        except AssertionError as error:
            if name not in known:
                found.append(f"{name}: {error}")
        except CRASHES as error:
            if name not in known:
                found.append(f"{name}: it stops with {type(error).__name__}: {error}")
                cause = error
        else:
            if name in known:
                found.append(f"{name}: it holds now; take out the reason why it should not ({known[name]!r}).")
    if found:
        raise AssertionError(f"{who} does not keep what is promised.\n" + "\n".join(found)) from cause
