"""A stand-in for ``torchvision`` while ``timm`` is imported.

timm imports torchvision for augmentation, data sets and one layer that none of our encoders uses. Beside a CPU build of torch the torchvision of the
package index often cannot be imported at all. The stand-in is there only where the real one is not, and only for as long as the import lasts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["torchvision_or_stand_in"]

NAME = "torchvision"


class Placeholder(type):
    """A class whose attributes are words, so that it can serve as an enumeration, a base class or an annotation."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class StandIn(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Placeholder(name, (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class Finder(MetaPathFinder, Loader):
    """Gives a stand-in for torchvision and everything below it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname == NAME or fullname.startswith(f"{NAME}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


@contextmanager
def torchvision_or_stand_in() -> Iterator[bool]:
    """Inside the block ``import torchvision`` works. Gives True if it is the real one."""
    try:
        import_module(NAME)
    except (ImportError, RuntimeError, AttributeError):
        # A CPU torch beside a CUDA torchvision raises RuntimeError (an operator is not there), or AttributeError on a second try.
        forget()
    else:
        yield True
        return
    finder = Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield False
    finally:
        sys.meta_path.remove(finder)
        forget()


def forget() -> None:
    """Takes every module of torchvision out of the table of modules, so that nobody mistakes the stand-in for the real one."""
    for name in [name for name in sys.modules if name == NAME or name.startswith(f"{NAME}.")]:
        del sys.modules[name]
