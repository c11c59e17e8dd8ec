"""Is another table like the one before, and what will it cost? Columns one by one, each modality as a whole, and the score to be expected."""

from __future__ import annotations

from consilience.judge.drift._columns import Drift, Uncompared, find_drift, find_uncompared
from consilience.judge.drift._compare import Shift, compare_tables
from consilience.judge.drift._expected import Expected, expect
from consilience.judge.drift._two_sample import TwoSample, two_sample

__all__ = ["Drift", "Expected", "Shift", "TwoSample", "Uncompared", "compare_tables", "expect", "find_drift", "find_uncompared", "two_sample"]
