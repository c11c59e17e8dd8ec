"""The page of one explained row: sections drawn by one template into one file that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from consilience._version import __version__
from consilience.core.files import new_file
from consilience.judge.explain import ExplainedCell, Explanation, NearRow
from consilience.pipeline.fitted import Pipeline
from consilience.report._material import short
from consilience.report._words import words_for
from consilience.report.explanation._bars import Bar, bars_of
from consilience.report.explanation._figures import figure_of
from consilience.report.explanation._saying import Saying

__all__ = ["render_explanation", "write_explanation"]

TEMPLATES = Path(__file__).parent.parent / "templates"

ROWS = 64
"""Pieces of a cell that stand in its table of numbers."""

BARS = 16
"""Table columns that are drawn."""


def write_explanation(pipeline: Pipeline, explanation: Explanation, path: str | Path, *, language: str = "en") -> Path:
    """Writes one self-contained HTML page; an older page there stays whole until the new one is.

    Args:
        pipeline: The model that was explained.
        explanation: What ``explain_row`` gave.
        path: The file.
        language: ``en`` or ``zh``.

    Raises:
        UnknownName: There are no texts in this language.
    """
    page = render_explanation(pipeline, explanation, language=language)
    target = Path(path)
    with new_file(target) as beside:
        beside.write_text(page, encoding="utf-8")
    return target


def render_explanation(pipeline: Pipeline, explanation: Explanation, *, language: str = "en") -> str:
    """The page as text. Arguments and errors as for ``write_explanation``."""
    words = words_for(language)
    say = Saying(words, pipeline.task, explanation)
    there = [one for one in explanation.modalities if not one.missing]
    style = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "explain.css"))
    return (
        _templates()
        .get_template("explain.html.jinja")
        .render(
            w=words,
            style=Markup(style),  # noqa: S704 - files of this package
            title=words("explain.title", target=explanation.target),
            head=words("explain.head", row=f"{explanation.row:,}", source=short(words.maybe(f"source.{explanation.source}", explanation.source), 60)),
            verdict=say.verdict(),
            facts=say.facts(),
            notes=explanation.notes,
            scale=say.scale(),
            of=say.of,
            modalities=bars_of([(words.modality(one.name), "", one.weight, 0.0) for one in there], say),
            modality_said=say.modalities(),
            header=tuple(words(f"explain.column.{name}") for name in ("modality", "weight", "without", "alone")),
            numbers=[
                (words.modality(one.name), *((words("explain.missing"), "", "") if one.missing else say.modality(one)))
                for one in explanation.modalities
            ],
            cells=[_cell(cell, say, number) for number, cell in enumerate(explanation.cells)],
            near_said=say.near(),
            near=[_near(row, say) for row in explanation.nearest],
            footer=words("explain.footer", date=date.today().isoformat(), version=__version__),
        )
    )


@dataclass(frozen=True)
class _Cell:
    """See the template."""

    anchor: str
    title: str
    said: str
    figure: Any
    bars: tuple[Bar, ...]
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str


def _cell(cell: ExplainedCell, say: Saying, number: int) -> _Cell:
    words = say.words
    title = words("explain.in_table") if cell.kind == "table" else words("explain.in", column=short(cell.column))
    bars: tuple[Bar, ...] = ()
    if cell.kind == "table":
        values = [(piece.name, say.value(piece.where.get("value")), piece.weight, piece.error) for piece in cell.pieces[:BARS]]
        bars = bars_of([(short(name), value, weight, error) for name, value, weight, error in values], say)
    rows = tuple((say.place(cell, piece), say.part(cell, piece), say.error(cell, piece)) for piece in cell.pieces[:ROWS])
    more = words("explain.more_pieces", count=len(cell.pieces) - ROWS) if len(cell.pieces) > ROWS else ""
    header = (words(f"explain.unit.{cell.unit}"), words("explain.column.weight"), words("explain.column.error")) if cell.unit else ()
    return _Cell(f"cell-{number}", title, say.cell(cell), figure_of(cell, say), bars, say.how(cell), header, rows, more)


def _near(row: NearRow, say: Saying) -> dict[str, Any]:
    pictures: list[tuple[str, Markup | None]] = []
    others: list[tuple[str, Markup | None]] = []
    for name, html in row.cells.items():
        shown = (short(name), None if html is None else Markup(html))  # noqa: S704 - a kind promises safe HTML
        (pictures if html is not None and html.startswith(("<img", "<svg")) else others).append(shown)
    same = row.label is not None and say.answer(row.label) == say.answer(say.explanation.prediction)
    return {
        "distance": say.words("explain.distance", distance=f"{row.distance:.2f}"),
        "label": say.answer(row.prediction if row.label is None else row.label),
        "same": same,
        "pictures": pictures,
        "cells": others,
        "row": say.words("examples.row", row=f"{row.row:,}"),
    }


@cache
def _templates() -> Environment:
    """Everything that is not a template's own text is escaped."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
