"""Known failures have a reason, and only as long as they fail."""

from __future__ import annotations

import pytest

from consilience.core.errors import UsageError
from consilience.testing._verdict import run_checks


def holds() -> None:
    pass


def fails() -> None:
    assert 1 > 2, "one is not more than two"


def crashes() -> None:
    raise UsageError("No such thing.")


def test_failures_and_crashes_are_told_together() -> None:
    with pytest.raises(AssertionError, match=r"The thing .*\nfirst: one is not [^\0]*\nthird: it stops with UsageError: No such thing") as error:
        run_checks("The thing", {"first": fails, "second": holds, "third": crashes})
    assert isinstance(error.value.__cause__, UsageError)


def test_a_known_failure_is_accepted_until_it_holds() -> None:
    run_checks("The thing", {"first": fails, "third": crashes}, {"first": "it is young", "third": "so"})
    with pytest.raises(AssertionError, match="first: it holds now"):
        run_checks("The thing", {"first": holds}, {"first": "it is young"})


@pytest.mark.parametrize(("known", "told"), [({"other": "why"}, "no check 'other'"), ({"first": " "}, "written reason")])
def test_a_known_failure_needs_a_check_and_a_reason(known: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        run_checks("The thing", {"first": fails}, known)
