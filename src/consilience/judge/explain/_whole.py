"""What whole modalities and whole table columns add to one prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.core.seeds import generator
from consilience.data.kinds import Cells
from consilience.judge.altered import rescore
from consilience.judge.explain._contexts import contexts, in_contexts
from consilience.judge.explain._kernel import kernel_shapley
from consilience.judge.explain._outcome import Outcome
from consilience.judge.explain.explanation import ExplainedCell, ModalityWeight, Piece
from consilience.judge.shapley import shapley
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["explain_table", "weigh_modalities"]

EXACT_UP_TO = 10
"""Table columns up to which every combination is asked: 1,024 of them."""

MEMORY = 2**28
"""Bytes that the features of the row may take, repeated once for each combination."""


def weigh_modalities(pipeline: Pipeline, scored: Scored, outcome: Outcome, *, seed: int = 0) -> tuple[tuple[ModalityWeight, ...], float, float]:
    """Strongest first; and the value and what is shown when nothing is known.

    Args:
        scored: The row, alone.
    """
    names = pipeline.modalities
    asked: dict[frozenset[str], Scored] = {frozenset(names): scored}

    def ask(there: frozenset[str]) -> Scored:
        if there not in asked:
            asked[there] = pipeline.without(scored, [name for name in names if name not in there])
        return asked[there]

    found = shapley(names, lambda there: outcome.value(ask(there)), seed=seed)
    present = scored.examples.present()
    nothing = ask(frozenset())
    made = [
        ModalityWeight(
            name=name,
            columns=tuple(column for column, cells in scored.dataset.cells.items() if cells.kind.modality == name),
            missing=not bool(present.get(name, np.zeros(1, dtype=bool))[0]),
            weight=float(found[name].reshape(-1)[0]),
            without=float(outcome.shown(ask(frozenset(names) - {name}))[0]),
            alone=float(outcome.shown(ask(frozenset([name])))[0]),
        )
        for name in names
    ]
    made.sort(key=lambda one: (one.missing, -abs(one.weight), one.name))
    return tuple(made), float(outcome.value(nothing)[0]), float(outcome.shown(nothing)[0])


def explain_table(
    pipeline: Pipeline, scored: Scored, outcome: Outcome, *, budget: int, seed: int = 0, progress: Progress | None = None
) -> ExplainedCell | None:
    """The table columns of a row, each as a player; a masked one is a missing cell. None where the model uses no table columns.

    Args:
        scored: The row, alone.
        budget: Combinations that are asked where they are too many for all.
    """
    slots = [slot for slot in pipeline.needed_features().slots if slot.modality == "table"]
    columns = list(dict.fromkeys(column for slot in slots for column in slot.columns))
    if not columns:
        return None
    cells = {column: scored.dataset.cells[column] for column in columns}
    players = [column for column in columns if cells[column].present[0]]
    absent = tuple(column for column in columns if column not in players)
    if not players:
        return ExplainedCell("table", "table", missing=True, absent=absent)
    around = contexts(pipeline, scored, "table")
    with (progress or Silent()).step("Explain table", 1, "tables") as step:
        at_once = scored.examples.rows_within(MEMORY)

        def ask(kept: np.ndarray) -> np.ndarray:
            return np.concatenate([ask_some(kept[first : first + at_once]) for first in range(0, len(kept), at_once)])

        def ask_some(kept: np.ndarray) -> np.ndarray:
            many = scored.take(np.zeros(len(kept), dtype=np.int64))
            altered = {}
            for place, column in enumerate(players):
                one = many.dataset.cells[column]
                altered[column] = Cells(column, one.kind, one.values, kept[:, place])
            return in_contexts(pipeline, outcome, rescore(pipeline, many, altered), around)

        enough = 2 ** len(players) if len(players) <= EXACT_UP_TO else budget
        found = kernel_shapley(len(players), ask, budget=enough, generator=generator(seed, "explain table"))
        step.advance()
    pieces = [
        Piece(column, float(found.values[place]), float(found.errors[place]), {"value": _told(cells[column])}) for place, column in enumerate(players)
    ]
    return ExplainedCell(
        column="table",
        kind="table",
        missing=False,
        unit="column",
        masked_by="a missing cell",
        whole=float(found.values.sum()),
        pieces=tuple(sorted(pieces, key=lambda piece: -abs(piece.weight))),
        exact=found.exact,
        evaluations=found.evaluations,
        absent=absent,
    )


def _told(cells: Cells) -> Any:
    """The cell's value as JSON can say it, without markup."""
    value = cells.read(0)
    if isinstance(value, list | tuple | set):
        return sorted(map(str, value))
    if type(cells.kind).__name__ == "DateKind":
        return str(np.datetime64(int(value), "s"))
    return float(value) if isinstance(value, float | np.floating) else str(value)
