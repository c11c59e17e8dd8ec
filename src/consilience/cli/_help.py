"""Help as plain text, options and commands under the heading that each one names.

Typer's own grouped help draws with rich, whose import would take more time than everything else that ``--help`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["Command", "CommandGroup"]


class Command(TyperCommand):
    """A command whose options stand under the heading that each one names (``rich_help_panel``)."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments and options."""
        _write_parameters(self.get_params(ctx), ctx, formatter)


class CommandGroup(TyperGroup):
    """A group whose commands stand under the heading that each one names."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the commands, then the group's own options."""
        self.format_commands(ctx, formatter)
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes each command with the first sentence of its help."""
        rows = []
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            rows.append((getattr(command, "rich_help_panel", None) or "Commands", (name, command.get_short_help_str(limit=100))))
        _write_sections(rows, formatter)


def _write_parameters(parameters: Iterable[Any], ctx: Any, formatter: Any) -> None:
    rows = []
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        is_option = parameter.param_type_name == "option"
        heading = getattr(parameter, "rich_help_panel", None) or ("Options" if is_option else "Arguments")
        rows.append((heading, (_spelled(parameter) if is_option else str(parameter.metavar or record[0]), record[1])))
    _write_sections(rows, formatter)


def _spelled(option: Any) -> str:
    """The option with its short form first and the word for its value."""
    names = ", ".join(sorted(option.opts, key=len))
    return names if option.is_flag or not option.metavar else f"{names} {option.metavar}"


def _write_sections(rows: Iterable[tuple[str, tuple[str, str]]], formatter: Any) -> None:
    """Rows by heading, in the order in which the headings first appear."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for heading, row in rows:
        sections.setdefault(heading, []).append(row)
    for heading, found in sections.items():
        with formatter.section(heading):
            formatter.write_dl(found)
