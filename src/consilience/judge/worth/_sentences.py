"""Numbers in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["amount", "interaction_sentence"]

_POINTS = {"accuracy", "micro_f1", "macro_f1"}
"""Metrics between 0 and 1 that people say in points."""


def amount(metric: str, found: Mapping[str, float | None]) -> str:
    """A difference with its interval.

    >>> amount("accuracy", {"value": 0.021, "low": 0.004, "high": 0.039})
    '2.1 points [0.4, 3.9]'
    """
    scale, form = (100.0, ".1f") if metric in _POINTS else (1.0, ".3g")
    value, low, high = ("-" if found[part] is None else f"{scale * float(found[part] or 0):{form}}" for part in ("value", "low", "high"))
    return f"{value}{' points' if metric in _POINTS else ''} [{low}, {high}]"


def interaction_sentence(metric: str, found: Mapping[str, Any], rows: int) -> str:
    """What the comparison with the additive projection says."""
    gain = found["gain"]
    if gain["value"] is None:
        return f"It cannot be told how much modalities act together: {metric} is undefined on these {rows:,} rows."
    full, additive = (f"{found[part]:{'.3f' if metric in _POINTS else '.3g'}}" for part in ("full", "additive"))
    on = f"{metric} {full} with what they say together, {additive} with what each says by itself ({rows:,} rows)"
    if gain["low"] > 0:
        return f"Modalities act together: interaction adds {amount(metric, gain)}; {on}."
    if gain["high"] < 0:
        return f"Modalities do not act together to any use: interaction takes away {amount(metric, _turned(gain))}; {on}."
    if gain["value"] < 0:
        return f"The model is additive as far as can be told: interaction takes away {amount(metric, _turned(gain))}; {on}."
    return f"The model is additive as far as can be told: interaction adds {amount(metric, gain)}; {on}."


def _turned(found: Mapping[str, float]) -> dict[str, float | None]:
    return {"value": -found["value"], "low": -found["high"], "high": -found["low"]}
