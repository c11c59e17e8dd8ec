"""Methods of one registry do not know one another: adding or removing a file changes no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import consilience
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.fusion import FUSIONS
from consilience.learn.learners import LEARNERS
from consilience.tasks import TASKS

ROOT = Path(consilience.__file__).parent
REGISTRIES = {registry.what: registry for registry in (KINDS, ENCODERS, FUSIONS, TASKS, LEARNERS)}
BY_NAME = {"consilience.learn.learners.ensemble": "every fitted model is an ensemble, at least of one member"}
"""Methods that others may import by their module instead of asking the registry, and why."""


def module_of(path: Path, root: Path = ROOT) -> str:
    """The full name of a file's module."""
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, module: str) -> Iterator[str]:
    """Every module that a file imports anywhere in it; what is imported from a module may be a module too."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield from (start, *(f"{start}.{alias.name}" for alias in node.names))


def methods_of(what: str) -> dict[str, Path]:
    """Module to file, of the methods of a registry."""
    registry = REGISTRIES[what]
    return {f"{registry.package}.{key.replace('/', '.')}": path for key, path in registry.files.items()}


@pytest.mark.parametrize("what", REGISTRIES)
def test_no_method_imports_another(what: str) -> None:
    methods = methods_of(what)
    assert methods
    for module, path in methods.items():
        others = (set(imports(path, module)) & set(methods)) - {module}
        assert not others, f"{path.name} imports {sorted(others)}; what both need belongs into a file that begins with _"


@pytest.mark.parametrize("what", REGISTRIES)
def test_what_methods_share_knows_none_of_them(what: str) -> None:
    methods = methods_of(what)
    folder = ROOT.joinpath(*REGISTRIES[what].package.split(".")[1:])
    shared = [path for path in sorted(folder.rglob("*.py")) if path not in methods.values()]
    assert shared
    for path in shared:
        known = set(imports(path, module_of(path))) & set(methods)
        assert not known, f"{path.name} imports {sorted(known)}; ask the registry instead"


def test_others_ask_the_registry() -> None:
    methods = {module for what in REGISTRIES for module in methods_of(what)}
    asked: set[str] = set()
    for path in sorted(ROOT.rglob("*.py")):
        module = module_of(path)
        if module not in methods:
            by_name = set(imports(path, module)) & methods
            assert by_name <= set(BY_NAME), f"{module} imports {sorted(by_name - set(BY_NAME))}; ask the registry instead"
            asked |= by_name
    assert asked == set(BY_NAME), f"Nobody imports {sorted(set(BY_NAME) - asked)} any more: take the exception out"


def test_every_way_to_import_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "home" / "inner" / "one.py"
    file.parent.mkdir(parents=True)
    file.write_text("import a.b\nfrom c import d\n\ndef f():\n    from . import two\n    from .three import x\n    from ..four import y\n")
    found = set(imports(file, module_of(file, tmp_path / "home")))
    assert {"a.b", "c", "c.d", "home.inner.two", "home.inner.three", "home.four"} <= found
