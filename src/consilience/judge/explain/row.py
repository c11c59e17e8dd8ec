"""One row explained: which modality, what in it, and which rows are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from consilience.core.errors import CellError, DataError, UnknownName, UsageError
from consilience.core.progress import Progress, Silent
from consilience.core.seeds import generator
from consilience.data.table import Table
from consilience.judge.explain._anatomies import ANATOMIES
from consilience.judge.explain._game import CellGame
from consilience.judge.explain._gradients import explain_by_slope, sloped_slots
from consilience.judge.explain._nearest import nearest_rows
from consilience.judge.explain._outcome import Outcome, outcome_of
from consilience.judge.explain._refine import weigh
from consilience.judge.explain._whole import explain_table, weigh_modalities
from consilience.judge.explain.explanation import ExplainedCell, Explanation, Piece
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["EVALUATIONS", "Method", "explain_row"]

Method = Literal["auto", "occlusion", "gradients"]

_NO_SLOPE = {"grad-cam": "No place in it speaks for the answer.", "integrated gradients": "Nothing in it changes the answer."}

EVALUATIONS = 320
"""Masks of a modality that the model is asked about; its columns share them."""

FEWEST = 64
"""Masks of one column at least."""

REFERENCE = 2000
"""Rows among which alike ones are looked for; of a longer table so many are drawn."""


def explain_row(
    pipeline: Pipeline,
    table: Table,
    row: int,
    *,
    of: str | None = None,
    like: Table | None = None,
    nearest: int = 6,
    evaluations: int = EVALUATIONS,
    method: Method = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Explanation:
    """Why the model says what it says of a row.

    Modalities are weighed by Shapley values over all that is present (Lundberg and Lee, 2017). Within a modality, pieces of each cell are masked and
    the model is asked again, so it works for every candidate alike: linear ones, trees, networks, ensembles.

    Args:
        pipeline: The model.
        table: The rows, with or without the target.
        row: Which, from 0.
        of: The class whose probability is explained; None takes the most probable one.
        like: Rows among which alike ones are looked for, such as those learned from; None takes the others of ``table``.
        nearest: How many alike ones; 0 looks for none.
        evaluations: Masks of a modality that the model is asked about.
        method: What is done inside pictures and texts: ``occlusion``, which is also what ``auto`` takes, since it asks the whole model; or
            ``gradients``: Grad-CAM (Selvaraju et al., 2017) or integrated gradients (Sundararajan et al., 2017) of the heaviest candidate, where that
            learned the encoder itself. Other cells are masked all the same.
        seed: Of all that is drawn.
        progress: Counts masks.

    Raises:
        UsageError: There is no such row, a class is named and the model predicts a number, or there are no gradients.
        UnknownName: There is no such class or method.
        DataError: The row had to be set aside.
    """
    progress = progress or Silent()
    _check(table, row, nearest, evaluations)
    if method not in get_args(Method):
        raise UnknownName("method", method, get_args(Method))
    sloped = sloped_slots(pipeline) if method == "gradients" else {}
    scored = _the_row(pipeline, table, row, progress)
    outcome = outcome_of(pipeline.task, scored, of)
    modalities, base, base_shown = weigh_modalities(pipeline, scored, outcome, seed=seed)
    cells: list[ExplainedCell] = []
    for one in modalities:
        cells += _cells(pipeline, scored, outcome, one.name, sloped, evaluations, seed, progress)
    near, where = _near(pipeline, scored, table, row, like, nearest, seed, progress)
    said = pipeline.task.decode(scored.output)
    target = scored.dataset.target
    return Explanation(
        row=row,
        source=table.source,
        target=pipeline.task.target.name,
        prediction=said["prediction"][0],
        probability=said["probability"][0] if "probability" in said else None,
        truth=None if target is None else target[0],
        of=outcome.name,
        shown=float(outcome.shown(scored)[0]),
        scale=outcome.scale,
        base=base,
        base_shown=base_shown,
        value=float(outcome.value(scored)[0]),
        modalities=modalities,
        cells=tuple(cells),
        nearest=near,
        like=where,
        notes=tuple(scored.dataset.notes.get(0, ())),
    )


def _check(table: Table, row: int, nearest: int, evaluations: int) -> None:
    if not 0 <= row < len(table):
        there = f"its {len(table):,} rows are 0 to {len(table) - 1:,}" if len(table) else "it has no rows"
        raise UsageError(f"{table.source} has no row {row:,}: {there}.", hint="Rows count from 0, the header is none.")
    if nearest < 0:
        raise UsageError(f"{nearest} alike rows cannot be shown.", hint="Give 0 for none.")
    if evaluations < 2:
        raise UsageError(f"With {evaluations} masks nothing can be told.", hint="Give 64 at least; 320 is usual.")


def _score(pipeline: Pipeline, table: Table, progress: Progress) -> Scored:
    """With the target where it can be read; a target that is missing or unknown does not keep a row from being explained."""
    if pipeline.task.target.name in table.columns:
        known = pipeline.score(table, with_target=True, progress=progress)
        if len(known.dataset) == len(table):
            return known
    return pipeline.score(table, progress=progress)


def _the_row(pipeline: Pipeline, table: Table, row: int, progress: Progress) -> Scored:
    scored = _score(pipeline, table.take(np.array([row])), progress)
    if not len(scored.dataset):
        item = scored.dataset.quarantine[0]
        raise DataError(
            item.reason, table=table.source, column=item.column, row=row, hint="The row cannot be scored, so there is nothing to explain."
        )
    return scored


def _cells(
    pipeline: Pipeline,
    scored: Scored,
    outcome: Outcome,
    modality: str,
    sloped: Mapping[str, str],
    evaluations: int,
    seed: int,
    progress: Progress,
) -> list[ExplainedCell]:
    """What in one modality; ``sloped`` are the columns of which the slopes are asked, with their slots."""
    if modality == "table":
        found = explain_table(pipeline, scored, outcome, budget=evaluations, seed=seed, progress=progress)
        return [] if found is None else [found]
    used = {column for slot in pipeline.needed_features().slots if slot.modality == modality for column in slot.columns}
    columns = [column for column in scored.dataset.cells if column in used]
    there = [column for column in columns if scored.dataset.cells[column].present[0]]
    budget = max(min(FEWEST, evaluations), evaluations // max(1, len(there)))
    made = []
    for column in columns:
        if column not in there:
            made.append(ExplainedCell(column, modality, missing=True))
        elif modality not in ANATOMIES:
            made.append(ExplainedCell(column, modality, missing=False, note="Cells of this kind cannot be taken apart."))
        elif column in sloped:
            made.append(_explain_sloped(pipeline, scored, outcome, column, sloped[column], seed))
        else:
            made.append(_explain_cell(pipeline, scored, outcome, column, budget, seed, progress))
    return made


def _explain_cell(pipeline: Pipeline, scored: Scored, outcome: Outcome, column: str, budget: int, seed: int, progress: Progress) -> ExplainedCell:
    kind = scored.dataset.cells[column].kind.modality
    try:
        game = CellGame(pipeline, scored, column, outcome, seed=seed)
    except CellError as error:
        return ExplainedCell(column, kind, missing=False, note=error.reason)
    with progress.step(f"Explain {column}", budget, "masks") as step:
        found = weigh(game.anatomy, lambda kept: game(kept, step), budget=budget, generator=generator(seed, f"explain {column} masks"))
    pieces = []
    for place, group in enumerate(found.groups):
        name, where = game.anatomy.place(group)
        pieces.append(Piece(name, float(found.weights.values[place]), float(found.weights.errors[place]), where, group))
    return ExplainedCell(
        column=column,
        kind=kind,
        missing=False,
        unit=game.anatomy.unit,
        masked_by=game.anatomy.filled,
        whole=float(found.weights.values.sum()),
        pieces=tuple(sorted(pieces, key=lambda piece: -abs(piece.weight))),
        exact=found.weights.exact,
        evaluations=found.evaluations,
        anatomy=game.anatomy,
    )


def _explain_sloped(pipeline: Pipeline, scored: Scored, outcome: Outcome, column: str, slot: str, seed: int) -> ExplainedCell:
    kind = scored.dataset.cells[column].kind.modality
    try:
        game = CellGame(pipeline, scored, column, outcome, seed=seed)
        found = explain_by_slope(game, slot)
    except CellError as error:
        return ExplainedCell(column, kind, missing=False, note=error.reason)
    pieces = []
    for atom, weight in enumerate(found.weights.tolist()):
        group = np.array([atom])
        pieces.append(Piece(game.anatomy.place(group)[0], weight, 0.0, game.anatomy.place(group)[1], group))
    return ExplainedCell(
        column=column,
        kind=kind,
        missing=False,
        unit=game.anatomy.unit,
        masked_by=found.baseline,
        whole=found.whole,
        pieces=tuple(sorted(pieces, key=lambda piece: -abs(piece.weight))) if found.weights.any() else (),
        exact=False,
        evaluations=found.evaluations,
        note="" if found.weights.any() else _NO_SLOPE[found.method],
        method=found.method,
        anatomy=game.anatomy,
    )


def _near(
    pipeline: Pipeline, scored: Scored, table: Table, row: int, like: Table | None, count: int, seed: int, progress: Progress
) -> tuple[Any, dict[str, Any] | None]:
    if not count:
        return (), None
    rows = np.arange(len(like)) if like is not None else np.delete(np.arange(len(table)), row)
    if not len(rows):
        return (), None
    if len(rows) > REFERENCE:
        rows = np.sort(generator(seed, "explain reference").choice(rows, REFERENCE, replace=False))
    others = _reference(pipeline, (like or table).take(rows), progress)
    others.dataset.rows = rows[others.dataset.rows]
    found = nearest_rows(pipeline, scored, others, count=count, seed=seed)
    same = like is None
    return found, {"source": (like or table).source, "rows": len(others.dataset), "same_table": same}


def _reference(pipeline: Pipeline, table: Table, progress: Progress) -> Scored:
    """Rows with a target that is not understood are of no use here, if others are."""
    if pipeline.task.target.name in table.columns:
        known = pipeline.score(table, with_target=True, progress=progress)
        if len(known.dataset):
            return known
    return pipeline.score(table, progress=progress)
