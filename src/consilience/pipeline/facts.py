"""What is known of a fit, as JSON values: for ``fit --json``, the report and the model card."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from consilience.core.seeds import derive
from consilience.data.schema import Dataset, Schema
from consilience.features.plan import Extraction, Features
from consilience.learn.calibration import Calibration
from consilience.learn.leaderboard import Entry, Leaderboard
from consilience.learn.learners import Situation
from consilience.metrics.bootstrap import paired_bootstrap
from consilience.pipeline.portrait import portray
from consilience.tasks import Task

__all__ = ["describe_fit", "fusion_gain", "verdict_of"]


def describe_fit(
    board: Leaderboard,
    target: np.ndarray,
    situation: Situation,
    dataset: Dataset,
    extraction: Extraction,
    features: Features,
    calibration: Calibration,
    seconds: dict[str, float],
    peak_memory_mb: float,
    num_learned: int,
    schema: Schema,
    near_duplicates: int,
) -> dict[str, Any]:
    """See the keys. ``near_duplicates``: rows that were kept on one side of every split because another is nearly the same."""
    task = situation.task
    return {
        "leaderboard": [_entry(entry) for entry in board.entries],
        "chosen": board.chosen,
        "members": board[board.chosen].weights or {board.chosen: 1.0},
        "fusion_gain": fusion_gain(board, target, task, situation.groups_of(board.scored)),
        "task": task.target.task,
        "headline": task.headline,
        "choose_by": task.choose_by,
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb,
        "encoders": [
            {
                "slot": slot.name,
                "encoder": slot.encoder,
                "modality": slot.modality,
                "columns": list(slot.columns),
                "weights": features.encoders[slot.name].origin(),
            }
            for slot in features.slots
        ],
        "cells": {"encoded": extraction.encoded, "reused": extraction.reused, "forwards": extraction.forwards},
        "temperature": calibration.temperature,
        "num_rows": dataset.num_table_rows,
        "num_learned": num_learned,
        "num_scored": len(board.scored),
        "num_near_duplicates": near_duplicates,
        "num_quarantined": len({row.row for row in dataset.quarantine}),
        "quarantine": [{"row": row.row, "column": row.column, "reason": row.reason} for row in dataset.quarantine[:200]],
        "portraits": portray(dataset, schema),
    }


def fusion_gain(board: Leaderboard, target: np.ndarray, task: Task, groups: np.ndarray | None = None) -> dict[str, Any]:
    """Is fusing worth it? The best candidate of several modalities minus the best of one, on the same held-out rows; positive = fusing is better.

    Where the chosen candidate sees several modalities it is the one compared. Where it sees one, the value says what fusing would have brought.
    ``groups`` of the scored rows are drawn whole.
    """
    metric = task.metrics[task.headline]
    single = board.best_single()
    chosen = board[board.chosen]
    fused = (
        chosen
        if len(chosen.candidate.modalities) > 1
        else next((e for e in board.entries if e.scores is not None and len(e.candidate.modalities) > 1), None)
    )
    if single is None or fused is None or single.scores is None or fused.scores is None:
        known = sorted({name for entry in board.entries for name in entry.candidate.modalities})
        verdict = f"There is one kind of evidence here ({known[0]}): nothing to fuse."
        if len(known) > 1:
            missing = "one kind of evidence" if single is None else "several kinds of evidence"
            verdict = f"It cannot be told whether fusing is worth it: no candidate that sees {missing} was scored. The time limit may be too short."
        return {"metric": metric.name, "value": 0.0, "low": 0.0, "high": 0.0, "versus": None, "fused": None, "verdict": verdict}
    alone = {entry.candidate.modalities[0] for entry in board.entries if entry.scores is not None and len(entry.candidate.modalities) == 1}
    unknown = sorted(set(fused.candidate.modalities) - alone)
    rows, truth = board.scored, task.truth(target[board.scored])
    outputs = [task.output(entry.scores[rows]) for entry in (fused, single) if entry.scores is not None]
    found = paired_bootstrap(metric, truth, outputs[0], outputs[1], seed=derive(0, "fusion gain"), groups=groups)
    value, low, high = (0.0 if math.isnan(x) else x for x in (found.value, found.low, found.high))
    return {
        "metric": metric.name,
        "value": value,
        "low": low,
        "high": high,
        "versus": single.name,
        "fused": fused.name,
        "verdict": f"It cannot be told whether fusing is worth it: {', '.join(unknown)} alone was not scored. The time limit may be too short."
        if unknown and single.name != board.chosen
        else verdict_of(metric.name, value, low, high, single, chosen is fused),
    }


def verdict_of(metric: str, value: float, low: float, high: float, single: Entry, fused_chosen: bool, seeds: int = 1) -> str:
    """One sentence a person can act on."""
    alone = single.candidate.modalities[0]
    points = metric in {"accuracy", "micro_f1"}
    amount, least, most = (f"{100 * x:.1f}" if points else f"{x:.3g}" for x in (abs(value), low, high))
    change = f"{amount}{' points' if points else ''} [{least}, {most}] than with {alone} alone{f', over rows and {seeds} seeds' if seeds > 1 else ''}"
    if low > 0:
        return f"Fusing is worth it: {metric} is better by {change}."
    if high < 0:
        return f"Fusing is not worth it: {metric} is worse by {change}."
    used = f"The model uses {alone} alone."
    if fused_chosen:
        used = "The fused model is used, since its probabilities are better." if points else "The fused model is used."
    if low == high:
        return f"Fusing makes no difference here: {metric} is the same as with {alone} alone. {used}"
    return f"It cannot be told whether fusing is worth it: {metric} is {'better' if value >= 0 else 'worse'} by {change}. {used}"


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "learner": entry.candidate.learner,
        "modalities": list(entry.candidate.modalities),
        "metrics": {name: interval.as_dict() for name, interval in entry.metrics.items()},
        "loss": entry.loss if math.isfinite(entry.loss) else None,
        "settings": entry.candidate.settings,
        "point": entry.point,
        "weights": entry.weights,
        "fit_seconds": round(entry.seconds, 3),
        "stopped": entry.stopped,
        "curve": asdict(entry.curve) if entry.curve else None,
    }
