"""What there is: kinds, encoders, fusions, tasks, learners."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Annotated, Any

import typer

from consilience.cli._options import Json
from consilience.cli._output import console, print_json, safe

__all__ = ["command"]

PANEL, ORDER = "Look", 20

_PACKAGES = {
    "kinds": ("kind", "consilience.data.kinds"),
    "encoders": ("encoder", "consilience.encoders"),
    "fusions": ("fusion", "consilience.fusion"),
    "tasks": ("task", "consilience.tasks"),
    "learners": ("learner", "consilience.learn.learners"),
}

What = Enum("What", {name: name for name in _PACKAGES}, type=str)  # type: ignore[misc]


def command(
    what: Annotated[What, typer.Argument(metavar="kinds|encoders|fusions|tasks|learners", help="What to list.", show_default=False)],
    json: Json = False,
) -> None:
    """List kinds, encoders, fusions, tasks or learners.

    Each with its source; where a package is missing, how to install it.

    \b
    consilience list encoders
    consilience list fusions --json
    """
    methods = _methods(what.value)
    if json:
        print_json({what.value: methods})
        return
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        _print_lines(methods)
        return
    from consilience.cli._model import plain_table

    table = plain_table(what.value, "summary", "source")
    table.columns[0].no_wrap = True
    table.columns[1].ratio, table.columns[2].ratio = 3, 2
    for method in methods:
        table.add_row(method["name"], _summary(method), safe(method["source"]))
    console().print(table)


def _print_lines(methods: list[dict[str, Any]]) -> None:
    """In a file or a pipe each method is one line, so that it can be searched."""
    name = max((len(method["name"]) for method in methods), default=0)
    summary = max((len(_summary(method)) for method in methods), default=0)
    for method in methods:
        typer.echo(f"{method['name']:<{name}}  {_summary(method):<{summary}}  {safe(method['source'])}")


def _summary(method: dict[str, Any]) -> str:
    return safe(f"{method['summary']} ({method['install']})" if method["install"] else method["summary"])


def _methods(what: str) -> list[dict[str, Any]]:
    """The cards of a registry, read without importing a method."""
    from consilience.core.extras import missing_packages
    from consilience.core.registry import Registry

    registry: Registry[Any] = Registry(*_PACKAGES[what])
    methods = []
    for key in registry:
        card = registry.card(key)
        missing = missing_packages(card.extra)
        methods.append(
            {
                "name": key,
                "summary": card.summary,
                "source": card.source,
                "claims": card.claims,
                "cost": card.cost,
                "extra": card.extra or None,
                "missing": missing,
                "install": f"pip install 'consilience[{card.extra}]'" if missing else None,
            }
        )
    return methods
