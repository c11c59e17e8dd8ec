"""The table behind the model: warnings, columns, rows set aside, and how the model was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from consilience._version import __version__
from consilience.judge.drift import Drift, Uncompared
from consilience.report._material import Material, short
from consilience.report._said_again import said_again

__all__ = ["Data", "Run", "Warned", "make_data", "make_run"]

COLUMNS, ASIDE, NOTES = 300, 50, 50


@dataclass(frozen=True)
class Warned:
    """Something to know before trusting the model."""

    topic: str
    column: str
    message: str


@dataclass(frozen=True)
class Data:
    """See the template."""

    warned: str
    warnings: tuple[Warned, ...]
    conclusion: str
    header: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    more: str
    aside: str
    aside_header: tuple[str, ...]
    aside_rows: tuple[tuple[str, ...], ...]
    aside_more: str
    notes: str
    notes_header: tuple[str, ...]
    notes_rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Run:
    """See the template."""

    conclusion: str
    encoder_header: tuple[str, ...]
    encoders: tuple[tuple[str, ...], ...]
    members: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    recipe: str


def make_data(material: Material) -> Data:
    """Findings, schema, quarantine and notes."""
    words, schema, judged = material.words, material.pipeline.schema, material.judged
    warnings = [Warned(words.maybe(f"topic.{found.topic}", found.topic), found.column, said_again(words, found.message)) for found in schema.findings]
    if doubles := material.facts["num_near_duplicates"]:
        warnings.append(Warned(words("topic.near_duplicates"), "", words("warnings.near_duplicates", count=f"{doubles:,}")))
    notes: list[tuple[str, str]] = []
    if judged is not None:
        dataset = judged.scored.dataset
        warnings += [Warned(words("topic.missing"), name, words("warnings.absent", source=judged.source)) for name in dataset.absent_columns]
        warnings += [_uncompared(material, one, judged.source) for one in judged.uncompared if not (one.why == "absent" and one.second)]
        warnings += [Warned(words("topic.drift"), short(found.column, 60), _drifted(material, found, judged.source)) for found in judged.drift]
        notes = [(f"{row:,}", short(" ".join(said), 200)) for row, said in dataset.notes.items()]
    ignored = sum(column.role == "ignored" for column in schema.columns)
    said, rows, total = _aside(material)
    return Data(
        warned=words(
            "warnings.none" if not warnings else "warnings.conclusion_one" if len(warnings) == 1 else "warnings.conclusion", count=len(warnings)
        ),
        warnings=tuple(warnings),
        conclusion=words(
            "data.conclusion" if ignored else "data.conclusion_all", features=len(schema.features()), columns=len(schema.columns), ignored=ignored
        ),
        header=tuple(words(f"column.{name}") for name in ("column", "kind", "role", "missing", "sure", "reason", "alternatives")),
        columns=tuple(_column(material, column) for column in schema.columns[:COLUMNS]),
        more=words("data.more", count=len(schema.columns) - COLUMNS) if len(schema.columns) > COLUMNS else "",
        aside=said,
        aside_header=tuple(words(f"column.{name}") for name in ("table", "row", "column", "reason")),
        aside_rows=rows,
        aside_more=words("data.aside_more", count=len(rows)) if total > len(rows) else "",
        notes=words("data.notes_count", count=f"{len(notes):,}", source=judged.source) if judged is not None and notes else "",
        notes_header=tuple(words(f"column.{name}") for name in ("row", "note")),
        notes_rows=tuple(notes[:NOTES]),
    )


def make_run(material: Material) -> Run:
    """Encoders, weights, time, memory, and the recipe that repeats it."""
    words, numbers, facts = material.words, material.numbers, material.facts
    memory = f"{facts['peak_memory_mb']:,.0f} MB"
    seconds = [(words.maybe(f"stage.{name}", name), f"{value:,.1f} s") for name, value in facts["seconds"].items()]
    cells = facts["cells"]
    temperature = [] if facts["task"] == "regression" else [(words("run.temperature"), f"{facts['temperature']:.3f}")]
    return Run(
        conclusion=words("run.conclusion", seconds=f"{facts['seconds']['total']:,.1f}", rows=f"{facts['num_learned']:,}", memory=memory),
        encoder_header=tuple(words(f"column.{name}") for name in ("encoder", "columns", "weights")),
        encoders=tuple(
            (encoder["encoder"], _some(encoder["columns"]), encoder["weights"] or words("run.no_weights")) for encoder in facts["encoders"]
        ),
        members=tuple((name, numbers.share(weight)) for name, weight in facts["members"].items()),
        details=(
            (words("run.version"), f"consilience {__version__}"),
            (words("run.learned"), f"{facts['num_learned']:,}"),
            (words("run.scored"), f"{facts['num_scored']:,}"),
            *seconds,
            (words("stage.memory"), memory),
            (words("run.cells"), f"{cells['encoded']:,} / {cells['reused']:,}"),
            *temperature,
        ),
        recipe=material.pipeline.recipe.to_yaml(),
    )


def _column(material: Material, column: Any) -> tuple[str, ...]:
    words, total = material.words, material.pipeline.schema.num_rows
    missing = material.numbers.share(column.missing / total) if column.missing and total else ""
    others = "; ".join(
        f"{words.kind(other.kind)} ({material.numbers.whole(other.score)})" for other in column.alternatives[:3] if other.score >= 0.05
    )
    return (
        short(column.name, 60),
        words.kind(column.kind),
        words(f"role.{column.role}"),
        missing,
        material.numbers.whole(column.confidence),
        short(said_again(words, column.reason), 300),
        others,
    )


def _aside(material: Material) -> tuple[str, tuple[tuple[str, ...], ...], int]:
    words, facts, judged = material.words, material.facts, material.judged
    said: list[str] = []
    rows: list[tuple[str, ...]] = []
    total = len(facts["quarantine"])
    if facts["num_quarantined"]:
        said.append(words("data.aside_train", count=f"{facts['num_quarantined']:,}", rows=f"{facts['num_rows']:,}"))
        rows += [(words("data.training"), f"{item['row']:,}", item["column"], short(item["reason"], 300)) for item in facts["quarantine"][:ASIDE]]
    if judged is not None and judged.scored.dataset.quarantine:
        evaluated, aside = judged.evaluated, judged.scored.dataset.quarantine
        counts = {"count": f"{evaluated['num_quarantined']:,}", "rows": f"{evaluated['num_rows']:,}"}
        said.append(words("data.aside_table", source=judged.source, **counts))
        rows += [(judged.source, f"{item.row:,}", item.column, short(item.reason, 300)) for item in aside[:ASIDE]]
        total += len(aside)
    return words("join.sentences").join(said) or words("data.aside_none"), tuple(rows), total


def _uncompared(material: Material, one: Uncompared, source: str) -> Warned:
    """A column that nobody can compare with the training rows; of one that the table lacks more is said elsewhere."""
    words = material.words
    both = "_both" if one.why == "empty" and one.first and one.second else ""
    where = words("drift.training") if one.first else source
    return Warned(words("topic.drift"), short(one.column, 60), words(f"drift.uncompared_{one.why}{both}", source=source, where=where))


def _drifted(material: Material, found: Drift, source: str) -> str:
    """A column that differs from training, in words."""
    words, numbers = material.words, material.numbers
    tell = numbers.share if found.of in ("missing", "category") else _day if found.of == "date" else numbers.plain
    name = words("drift.other") if found.name is None else repr(short(found.name))
    values = {"here": tell(found.here), "there": tell(found.there), "distance": numbers.share(found.distance), "name": name}
    return words(f"drift.{found.of}", source=source, **values)


def _day(seconds: float) -> str:
    """The day of a moment."""
    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).date().isoformat()


def _some(names: Iterable[str]) -> str:
    """The first dozen names."""
    every = list(names)
    return ", ".join(short(name) for name in every[:12]) + (f" + {len(every) - 12}" if len(every) > 12 else "")
