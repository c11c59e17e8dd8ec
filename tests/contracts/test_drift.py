"""What the package says of itself is so: names, docstrings, and what an import costs."""

from __future__ import annotations

import ast
import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import consilience

ROOT = Path(consilience.__file__).parent
BARE = {"consilience.__main__", "consilience._version"}
"""Run as a program, and a single line that the build reads."""
MODULES = ["consilience", *sorted(info.name for info in pkgutil.walk_packages([str(ROOT)], "consilience.") if info.name not in BARE)]
HEAVY = ("torch", "polars", "sklearn", "scipy", "transformers", "lightgbm", "pandas")


def source(name: str) -> Path:
    path = ROOT.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def exported(name: str) -> list[str] | None:
    """The literal ``__all__`` of a module; None where there is none."""
    for node in ast.parse(source(name).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets) and node.value is not None:
                return list(ast.literal_eval(node.value))
    return None


def bare_package(name: str) -> bool:
    """True for an ``__init__.py`` that holds nothing but its docstring: there is nothing to name."""
    return source(name).name == "__init__.py" and len(ast.parse(source(name).read_text(encoding="utf-8")).body) <= 1


def test_the_root_exports_what_it_says() -> None:
    assert consilience.__all__ == sorted(consilience.__all__) == dir(consilience)
    for name in consilience.__all__:
        assert getattr(consilience, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        consilience.nothing  # noqa: B018
    shown = {
        alias.name
        for node in ast.walk(ast.parse(source("consilience").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module or "").startswith("consilience")
    }
    assert shown == set(consilience.__all__)


def test_the_testing_room_exports_what_it_says() -> None:
    room = import_module("consilience.testing")
    assert room.__all__ == sorted(room.__all__) == dir(room)
    for name in room.__all__:
        assert inspect.getdoc(getattr(room, name))
    with pytest.raises(AttributeError, match="nothing"):
        room.nothing  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_every_module_names_what_it_gives(name: str) -> None:
    module = import_module(name)
    assert (module.__doc__ or "").strip(), f"{name} has no docstring"
    names = exported(name)
    if names is None:
        assert bare_package(name), f"{name} has no __all__"
        return
    assert len(names) == len(set(names)), f"{name}: a name stands twice in __all__"
    missing = [word for word in names if not hasattr(module, word)]
    assert not missing, f"{name}: __all__ names {missing}, which are not there"
    things = {word: getattr(module, word) for word in names}
    silent = [word for word, thing in things.items() if (inspect.isclass(thing) or inspect.isfunction(thing)) and not ((thing.__doc__ or "").strip())]
    assert not silent, f"{name}: {silent} have no docstring"


@pytest.mark.parametrize("name", ["consilience", "consilience.cli", "consilience.testing", "consilience.core.errors"])
def test_an_import_loads_nothing_that_takes_long(name: str) -> None:
    code = f"import sys, {name}\nprint(*(heavy for heavy in {HEAVY!r} if heavy in sys.modules))"
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_kind_checks_need_no_torch() -> None:
    code = "import sys\nfrom consilience.testing import check_kind, fake_column, tiny_table, HashingText\nprint('torch' in sys.modules)"
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.stdout.strip() == "False"
