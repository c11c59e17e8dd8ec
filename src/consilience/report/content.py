"""What the page says, as one JSON object: for dashboards and scripts that compare models."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from consilience._version import __version__
from consilience.core.files import new_file
from consilience.core.plain import plain
from consilience.core.progress import Progress, Silent
from consilience.data.table import Table
from consilience.metrics.by_class import confusion
from consilience.pipeline.fitted import Pipeline
from consilience.report._examples import pick_examples
from consilience.report._material import Judged, Material, gather
from consilience.report._threshold import at_thresholds
from consilience.report._trust import LEVEL, reliability, said_and_hit
from consilience.report._words import words_for

__all__ = ["report_content", "write_content"]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
CLASSES = 300
"""Classes up to which the whole confusion matrix is given."""


def write_content(
    pipeline: Pipeline,
    path: str | Path,
    table: Table | None = None,
    *,
    trust: bool = False,
    train: Table | None = None,
    progress: Progress | None = None,
) -> Path:
    """Writes ``report_content`` as one JSON file; an older one there stays whole until the new one is. Errors as for ``write_report``."""
    text = json.dumps(report_content(pipeline, table, trust=trust, train=train, progress=progress), ensure_ascii=False, allow_nan=False, indent=1)
    target = Path(path)
    with new_file(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def report_content(
    pipeline: Pipeline, table: Table | None = None, *, trust: bool = False, train: Table | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """The report's numbers, unrounded, as JSON values.

    Keys: ``written_by``, ``target``, ``facts`` (what ``fit --json`` prints), ``recipe``, ``schema``, and ``table``, null without one: its metrics,
    classes, worth of the evidence (patterns, shares, interaction, columns), slices, suspicious labels, confusion or errors, reliability or
    coverage, thresholds, drift, with ``trust`` robustness and profile, with ``train`` twins (rows that
    are also in that table), examples, rows set aside.
    """
    material = gather(pipeline, table, words_for("en"), progress or Silent(), trust=trust, train=train)
    content: dict[str, Any] = {
        "written_by": f"consilience {__version__}",
        "target": pipeline.task.target.model_dump(mode="json"),
        "facts": pipeline.facts,
        "recipe": pipeline.recipe.model_dump(mode="json"),
        "schema": pipeline.schema.model_dump(mode="json"),
        "table": None if material.judged is None else _table(material, material.judged),
    }
    told: dict[str, Any] = plain(content)
    return told


def _table(material: Material, judged: Judged) -> dict[str, Any]:
    dataset, task = judged.scored.dataset, material.task.target.task
    by_task = _errors(material, judged) if task == "regression" else _probabilities(material, judged)
    if task == "binary":
        steps = np.linspace(0, 1, 101)
        names = ("precision", "recall", "f1")
        by_task["thresholds"] = {
            name: dict(zip(("at", *names), (steps, *at_thresholds(judged.encoded == code, judged.scored.output[:, code], steps)), strict=True))
            for code, name in enumerate(material.task.target.classes)
        }
    said = material.task.decode(judged.scored.output)
    assert dataset.target is not None
    examples = [
        {"group": group, "row": dataset.rows[row], "true": dataset.target[row], **{name: values[row] for name, values in said.items()}}
        for group, rows in pick_examples(material, judged).items()
        for row in rows
    ]
    return {
        "source": judged.source,
        **judged.evaluated,
        "patterns": judged.worth["patterns"],
        "worth": {name: value for name, value in judged.worth.items() if name != "patterns"},
        "slices": judged.slices,
        "suspects": judged.suspects,
        "twins": judged.twins,
        **by_task,
        "coverage_by_pattern": judged.coverage,
        "robustness": judged.robustness,
        "profile": judged.cost,
        "drift": [asdict(found) for found in judged.drift],
        "uncompared": [one.as_dict() for one in judged.uncompared],
        "examples": examples,
        "quarantine": [{"row": item.row, "column": item.column, "reason": item.reason} for item in dataset.quarantine],
        "notes": [{"row": row, "notes": notes} for row, notes in dataset.notes.items()],
    }


def _probabilities(material: Material, judged: Judged) -> dict[str, Any]:
    classes = material.task.target.classes
    made: dict[str, Any] = {"reliability": reliability(*said_and_hit(material, judged))}
    if material.task.target.task != "multilabel" and len(classes) <= CLASSES:
        counts = confusion(judged.encoded, judged.scored.output.argmax(axis=1), len(classes))
        made["confusion"] = {"classes": classes, "counts": counts}
    return made


def _errors(material: Material, judged: Judged) -> dict[str, Any]:
    margins = material.pipeline.calibration.margins(judged.scored.scores, judged.scored.examples.present(), LEVEL)
    off = np.abs(judged.encoded - judged.scored.scores.reshape(-1))
    return {
        "errors": {"of": "logarithm" if material.task.target.log else "value", "share": QUANTILES, "off_by": np.quantile(off, QUANTILES)},
        "coverage": {"promised": LEVEL, "inside": float((off <= margins).mean()) if np.isfinite(margins).all() else None},
    }
