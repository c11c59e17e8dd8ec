"""Every command in the documents is one: the program itself parses it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from consilience.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for folder in (".", "docs", "docs/[!_]*") for path in ROOT.glob(f"{folder}/*.md"))
INLINE = re.compile(r"`([^`\n]+)`")
MISTAKE = typer.BadParameter.__mro__[1]
"""What the program raises for a line that it refuses; its place differs between versions of typer."""


def parse(line: str) -> None:
    """Raises whatever the program would say of the line, and does not run it."""
    _, *words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words, f"{line!r} names no command"
        if words[0] in ("--help", "--version"):
            return
        assert words[0] in command.commands, f"{line!r}: there is no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def options(command: Any) -> Iterator[str]:
    """All options of a command and of those below it."""
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


def lines(blocks: list[tuple[str, str]], prose: str, program: str) -> list[str]:
    """What the page tells a person to type, in blocks and between backticks."""
    typed = [line for language, text in blocks if language == "bash" for line in text.splitlines()]
    return [line for line in [*typed, *INLINE.findall(prose)] if line.startswith(f"{program} ")]


@pytest.mark.parametrize("page", PAGES)
def test_commands(page: str, blocks: Callable[[str], list[tuple[str, str]]], prose: Callable[[str], str]) -> None:
    for line in lines(blocks(page), prose(page), "consilience"):
        parse(line)  # raises what a person would see


@pytest.mark.parametrize("page", PAGES)
def test_options_in_the_text(page: str, prose: Callable[[str], str]) -> None:
    known = {*options(typer.main.get_command(app)), "--help"}
    named = {code.split()[0] for code in INLINE.findall(prose(page)) if code.startswith("--")}
    assert named <= known, f"{page} names options that no command has: {sorted(named - known)}"


@pytest.mark.parametrize("page", PAGES)
def test_make_targets(page: str, blocks: Callable[[str], list[tuple[str, str]]], prose: Callable[[str], str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in lines(blocks(page), prose(page), "make")}
    assert named <= targets, f"{page} names targets that the Makefile lacks: {sorted(named - targets)}"


@pytest.mark.parametrize("page", PAGES)
def test_extras_and_variables(page: str, project: dict[str, Any]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    extras = {name for group in re.findall(r"consilience\[([\w,]+)\]", text) for name in group.split(",")}
    assert extras <= set(project["project"]["optional-dependencies"])
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for variable in set(re.findall(r"CONSILIENCE_[A-Z]+", text)):
        assert f'"{variable}"' in source, f"{page}: nothing reads {variable}"


def test_the_readme_shows_every_command(blocks: Callable[[str], list[tuple[str, str]]], prose: Callable[[str], str]) -> None:
    shown = {line.split()[1] for line in lines(blocks("README.md"), prose("README.md"), "consilience")}
    command: Any = typer.main.get_command(app)
    assert shown | {"embed"} == set(command.commands)


@pytest.mark.parametrize(
    "line",
    [
        "consilience fitt train.csv",
        "consilience fit train.csv --tarjet label",
        "consilience list metrics",
        "consilience evaluate model/",
        "consilience cache",
        "consilience --hello",
        "consilience fit train.csv --folds one",
    ],
)
def test_a_wrong_line_is_told(line: str) -> None:
    with pytest.raises((AssertionError, MISTAKE)):
        parse(line)
