"""A target column under a schema that may come from another table: values, and the rows that cannot be used."""

from __future__ import annotations

import numpy as np

from consilience.core.errors import shorten
from consilience.data.kinds import Parsed
from consilience.data.schema._types import TargetSchema

__all__ = ["LARGEST", "check_labels", "learnable"]

LARGEST = 1e70
"""Numbers beyond this, above or below 0, cannot be learned: the spread of their squared errors, a fourth power, has to be finite."""


def check_labels(parsed: Parsed, target: TargetSchema) -> dict[int, str]:
    """Row to reason, for each row whose target is missing, not understood, too large or unknown to the schema."""
    if target.task == "regression":
        parsed = learnable(parsed)
    bad = {row: f"The target {target.name!r} is not understood: {problem}" for row, problem in parsed.problems.items()}
    for row in np.flatnonzero(~parsed.present).tolist():
        bad.setdefault(row, f"The target {target.name!r} is empty.")
    rows = np.flatnonzero(parsed.present).tolist()
    if target.log:
        low = (row for row in rows if parsed.values[row] <= 0)
        return bad | {
            row: f"The target {target.name!r} is {parsed.values[row]:g}, but it is learned as a logarithm and has to be above 0." for row in low
        }
    if target.classes:
        known = set(target.classes)
        for row in rows:
            value = parsed.values[row]
            strange = [item for item in value if item not in known] if isinstance(value, list) else [] if value in known else [value]
            if strange:
                names = ", ".join(map(shorten, strange[:3]))
                bad[row] = f"The label {names} of the target {target.name!r} is not among the {len(known):,} classes of the schema."
    return bad


def learnable(parsed: Parsed) -> Parsed:
    """Numbers without those that are too large to be learned, which become problems."""
    huge = np.flatnonzero(parsed.present & (np.abs(np.nan_to_num(parsed.values)) > LARGEST)).tolist()
    if not huge:
        return parsed
    present = parsed.present.copy()
    present[huge] = False
    problems = {row: f"{parsed.values[row]:g} is too large to be learned; numbers go up to {LARGEST:g}." for row in huge}
    return Parsed(parsed.values, present, {**parsed.problems, **problems})
