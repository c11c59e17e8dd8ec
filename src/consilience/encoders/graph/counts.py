"""How a graph is built, in numbers: size, degrees, rings, distances, spectrum, and how often each label stands.

Source: Newman (2002) for degrees, Tsitsulin et al. (2018) for the spectrum, Alon et al. (2007) for walks. The default together with wl: these numbers
also tell graphs apart whose parts no training graph has. Not for what only a rare local pattern tells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.errors import CellError
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.data.kinds._graph import Graph
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.graph._hashes import label_codes
from consilience.encoders.graph._structure import NAMES, structure

__all__ = ["Counts"]

CARD = Card(
    summary="Size, degrees, rings, distances and spectrum of a graph, and how often each label stands: a default.",
    source="Newman (2002); Alon et al. (2007); Tsitsulin et al. (2018)",
    claims=("frozen", "default"),
    cost="low",
)


class CountsSettings(Settings):
    """Settings of ``counts``.

    Args:
        buckets: Places for labels; each whole number below half of them has its own, all other words share the other half.
        features: Places for the nodes' numbers, of which means and spreads are taken; number j goes to place j modulo this.
        max_nodes: Nodes for rings, spectrum and distances; of a larger graph the busiest are looked at.
    """

    buckets: int = Field(default=64, ge=2, le=4096)
    features: int = Field(default=16, ge=1, le=1024)
    max_nodes: int = Field(default=400, ge=1, le=2000)


class Counts(FrozenEncoder):
    """One vector per graph: structure, label counts and shares, means and spreads of what the nodes' numbers say.

    Shape:
        - cell: ``Graph``.
        - output: values ``[B, 1, D]``, all finite.

    >>> graph = Graph(3, np.array([[0, 1], [1, 2], [0, 2]]))
    >>> values, _ = (encoder := Counts(CountsSettings())).encode(encoder.collate([encoder.prepare(graph)]))
    >>> values.shape[2] == encoder.width, round(float(np.expm1(values[0, 0, NAMES.index("log triangles")])), 3)
    (True, 1.0)
    """

    Settings = CountsSettings
    settings: CountsSettings

    @property
    def width(self) -> int:
        return len(NAMES) + 2 * self.settings.buckets + 2 * self.settings.features

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        if not isinstance(cell, Graph):
            raise CellError("The cell is no graph.", found=type(cell).__name__)
        parts = [structure(cell, self.settings.max_nodes), self.labels(cell), self.numbers(cell)]
        return {"features": np.concatenate(parts, dtype=np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)

    def labels(self, graph: Graph) -> np.ndarray:
        """Roots of how often each label stands, and of its share."""
        count = np.zeros(self.settings.buckets)
        if graph.labels is not None:
            own = self.settings.buckets // 2
            small = np.array([int(label) if label.isdecimal() and len(label) < 6 else own for label in graph.labels])
            other = own + (label_codes(graph) % np.uint64(self.settings.buckets - own)).astype(np.int64)
            count = np.bincount(np.where(small < own, small, other), minlength=self.settings.buckets).astype(np.float64)
        return np.concatenate([np.sqrt(count), np.sqrt(count / graph.nodes)])

    def numbers(self, graph: Graph) -> np.ndarray:
        made = np.zeros((2, self.settings.features))
        if graph.features is not None:
            wide = graph.features.astype(np.float64)
            # Signed logarithms: a number may be of any size.
            tall = np.stack([np.sign(part) * np.log1p(np.abs(part)) for part in (wide.mean(axis=0), wide.std(axis=0))])
            np.add.at(made.T, np.arange(tall.shape[1]) % self.settings.features, tall.T)
        return made.reshape(-1)
