"""Consilience: one honest model from a table of mixed evidence.

>>> import consilience
>>> sorted(consilience.__all__)
['Model', '__version__', 'errors', 'fit', 'load', 'pretrain']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from consilience._version import __version__

if TYPE_CHECKING:
    from consilience.api import Model, fit, load, pretrain
    from consilience.core import errors

__all__ = ["Model", "__version__", "errors", "fit", "load", "pretrain"]

# Shown lazily: importing the package loads neither torch nor polars.
_WHERE = {**dict.fromkeys(("Model", "fit", "load", "pretrain"), "consilience.api"), "errors": "consilience.core"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'consilience' has no attribute {name!r}")
    module = import_module(f"{_WHERE[name]}.errors" if name == "errors" else _WHERE[name])
    return module if name == "errors" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
