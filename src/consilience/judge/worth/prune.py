"""Which columns the model can do without: greedy backward elimination. Source: Marill and Green (1963), sequential backward selection."""

from __future__ import annotations

import shlex
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.judge.worth._outputs import Outputs
from consilience.judge.worth._yardstick import Yardstick
from consilience.judge.worth.columns import ColumnCost, output_without, used_columns
from consilience.metrics import Interval
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["TOLERANCE", "find_spare"]

TOLERANCE = 0.01
"""Share of what the model gains over knowing nothing that all dropped columns together may cost."""

_TIMED = 8
"""Rows whose encoding is timed."""

_EFFORT = ("low", "medium", "high")


def find_spare(
    pipeline: Pipeline, scored: Scored, costs: Sequence[ColumnCost], *, tolerance: float = TOLERANCE, progress: Progress | None = None
) -> dict[str, Any]:
    """The columns that can be dropped together without measurable loss.

    Each is tried once, in a fixed order: those with the dearest encoders first, and among equals the one whose absence costs least. It stays
    dropped where, for the headline metric and for the proper score alike, all that is dropped so far costs at most ``tolerance`` of the model's gain
    over knowing nothing, and the 95 % interval of that cost does not lie above zero. One column always stays. The rows that choose the columns are
    those that the cost is measured on, so it looks lower than it is.

    The model itself is not changed: it is asked as if the columns were missing. One that is fitted without them has not been measured here.

    Returns:
        ``dropped`` (the columns, with those that the model does not look at), ``cost`` (metric to value, low, high, all of them together),
        ``tolerance`` (metric to how much that may be), ``encoders`` (that are not needed any more), ``seconds`` (``before`` and ``after``:
        encoding a row, measured; None where every encoder is still needed), ``options`` (of ``fit``), ``named`` (settings of the recipe that name
        what is dropped) and ``rows``.
    """
    yard, nothing = Yardstick(pipeline, scored), Outputs(pipeline, scored)(())
    full = yard.of(scored.output)
    allowed = {name: tolerance * max(0.0, found.value) for name, found in yard.intervals(full - yard.of(nothing)).items()}
    proper = list(yard.metrics)[-1]
    effort = _efforts(pipeline)
    tried = [one for one in costs if one.used and _spare(one.cost, allowed)]
    tried.sort(key=lambda one: (-effort[one.column], one.cost[proper].value, one.column))
    used = used_columns(pipeline)
    gone: list[str] = []
    cost = yard.intervals(full - full)
    with (progress or Silent()).step("Do without columns", len(tried), "columns") as step:
        for one in tried:
            if len(gone) + 1 < len(used):
                found = yard.intervals(full - yard.of(output_without(pipeline, scored, [*gone, one.column])))
                if _spare(found, allowed):
                    gone.append(one.column)
                    cost = found
            step.advance()
    dropped = [*gone, *(one.column for one in costs if not one.used)]
    slots = pipeline.needed_features().slots
    free = [slot.name for slot in slots if set(slot.columns) <= set(gone)]
    seconds = _encoding(pipeline, scored) if free else {}
    return {
        "dropped": dropped,
        "cost": {name: found.as_dict() for name, found in cost.items()},
        "tolerance": allowed,
        "encoders": free,
        "seconds": {"before": sum(seconds.values()), "after": sum(took for name, took in seconds.items() if name not in free)} if free else None,
        "options": " ".join(f"--ignore {shlex.quote(column)}" for column in dropped),
        "named": _named(pipeline, dropped),
        "rows": len(scored.dataset),
    }


def _spare(cost: dict[str, Interval], allowed: dict[str, float]) -> bool:
    """False where a cost is undefined, too: what cannot be measured is kept."""
    return all(found.low <= 0 and found.value <= allowed[name] for name, found in cost.items())


def _efforts(pipeline: Pipeline) -> dict[str, int]:
    """Column to the work of its dearest encoder; that of the table, which is encoded as a whole, counts nothing."""
    found: dict[str, int] = {}
    for slot in pipeline.needed_features().slots:
        work = 0 if slot.modality == "table" else 1 + _EFFORT.index(ENCODERS.card(slot.encoder).cost)
        for column in slot.columns:
            found[column] = max(found.get(column, 0), work)
    return found


def _encoding(pipeline: Pipeline, scored: Scored) -> dict[str, float]:
    """Slot to seconds that decoding and encoding one row takes, measured on a few rows without the store."""
    some = scored.dataset.take(np.arange(min(_TIMED, len(scored.dataset))))
    found = {}
    for slot in pipeline.needed_features().slots:
        one = pipeline.features.of([slot])
        first = some.take(np.arange(1))
        one.examples(first, one.extract(first, None))  # what is loaded once is not counted
        began = time.perf_counter()
        one.examples(some, one.extract(some, None))
        found[slot.name] = (time.perf_counter() - began) / len(some)
    return found


def _named(pipeline: Pipeline, dropped: Collection[str]) -> list[str]:
    """Settings that a fit without these columns would stumble over."""
    recipe, left = pipeline.recipe, [column for column in pipeline.schema.features() if column.name not in dropped]
    there = {column.name for column in left} | {KINDS.get(column.kind).modality for column in left} | {"all"}
    given = [("encoders", key) for key in recipe.encoders] + [("train", key) for key in recipe.train]
    return [f"{setting}.{key}" for setting, key in given if key not in there]
