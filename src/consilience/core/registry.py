"""One small registry for all: methods are files, listed without being run, imported when asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from consilience.core.errors import ConsilienceError, UnknownName

__all__ = ["Card", "Registry"]

T = TypeVar("T")


@dataclass(frozen=True)
class Card:
    """What a method says of itself. A literal in the method's file, read without running the file.

    Args:
        summary: One line: what it does and when to use it.
        source: Paper (author, year) or library.
        extra: Name of the extra that installs what it needs; empty for the core.
        claims: Typed promises that the contract checks hold it to, such as ``"frozen"`` or ``"interaction"``.
        cost: Work per row on a CPU: ``"low"``, ``"medium"`` or ``"high"``.
    """

    summary: str
    source: str
    extra: str = ""
    claims: tuple[str, ...] = ()
    cost: str = "low"


class Registry(Generic[T]):
    """Methods of one sort: each public file below a package is one; its stem is its key.

    A file in a sub-folder has the key ``folder/stem``. Files that begin with ``_`` are no methods.
    Other packages add methods by an entry point in the group ``consilience.<name>s``.

    Args:
        what: The word for one method, such as ``"fusion"``.
        package: Full name of the package whose files are the methods.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what = what
        self.package = package

    @cached_property
    def files(self) -> dict[str, Path]:
        """Key to file, for the methods that ship with the package."""
        # The package is located, not run: its __init__ may import what takes seconds.
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ConsilienceError(f"There is no package {self.package!r} that would hold the {self.what}s.")
        root = Path(next(iter(spec.submodule_search_locations)))
        found = (path for path in sorted(root.rglob("*.py")) if not any(part.startswith("_") for part in path.relative_to(root).parts))
        return {path.relative_to(root).with_suffix("").as_posix(): path for path in found}

    @cached_property
    def plugins(self) -> dict[str, EntryPoint]:
        """Key to entry point, for the methods that other packages add."""
        points: dict[str, EntryPoint] = {}
        for point in entry_points(group=f"consilience.{self.what}s"):
            if point.name in self.files or point.name in points:
                raise ConsilienceError(
                    f"Two packages give the {self.what} {point.name!r}; the second is {point.value}.",
                    hint="Uninstall one of them, or rename its entry point.",
                )
            points[point.name] = point
        return points

    def keys(self) -> list[str]:
        return sorted({*self.files, *self.plugins})

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.files or key in self.plugins

    def __len__(self) -> int:
        return len(self.files) + len(self.plugins)

    def card(self, key: str) -> Card:
        """The method's card, read from its file without running it."""
        if key in self.plugins:
            return read_module_card(self.plugins[key])
        self.check(key)
        return read_card(self.files[key])

    def get(self, key: str) -> type[T]:
        """The method's class; its module is imported now.

        Raises:
            UnknownName: No method has this key.
            MissingExtra: The method needs a package that is not installed.
        """
        if key in self.plugins:
            return self.plugins[key].load()  # type: ignore[no-any-return]
        self.check(key)
        module = import_module(".".join((self.package, *key.split("/"))))
        (name,) = module.__all__
        return getattr(module, name)  # type: ignore[no-any-return]

    def check(self, key: str) -> None:
        """Raises UnknownName unless some method has this key."""
        if key not in self:
            raise UnknownName(self.what, key, self.keys())


def read_card(path: Path) -> Card:
    """The ``CARD = Card(...)`` literal of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and any(isinstance(t, ast.Name) and t.id == "CARD" for t in node.targets)
        ):
            fields: dict[str, Any] = {word.arg: ast.literal_eval(word.value) for word in node.value.keywords if word.arg}
            return Card(**fields)
    raise ConsilienceError(f"The method file {path.name} has no literal CARD = Card(...).")


def read_module_card(point: EntryPoint) -> Card:
    """The card of a plugin: its file cannot be found without importing, so it is imported."""
    return import_module(point.module).CARD  # type: ignore[no-any-return]
