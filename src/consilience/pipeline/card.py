"""The model card: what the model is for, what it was made of, how good it is, where it ends. Source: Mitchell et al. (2019)."""

from __future__ import annotations

from collections.abc import Sequence

from consilience._version import __version__
from consilience.pipeline.fitted import Pipeline

__all__ = ["model_card"]

FEW = 30
"""Rows of a class below which the card warns."""


def model_card(pipeline: Pipeline) -> str:
    """Markdown, from facts of the fit alone."""
    facts, target = pipeline.facts, pipeline.task.target
    chosen = next(entry for entry in facts["leaderboard"] if entry["name"] == facts["chosen"])
    metrics = [
        f"| {name} | {_number(value['value'])} | {_number(value['low'])} to {_number(value['high'])} |" for name, value in chosen["metrics"].items()
    ]
    weights = [f"- {encoder['slot']}: {encoder['weights']}" for encoder in facts["encoders"] if encoder["weights"]]
    lines = [
        f"# A model of `{target.name}`",
        "",
        f"Written by consilience {__version__}. Task: {target.task}. {target.reason}",
        "",
        facts["fusion_gain"]["verdict"],
        "",
        *_use(pipeline),
        "## How good it is",
        "",
        f"On {facts['num_scored']:,} rows that each candidate had not learned from; 95 % intervals.",
        "The choice among candidates was made on the same rows, so expect slightly less on new ones.",
        "",
        "| metric | value | interval |",
        "|---|---|---|",
        *metrics,
        "",
        *_data(pipeline),
        *(["Weights that came from elsewhere, each under its own licence:", "", *weights, ""] if weights else []),
        *_limits(pipeline),
    ]
    return "\n".join(lines)


def _use(pipeline: Pipeline) -> list[str]:
    target = pipeline.task.target
    return [
        "## Intended use",
        "",
        f"Predicting `{target.name}` for rows from the source that the training table came from. Cells, whole columns too, may be missing.",
        "Not meant for rows of another source, time or language than those it learned from before it was measured there, and not for decisions about",
        "people without somebody who answers for them.",
        "",
        "```python",
        "import consilience",
        "",
        'model = consilience.load("FOLDER")',
        'model.predict_table("TABLE.csv")  # or: consilience predict FOLDER TABLE.csv --out FILE.csv',
        "```",
        "",
    ]


def _data(pipeline: Pipeline) -> list[str]:
    facts, schema = pipeline.facts, pipeline.schema
    total = max(1, schema.num_rows)
    used = [f"| {_cell(column.name)} | {column.kind} | {column.missing / total:.0%} | {_cell(column.reason)} |" for column in schema.features()]
    left_out = [f"| {_cell(column.name)} | {_cell(column.reason)} |" for column in schema.columns if column.role == "ignored"]
    classes = [f"Classes ({len(pipeline.task.target.classes):,}): {_some(pipeline.task.target.classes)}.", ""] if pipeline.task.target.classes else []
    doubles = [f"{facts['num_near_duplicates']:,} of them are nearly the same as another."] if facts["num_near_duplicates"] else []
    group = [f"Rows that share `{schema.group()}` were kept together when rows were held out."] if schema.group() else []
    return [
        "## Data",
        "",
        f"Learned from {facts['num_learned']:,} rows; {facts['num_quarantined']:,} of {facts['num_rows']:,} were set aside as unreadable.",
        *doubles,
        *group,
        f"Chosen: {facts['chosen']}.",
        "",
        *classes,
        "| column | kind | missing | why |",
        "|---|---|---|---|",
        *used,
        "",
        *(["Left out:", "", "| column | why |", "|---|---|", *left_out, ""] if left_out else []),
    ]


def _limits(pipeline: Pipeline) -> list[str]:
    few = min(_class_counts(pipeline), default=None)
    return [
        "## Limits",
        "",
        "- Probabilities and intervals are calibrated for data like the training table, not for other sources.",
        "- Nothing was tested for fairness between groups of people.",
        *([f"- The rarest class has {few:,} rows in training: what is said of it rests on little."] if few is not None and few < FEW else []),
        *(f"- {finding.column}: {finding.message}" for finding in pipeline.schema.findings),
        "",
    ]


def _class_counts(pipeline: Pipeline) -> list[int]:
    """Rows of each class, where they are few enough to be counted by name."""
    portrait = pipeline.facts["portraits"].get(pipeline.task.target.name, {})
    if portrait.get("of") != "category" or len(portrait["names"]) < len(pipeline.task.target.classes):
        return []
    return list(portrait["counts"][: len(portrait["names"])])


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:20]) + (" ..." if len(names) > 20 else "")


def _cell(text: str) -> str:
    """A text that cannot break a table's row."""
    return " ".join(text.replace("|", "\\|").split())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
