"""Every registry keeps the contract of registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience.core.registry import Registry
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.fusion import FUSIONS
from consilience.learn.learners import LEARNERS
from consilience.tasks import TASKS
from consilience.testing import check_registry

REGISTRIES = {registry.what: registry for registry in (KINDS, ENCODERS, FUSIONS, TASKS, LEARNERS)}
GOOD = '"""A method. Source: Nobody (2020)."""\n__all__ = ["One"]\nCARD = Card(summary="one", source="Nobody (2020)")\n\nclass One:\n    """One."""\n'
HEAD = "from consilience.core.registry import Card\n"


@pytest.mark.parametrize("what", REGISTRIES)
def test_registry(what: str) -> None:
    check_registry(REGISTRIES[what])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own for a registry, on the path."""
    folder = tmp_path / f"methods_{tmp_path.name}"  # a name of its own: modules stay loaded
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def write(home: Path, text: str, name: str = "one") -> Registry:
    document, rest = text.split("\n", 1)
    (home / f"{name}.py").write_text(f"{document}\n{HEAD}{rest}")
    return Registry("method", home.name)


def test_a_good_file_of_another_package_passes(home: Path) -> None:
    check_registry(write(home, GOOD))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('summary="one"', 'summary=" "', "summary is empty"),
        ('summary="one"', 'summary="one\\ntwo"', "longer than one line"),
        ('source="Nobody (2020)"', 'source=""', "no source"),
        ('source="Nobody (2020)"', 'source="x", cost="dear"', "cost is 'dear'"),
        ('source="Nobody (2020)"', 'source="x", claims=("a", "a")', "written twice"),
        ('source="Nobody (2020)"', 'source="x", claims=["a"]', "not a tuple"),
        (" Source: Nobody (2020).", "", "where the method comes from"),
        ('["One"]', '["One", "CARD"]', "one class"),
        ('["One"]', '["CARD"]', "no class of the file"),
        ('    """One."""', "    size = 1", "no docstring"),
        ('    """One."""', '    """One."""\n\nCARD = Card(summary="two", source="x") if One else None', "differs"),
    ],
)
def test_what_is_wrong_is_told(home: Path, old: str, new: str, told: str) -> None:
    registry = write(home, GOOD.replace(old, new))
    with pytest.raises(AssertionError, match=told):
        check_registry(registry)


def test_a_heavy_import_on_the_way_to_the_list_is_told(home: Path) -> None:
    inner = home / "inner"
    inner.mkdir()
    (home / "__init__.py").write_text("import numpy, scipy\n")
    (inner / "__init__.py").write_text("")
    write(inner, GOOD)
    with pytest.raises(AssertionError, match="loads scipy"):
        check_registry(Registry("method", f"{home.name}.inner"))
