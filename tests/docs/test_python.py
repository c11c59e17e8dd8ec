"""Every Python block in the documents parses and calls what there is; the worked examples run."""

from __future__ import annotations

import ast
import csv
import doctest
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import consilience
from consilience.api import Model
from consilience.core.registry import Registry
from consilience.pipeline.recipe import Recipe
from consilience.testing import check_encoder, check_registry, fake_columns

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for folder in (".", "docs", "docs/[!_]*") for path in ROOT.glob(f"{folder}/*.md"))
OWNERS: dict[str, Any] = {"consilience": consilience, "model": Model}
Blocks = Callable[[str], list[tuple[str, str]]]


def check_calls(code: str) -> None:
    """Names of ``consilience`` and of ``model`` exist, their calls fit the signatures, and imports can be had."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("consilience"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names), f"{node.module} lacks one of {[alias.name for alias in node.names]}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OWNERS:
            assert hasattr(OWNERS[node.value.id], node.attr), f"There is no {node.value.id}.{node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            check_call(node, node.func, node.func.value.id)


def check_call(node: ast.Call, function: ast.Attribute, owner: str) -> None:
    if owner not in OWNERS:
        return
    assert hasattr(OWNERS[owner], function.attr), f"There is no {owner}.{function.attr}"
    called = getattr(OWNERS[owner], function.attr)
    self = [None] if owner == "model" else []
    words = {word.arg: None for word in node.keywords if word.arg}
    bound = inspect.signature(called).bind(*self, *node.args, **words)
    if called is consilience.fit:
        unknown = set(bound.arguments.get("settings", {})) - set(Recipe.model_fields)
        assert not unknown, f"consilience.fit knows no {sorted(unknown)}"


@pytest.mark.parametrize("page", PAGES)
def test_blocks(page: str, blocks: Blocks) -> None:
    for language, text in blocks(page):
        if language == "python" and "text/surface" not in text:
            check_calls(text)


@pytest.mark.parametrize(
    "code",
    [
        "consilience.fitt('a')",
        "consilience.fit('a', tarjet='y')",
        "model.predict()",
        "model.verdicts",
        "from consilience.testing import check_all",
        "x =",
    ],
)
def test_a_wrong_block_is_told(code: str) -> None:
    with pytest.raises((AssertionError, TypeError, SyntaxError)):
        check_calls(code)


@pytest.fixture
def home(tmp_path: Path, blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with the worked encoder, saved as CONTRIBUTING says but for the name of the package."""
    package = tmp_path / "surface_home"
    (package / "text").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "text" / "__init__.py").write_text("")
    code = next(text for language, text in blocks("CONTRIBUTING.md") if language == "python" and "CARD" in text)
    (package / "text" / "surface.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_worked_encoder_keeps_the_contract(home: Path) -> None:
    registry: Registry[Any] = Registry("encoder", "surface_home")
    check_registry(registry)
    cls: Any = registry.get("text/surface")
    check_encoder(lambda: cls(cls.Settings()), fake_columns("text"))
    assert doctest.testmod(sys.modules[cls.__module__]).failed == 0


def test_the_worked_encoder_is_listed_by_its_entry_point(home: Path, blocks: Blocks) -> None:
    (toml,) = (text for language, text in blocks("CONTRIBUTING.md") if language == "toml")
    assert '"text/surface" = "my_package.surface:Surface"' in toml
    assert '"consilience.encoders"' in toml
    about = home / "surface_home-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: surface-home\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[consilience.encoders]\ntext/surface = surface_home.text.surface:Surface\n")
    paths = os.pathsep.join([str(home), *(os.path.abspath(entry) for entry in sys.path if entry)])
    command = [sys.executable, "-m", "consilience", "list", "encoders"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"})
    assert any(line.startswith("text/surface ") and "Stamatatos" in line for line in done.stdout.splitlines())


def test_the_groups_of_entry_points_are_those_of_the_registries(prose: Callable[[str], str]) -> None:
    from consilience.data.kinds import KINDS
    from consilience.encoders import ENCODERS
    from consilience.fusion import FUSIONS
    from consilience.learn.learners import LEARNERS
    from consilience.tasks import TASKS

    for registry in (KINDS, ENCODERS, FUSIONS, LEARNERS, TASKS):
        assert f"`consilience.{registry.what}s`" in prose("CONTRIBUTING.md")


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, blocks: Blocks) -> None:
    (tmp_path / "pics").mkdir()
    for place, colour in enumerate(("red", "blue")):
        Image.new("RGB", (32, 32), colour).save(tmp_path / "pics" / f"{place}.png")
    rows = [
        [f"pics/{row % 2}.png" if row % 5 else "", ("works well", "sent it back")[row % 2], 20 + row % 7, ("north", "web")[row % 3 == 0]]
        for row in range(40)
    ]
    for name in ("train", "test", "new"):
        with open(tmp_path / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["photo", "review", "price", "shop", "label"])
            writer.writerows([*row, ("keep", "return")[place % 2]] for place, row in enumerate(rows))
    code = next(text for language, text in blocks("README.md") if language == "python")
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model" / "MANIFEST.json").is_file()
    assert done.stdout.strip()
