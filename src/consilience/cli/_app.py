"""The program: commands are found by listing the folder's public files."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from consilience._version import __version__
from consilience.cli._door import Door, unexpected
from consilience.cli._help import Command, CommandGroup

__all__ = ["app", "main"]

_LOOK = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


def main() -> None:
    """The entry point ``consilience``."""
    sys.excepthook = unexpected
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that knows no Chinese shows escapes instead of an error.
            reconfigure(errors="backslashreplace")
    # Not app(): that would put typer's own page of a traceback in the place of ours.
    typer.main.get_command(app)()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"consilience {__version__}")
        raise typer.Exit


def start(
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.", is_eager=True, callback=_show_version)] = False,
) -> None:
    """One honest model from a table of mixed evidence: text, pictures, numbers, categories, dates.

    \b
    consilience inspect train.csv --target label
    consilience fit train.csv --target label --out model/
    consilience evaluate model/ test.csv
    consilience predict model/ new.csv --out preds.parquet
    """


def fill(group: typer.Typer, package: str, folder: Path) -> typer.Typer:
    """Adds a command for each public file in a package's folder, and a group for each public folder."""
    found = [
        (info.name, info.ispkg, import_module(f"{package}.{info.name}"))
        for info in pkgutil.iter_modules([str(folder)])
        if not info.name.startswith("_")
    ]
    for stem, is_group, module in sorted(found, key=lambda entry: (entry[2].ORDER, entry[0])):
        name = stem.replace("_", "-")
        if is_group:
            inner = typer.Typer(cls=CommandGroup, help=module.__doc__, **_LOOK)  # type: ignore[arg-type]
            group.add_typer(fill(inner, module.__name__, folder / stem), name=name, rich_help_panel=module.PANEL)
        else:
            group.command(name, cls=Command, rich_help_panel=module.PANEL, no_args_is_help=_needs_something(module))(module.command)
    return group


def _needs_something(module: ModuleType) -> bool:
    """True where a command without any argument is a mistake."""
    return any(parameter.default is parameter.empty for parameter in inspect.signature(module.command).parameters.values())


app = typer.Typer(cls=Door, **_LOOK)  # type: ignore[arg-type]
"""The program as typer sees it, for tests."""
app.callback(invoke_without_command=False)(start)
fill(app, __name__.rpartition(".")[0], Path(__file__).parent)
