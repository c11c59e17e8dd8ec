"""Memory that a training keeps between its steps."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from consilience.core.allocator import keep_freed


def faults(rounds: int = 20) -> int:
    """Pages that were fetched while arrays of 20 MB were made and dropped, five at a time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        arrays = [np.ones(20 << 17) for _ in range(5)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a matter of glibc")
def test_pages_are_fetched_once_inside_the_block() -> None:
    outside = faults()
    with keep_freed():
        faults(2)
        inside = faults()
    assert inside < outside / 4


def test_what_goes_wrong_inside_comes_out() -> None:
    with pytest.raises(ZeroDivisionError), keep_freed():
        raise ZeroDivisionError
