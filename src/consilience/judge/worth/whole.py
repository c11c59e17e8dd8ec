"""All that is said of what evidence is worth on one table."""

from __future__ import annotations

from typing import Any

from consilience.core.progress import Progress, Silent
from consilience.data.table import Table
from consilience.judge.worth._outputs import Outputs, sampled
from consilience.judge.worth._yardstick import Yardstick
from consilience.judge.worth.columns import cost_columns
from consilience.judge.worth.interaction import find_interaction
from consilience.judge.worth.patterns import score_patterns
from consilience.judge.worth.prune import TOLERANCE, find_spare
from consilience.judge.worth.shares import share_out
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["scored_worth", "table_worth"]

ALL_UP_TO = 7
"""Modalities up to which the table of patterns has all of them: 128."""

ROWS, CELLS = 2000, 30_000_000
"""Rows that are looked at, at most; and numbers that the outputs under all patterns may be together."""


def table_worth(
    pipeline: Pipeline,
    table: Table,
    *,
    prune: bool = False,
    tolerance: float = TOLERANCE,
    strict: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """``scored_worth`` of a table with the target."""
    scored = pipeline.score(table, with_target=True, strict=strict, progress=progress)
    return scored_worth(pipeline, scored, prune=prune, tolerance=tolerance, progress=progress)


def scored_worth(
    pipeline: Pipeline, scored: Scored, *, prune: bool = False, tolerance: float = TOLERANCE, progress: Progress | None = None
) -> dict[str, Any]:
    """The score under every pattern, each modality's share of it, what is interaction, what each column's absence costs.

    Args:
        pipeline: The model.
        scored: Rows with their target, as ``pipeline.score(table, with_target=True)`` gives them.
        prune: True looks for columns to do without.
        tolerance: Share of the model's gain over knowing nothing that these may cost.
        progress: Counts patterns, rows and columns.

    Returns:
        JSON values: ``metric`` (the headline), ``proper`` (the metric that candidates are chosen by), ``modalities``, ``num_rows``, ``rows`` (those
        that were looked at: a seeded sample of very many), ``num_quarantined`` (those that could not be read), ``patterns``, ``shapley``,
        ``interaction``, ``alone``, ``fusion_gain``, ``columns``, ``spare``. The last is None without ``prune``; ``interaction`` for fewer than two
        modalities.

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows.
    """
    progress = progress or Silent()
    names, width = pipeline.modalities, max(1, pipeline.task.num_outputs)
    most = max(100, min(ROWS, CELLS // (2 ** min(len(names), 10) * width)))
    aside = len({item.row for item in scored.dataset.quarantine})
    every, scored = len(scored.dataset), sampled(scored, most, pipeline.recipe.seed)
    if len(scored.dataset) < every:
        progress.say(f"{len(scored.dataset):,} of {every:,} rows are looked at, drawn at random.")
    outputs, yard = Outputs(pipeline, scored), Yardstick(pipeline, scored)
    patterns = score_patterns(pipeline, scored, all_up_to=ALL_UP_TO, outputs=outputs, progress=progress)
    shapley = share_out(outputs, yard, progress=progress)
    interaction = find_interaction(pipeline, scored, progress=progress)
    columns = cost_columns(pipeline, scored, yard, progress=progress)
    spare = find_spare(pipeline, scored, columns, tolerance=tolerance, progress=progress) if prune else None
    return {
        "metric": pipeline.task.headline,
        "proper": list(yard.metrics)[-1],
        "modalities": names,
        "num_rows": every,
        "rows": len(scored.dataset),
        "num_quarantined": aside,
        "patterns": patterns,
        "shapley": shapley,
        "interaction": interaction,
        "alone": pipeline.facts.get("alone", []),
        "fusion_gain": pipeline.facts["fusion_gain"],
        "columns": [one.as_dict() for one in columns],
        "spare": spare,
    }
