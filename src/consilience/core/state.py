"""What something learned, as arrays, plain values and texts: the only form in which it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["State"]


@dataclass
class State:
    """Learned state without code: no pickle can be made of it, and none is needed.

    Args:
        config: Values that JSON can hold.
        arrays: Name to array; goes to safetensors.
        texts: Name to text, such as a tree model's own format.
    """

    config: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def pack(cls, parts: Mapping[str, State], config: dict[str, Any] | None = None) -> State:
        """Several states in one; names get the part's name and a ``|`` in front.

        >>> State.pack({"a": State(config={"k": 1})}).part("a").config
        {'k': 1}
        """
        whole = cls(config={"parts": {name: part.config for name, part in parts.items()}, **(config or {})})
        for name, part in parts.items():
            whole.arrays.update({f"{name}|{key}": value for key, value in part.arrays.items()})
            whole.texts.update({f"{name}|{key}": value for key, value in part.texts.items()})
        return whole

    def part(self, name: str) -> State:
        """One of the states that were packed."""
        head = f"{name}|"
        return State(
            config=self.config["parts"][name],
            arrays={key[len(head) :]: value for key, value in self.arrays.items() if key.startswith(head)},
            texts={key[len(head) :]: value for key, value in self.texts.items() if key.startswith(head)},
        )
