"""How much of the score on a table each modality earns. Source: Shapley (1953); for models and data sets: Covert et al. (2020), SAGE."""

from __future__ import annotations

from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.judge.shapley import shapley
from consilience.judge.worth._outputs import Outputs
from consilience.judge.worth._yardstick import Yardstick

__all__ = ["EXACT_UP_TO", "share_out"]

EXACT_UP_TO = 10
"""Modalities up to which all 2^M patterns are scored."""

ORDERS = 50
"""Orders drawn beyond, each with its reverse."""


def share_out(outputs: Outputs, yard: Yardstick, *, progress: Progress | None = None) -> dict[str, Any]:
    """The Shapley value of each modality for each metric, with intervals over resampled rows (what the model says of a row stays as it is).

    Values are gains: positive means that the modality makes the metric better, also where the metric is a loss. They sum to what the model gains
    over knowing nothing of any row.

    Returns:
        ``exact``, and ``metrics``: name to ``all`` and ``none`` (the metric with all evidence and with none, in its own direction), ``gain`` (by
        how much all is better than none) and ``modalities`` (name to value, low, high).
    """
    names = outputs.names
    exact = len(names) <= EXACT_UP_TO
    with (progress or Silent()).step("Share out the score", 2 ** len(names) if exact else 2 * ORDERS * len(names), "patterns") as step:

        def value(coalition: frozenset[str]) -> np.ndarray:
            found = yard.of(outputs(coalition))
            step.advance()
            return found

        parts = shapley(names, value, limit=EXACT_UP_TO, rounds=ORDERS, seed=outputs.pipeline.recipe.seed)
    everything, nothing = yard.of(outputs(names)), yard.of(outputs(()))
    shares = {name: yard.intervals(part) for name, part in parts.items()}
    whole, none, gain = (yard.intervals(values) for values in (everything, nothing, everything - nothing))
    return {
        "exact": exact,
        "metrics": {
            metric: {
                "all": meant.sign * whole[metric].value,
                "none": meant.sign * none[metric].value,
                "gain": gain[metric].as_dict(),
                "modalities": {name: shares[name][metric].as_dict() for name in names},
            }
            for metric, meant in yard.metrics.items()
        },
    }
