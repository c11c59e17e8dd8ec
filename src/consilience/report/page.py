"""The page: sections from the model and a table, drawn by one template into one file that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from consilience._version import __version__
from consilience.core.files import new_file
from consilience.core.progress import Progress, Silent
from consilience.data.table import Table
from consilience.pipeline.fitted import Pipeline
from consilience.report._board import make_board
from consilience.report._confusion import make_confusion
from consilience.report._cost import make_cost
from consilience.report._coverage import make_coverage
from consilience.report._curves import make_curves
from consilience.report._data import make_data, make_run
from consilience.report._evidence import make_evidence
from consilience.report._examples import make_examples
from consilience.report._hero import make_hero
from consilience.report._labels import make_by_class
from consilience.report._material import Judged, Material, gather
from consilience.report._residuals import make_residuals
from consilience.report._robust import make_robust
from consilience.report._slices import make_slices
from consilience.report._suspects import make_suspects
from consilience.report._threshold import make_threshold
from consilience.report._trust import make_trust
from consilience.report._twins import make_twins
from consilience.report._words import words_for
from consilience.report._worth import make_worth

__all__ = ["render_report", "write_report"]

TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    pipeline: Pipeline,
    path: str | Path,
    table: Table | None = None,
    *,
    language: str = "en",
    trust: bool = False,
    train: Table | None = None,
    progress: Progress | None = None,
) -> Path:
    """Writes one self-contained HTML page; an older page there stays whole until the new one is.

    Args:
        pipeline: The model.
        path: The file.
        table: Rows with their target that the model has not learned from; without them the page tells what is known from the fit alone.
        language: ``en`` or ``zh``.
        trust: Also what is left of the score when evidence gets worse, and what the model costs to run; takes minutes.
        train: The table that the model learned from, to show rows of ``table`` that are also there; of no use without ``table``.
        progress: Counts what is encoded and scored.

    Raises:
        ColumnError: The table lacks the target, or no row of it can be scored.
        UnknownName: There are no texts in this language.
    """
    page = render_report(pipeline, table, language=language, trust=trust, train=train, progress=progress)
    target = Path(path)
    with new_file(target) as beside:
        beside.write_text(page, encoding="utf-8")
    return target


def render_report(
    pipeline: Pipeline,
    table: Table | None = None,
    *,
    language: str = "en",
    trust: bool = False,
    train: Table | None = None,
    progress: Progress | None = None,
) -> str:
    """The page as text. Arguments and errors as for ``write_report``."""
    words = words_for(language)
    material = gather(pipeline, table, words, progress or Silent(), trust=trust, train=train)
    template = _templates().get_template("page.html.jinja")
    return template.render(
        w=words,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - a file of this package
        target=material.task.target.name,
        hero=make_hero(material),
        board=make_board(material),
        told=None if material.judged is None else _told(material, material.judged),
        curves=make_curves(material),
        data=make_data(material),
        run=make_run(material),
        footer=words("page.footer", date=date.today().isoformat(), version=__version__),
    )


@dataclass(frozen=True)
class _Told:
    """What only a table with answers can tell."""

    evidence: object
    worth: object
    confusion: object
    residuals: object
    by_class: object
    trust: object
    slices: object
    robust: object
    cost: object
    suspects: object
    twins: object
    threshold: object
    coverage: object
    metrics: tuple[tuple[str, ...], ...]
    metrics_said: str
    examples_said: str
    examples: object


def _told(material: Material, judged: Judged) -> _Told:
    numbers, words, task = material.numbers, material.words, material.task.target.task
    said, groups = make_examples(material, judged)
    headline = material.facts["headline"]
    found = judged.evaluated["metrics"][headline]
    return _Told(
        evidence=make_evidence(material, judged),
        worth=make_worth(material, judged),
        confusion=make_confusion(material, judged) if task in ("binary", "multiclass") else None,
        residuals=make_residuals(material, judged) if task == "regression" else None,
        by_class=make_by_class(material, judged),
        trust=make_trust(material, judged),
        slices=make_slices(material, judged),
        robust=make_robust(material, judged),
        cost=make_cost(material, judged),
        suspects=make_suspects(material, judged),
        twins=make_twins(material, judged),
        coverage=make_coverage(material, judged),
        threshold=make_threshold(material, judged) if task == "binary" else None,
        metrics=tuple(
            (numbers.name(name), *(numbers.metric(name, value[part]) for part in ("value", "low", "high")), numbers.meaning(name))
            for name, value in judged.evaluated["metrics"].items()
        ),
        metrics_said=words(
            "metrics.conclusion", metric=numbers.title(headline), **{part: numbers.metric(headline, found[part]) for part in ("value", "low", "high")}
        ),
        examples_said=said,
        examples=groups,
    )


@cache
def _templates() -> Environment:
    """Everything that is not a template's own text is escaped."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
