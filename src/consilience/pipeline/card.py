"""The model card: what the model is for, what it was made of, how good it is, where it ends. Source: Mitchell et al. (2019)."""

from __future__ import annotations

from consilience._version import __version__
from consilience.pipeline.fitted import Pipeline

__all__ = ["model_card"]


def model_card(pipeline: Pipeline) -> str:
    """Markdown, from facts of the fit alone."""
    facts, target = pipeline.facts, pipeline.task.target
    chosen = next(entry for entry in facts["leaderboard"] if entry["name"] == facts["chosen"])
    used = [f"| {column.name} | {column.kind} | {column.reason} |" for column in pipeline.schema.features()]
    left_out = [f"| {column.name} | {column.reason} |" for column in pipeline.schema.columns if column.role == "ignored"]
    metrics = [
        f"| {name} | {_number(value['value'])} | {_number(value['low'])} to {_number(value['high'])} |" for name, value in chosen["metrics"].items()
    ]
    weights = [f"- {encoder['slot']}: {encoder['weights']}" for encoder in facts["encoders"] if encoder["weights"]]
    findings = [f"- {finding.message}" for finding in pipeline.schema.findings]
    return "\n".join(
        [
            f"# A model of `{target.name}`",
            "",
            f"Written by consilience {__version__}. Task: {target.task}. {target.reason}",
            "",
            facts["fusion_gain"]["verdict"],
            "",
            "## Intended use",
            "",
            f"Predicting `{target.name}` for rows from the source that the training table came from. Cells may be missing.",
            "",
            "## How good it is",
            "",
            f"On {facts['num_scored']} rows that each candidate had not learned from; 95 % intervals.",
            "The choice among candidates was made on the same rows, so expect slightly less on new ones.",
            "",
            "| metric | value | interval |",
            "|---|---|---|",
            *metrics,
            "",
            "## What it was made of",
            "",
            f"{facts['num_learned']} rows; {facts['num_quarantined']} of {facts['num_rows']} were set aside. Chosen: {facts['chosen']}.",
            "",
            "| column | kind | why |",
            "|---|---|---|",
            *used,
            "",
            *(["Left out:", "", "| column | why |", "|---|---|", *left_out, ""] if left_out else []),
            *(["Weights:", "", *weights, ""] if weights else []),
            "## Limits",
            "",
            "- Probabilities and intervals are calibrated for data like the training table, not for other sources.",
            "- Nothing was tested for fairness between groups of people.",
            *findings,
            "",
        ]
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
