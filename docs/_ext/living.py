"""What the pages do not say twice: the real ``--help``, the registries' cards and the tree of errors take the place of ``<!-- name -->`` lines.

Links out of ``docs/`` lead to the project's repository, and the one drawing in Mermaid becomes an SVG, so that a page fetches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from drawing import draw_flow

__all__ = ["MARKS", "fill", "setup"]

MARK = re.compile(r"^<!-- ([a-z]+) -->$", re.MULTILINE)
FLOW = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(((?:\.\./)+)([^)]+)\)")
ROOT = Path(__file__).parents[2]


def commands() -> str:
    """Every command with the text of its ``--help``."""
    import typer

    from consilience.cli import app

    found = walk(typer.main.get_command(app), "consilience")
    return "\n\n".join(f"## `{name}`\n\n```text\n{text}\n```" for name, text in found)


def walk(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """A command and those below it: full name and help."""
    context = command.make_context(name.rpartition(" ")[2], [], parent=parent, resilient_parsing=True)
    context.terminal_width = context.max_content_width = 80
    yield name, command.get_help(context)
    for word in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from walk(command.get_command(context, word), f"{name} {word}", context)


def methods(what: str, package: str) -> str:
    """A table of what a registry holds, read from the cards; a column that nobody fills is left out."""
    from consilience.core.registry import Registry

    registry: Registry[Any] = Registry(what, package)
    cards = {key: registry.card(key) for key in registry.files}
    rows = [["name", "what it does, and whose idea it is", "claims", "extra"], ["---"] * 4]
    for key, card in cards.items():
        rows.append([f"`{key}`", f"{plain(card.summary)}. *{plain(card.source)}.*", ", ".join(card.claims), card.extra and f"`{card.extra}`"])
    kept = [place for place in range(4) if any(row[place] for row in rows[2:])]
    return "\n".join(f"| {' | '.join(row[place] for place in kept)} |" for row in rows)


def plain(text: str) -> str:
    """A card's words inside a table of Markdown: nothing in them is a sign, a sentence begins large, and no full stop is doubled."""
    text = re.sub(r"([|<>*_`\[\]])", r"\\\1", text.rstrip("."))
    return f"{text[:1].upper()}{text[1:]}" if text.partition(" ")[0].isalpha() else text


def errors() -> str:
    """The tree of errors, as their module draws it."""
    from consilience.core import errors as module

    return f"```text\n{(module.__doc__ or '').partition(chr(10) * 2)[2].strip()}\n```"


MARKS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors,
    "kinds": lambda: methods("kind", "consilience.data.kinds"),
    "encoders": lambda: methods("encoder", "consilience.encoders"),
    "fusions": lambda: methods("fusion", "consilience.fusion"),
    "learners": lambda: methods("learner", "consilience.learn.learners"),
    "tasks": lambda: methods("task", "consilience.tasks"),
}


def repository() -> str:
    """Where the project's files can be read, from the package's own data."""
    urls = dict(line.split(", ", 1) for line in metadata("consilience").get_all("Project-URL") or ())
    return urls["Documentation"].removesuffix("docs").rstrip("/").replace("/tree/", "/blob/")


def fill(text: str, depth: int = 0) -> str:
    """A page's text with every mark, link and drawing put in its place; ``depth`` is the number of folders between it and ``docs/``."""

    def lead(found: re.Match[str]) -> str:
        return f"]({repository()}/{found[2]})" if found[1].count("/") > depth else found[0]

    text = MARK.sub(lambda found: MARKS[found[1]](), text)
    text = FLOW.sub(lambda found: f"```{{raw}} html\n{draw_flow(found[1])}\n```", text)
    return LINK.sub(lead, text)


def _on_read(app: Any, page: str, source: list[str]) -> None:
    source[0] = fill(source[0], page.count("/"))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _on_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
