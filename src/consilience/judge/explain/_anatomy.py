"""What a decoded cell is made of, and the cell with some of it masked: one subclass for each modality."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

__all__ = ["Anatomy", "chunks"]


class Anatomy(ABC):
    """A decoded cell cut into ``atoms``, the smallest pieces that can be masked; groups of them are weighed.

    Args:
        decoded: What the cell's kind reads; never written to.
        generator: What draws, where cutting draws.

    Attributes:
        unit: What a piece is called: word, patch, seconds ...
        filled: What stands in the place of what is masked, in a few words.
        atoms: A, how many there are.
        rounds: How often groups are weighed, the strongest being divided in between; more is finer, and less sure of each piece.
    """

    unit: ClassVar[str]
    filled: ClassVar[str]
    rounds: ClassVar[int] = 2
    atoms: int

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        self.decoded = decoded

    @abstractmethod
    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        """A group of atoms in about ``into`` groups; itself alone, if it cannot be divided."""

    @abstractmethod
    def masked(self, kept: np.ndarray) -> Any:
        """The decoded cell with only these atoms left, ``[A] bool``, at least one of them."""

    @abstractmethod
    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        """Where a group lies: in words, and as JSON values."""


def chunks(group: np.ndarray, into: int) -> list[np.ndarray]:
    """Neighbours stay together.

    >>> [part.tolist() for part in chunks(np.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    parts: Sequence[np.ndarray] = np.array_split(group, min(into, len(group)))
    return list(parts)
