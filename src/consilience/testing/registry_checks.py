"""What every file of a registry has to keep: a card, one public class, its documents, a key that is its place, and a list that costs nothing."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata
from inspect import cleandoc, getdoc
from typing import Any

from consilience.core.errors import UnknownName
from consilience.core.extras import missing_packages
from consilience.core.registry import Registry
from consilience.testing._verdict import run_checks

__all__ = ["check_card", "check_documents", "check_listing", "check_place", "check_registry", "check_unknown"]

COSTS = ("low", "medium", "high")
HEAVY = ("torch", "polars", "sklearn", "scipy", "pandas", "lightgbm", "transformers")


def check_registry(registry: Registry[Any], known: Mapping[str, str] | None = None) -> None:
    """Every method's card, documents and place, and the registry's list and answers to unknown names.

    A method whose extra is not installed is read but not imported.

    Args:
        registry: One of ours, or a plugin's own.
        known: Check and key (``"documents text/bow"``) to the reason why it may fail.

    >>> from consilience.tasks import TASKS
    >>> check_unknown(TASKS)
    """
    checks: dict[str, Callable[[], None]] = {"listing": partial(check_listing, registry), "unknown": partial(check_unknown, registry)}
    for key in registry:
        checks[f"card {key}"] = partial(check_card, registry, key)
        if key not in registry.plugins:
            checks[f"documents {key}"] = partial(check_documents, registry, key)
        if not missing_packages(registry.card(key).extra):
            checks[f"place {key}"] = partial(check_place, registry, key)
    run_checks(f"The registry of {registry.what}s", checks, known)


def check_card(registry: Registry[Any], key: str) -> None:
    """The card is a literal with a summary of one line, a source, a known cost, claims without repeats, and an extra that the package has."""
    card = registry.card(key)
    assert card.summary.strip(), "The card's summary is empty."
    assert "\n" not in card.summary, "The card's summary is longer than one line."
    assert card.source.strip(), "The card names no source."
    assert card.cost in COSTS, f"The card's cost is {card.cost!r}; there are {', '.join(COSTS)}."
    assert isinstance(card.claims, tuple), f"The card's claims are a {type(card.claims).__name__}, not a tuple."
    assert len(set(card.claims)) == len(card.claims), "A claim of the card is written twice."
    extras = _extras()
    assert not card.extra or extras is None or key in registry.plugins or card.extra in extras, f"The package has no extra {card.extra!r}."


def check_documents(registry: Registry[Any], key: str) -> None:
    """The file says in one line what it is, and names its source; ``__all__`` names one class, which has a docstring."""
    tree = ast.parse(registry.files[key].read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    assert text, "The file has no docstring."
    source = registry.card(key).source
    assert re.search(r"\bSources?:", text) or source in text, "The file's docstring does not say where the method comes from (Source: ...)."
    names = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets)
    ]
    assert len(names) == 1 and len(names[0]) == 1, f"__all__ has to name one class, found {names}."  # noqa: PT018 - one promise
    classes = {node.name: ast.get_docstring(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    (name,) = names[0]
    assert name in classes, f"__all__ names {name!r}, which is no class of the file."
    assert classes[name], f"The class {name!r} has no docstring."


def check_place(registry: Registry[Any], key: str) -> None:
    """``get`` gives the class that the file defines; the key is the file's place; the card that is read is the card that is run."""
    cls = registry.get(key)
    assert isinstance(cls, type), f"The registry gives {cls!r}, not a class."
    assert cleandoc(getdoc(cls) or ""), f"The class {cls.__name__} has no docstring."
    if key in registry.plugins:
        return
    name = ".".join((registry.package, *key.split("/")))
    assert cls.__module__ == name, f"The class comes from {cls.__module__}, not from its own file {name}."
    assert registry.files[key].stem == key.rpartition("/")[2], f"The file {registry.files[key].name} is not named as its key."
    assert registry.card(key) == import_module(name).CARD, "The card that is read from the file differs from the one in the module."


def check_unknown(registry: Registry[Any]) -> None:
    """A name that is nearly one says which; one that is nothing says what there is."""
    for key in list(registry)[:3]:
        for wrong in (f"{key}x", "§§§"):
            assert wrong not in registry, f"{wrong!r} is said to be a {registry.what}."
            for ask in (registry.get, registry.card):
                try:
                    ask(wrong)
                except UnknownName as error:
                    told = str(error)
                else:
                    raise AssertionError(f"Asked for the {registry.what} {wrong!r}, the registry raised no UnknownName.")
                assert key in told, f"The message about {wrong!r} does not name {key!r}: {told}"
                assert wrong == "§§§" or "Did you mean" in told, f"The message about {wrong!r} names nothing near: {told}"


def check_listing(registry: Registry[Any]) -> None:
    """Listing all methods with their cards loads neither torch nor any other library that takes long (seen in a process of its own)."""
    code = (
        "import sys\n"
        "from consilience.core.registry import Registry\n"
        f"registry = Registry({registry.what!r}, {registry.package!r})\n"
        "cards = [registry.card(key) for key in registry.files]\n"
        f"print(len(cards), *(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, f"The list cannot be made: {done.stderr[-500:]}"
    count, *loaded = done.stdout.split()
    assert int(count) == len(registry.files), f"{count} cards are listed, there are {len(registry.files)} files."
    assert not loaded, f"Listing the {registry.what}s loads {', '.join(loaded)}."


def _extras() -> set[str] | None:
    """The extras that the installed package has; None where it is not installed."""
    try:
        return set(metadata("consilience").get_all("Provides-Extra") or ())
    except PackageNotFoundError:
        return None
