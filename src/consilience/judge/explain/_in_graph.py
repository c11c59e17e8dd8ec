"""Nodes of a graph. Source: Ying et al. (2019), what is left of a graph tells what its prediction rests on."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order

from consilience.data.kinds._graph import Graph
from consilience.judge.explain._anatomy import Anatomy

__all__ = ["GraphAnatomy"]

ALONE = 40
"""Nodes up to which each is weighed by itself at once."""


class GraphAnatomy(Anatomy):
    """An atom is a node; a masked one is gone with its edges."""

    unit: ClassVar[str] = "node"
    filled: ClassVar[str] = "taken out with its edges"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(decoded, generator)
        self.atoms = int(decoded.nodes)
        self.order = neighbours_first(decoded)

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        into = min(max(into, ALONE if self.atoms <= ALONE else into), len(group))
        # Neighbours stay together.
        return [np.sort(part) for part in np.array_split(group[np.argsort(self.order[group])], into)]

    def masked(self, kept: np.ndarray) -> Any:
        return self.decoded.with_nodes(kept)

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        nodes, labels = group.tolist(), self.decoded.labels
        names = [str(node) if labels is None or not labels[node] else f"{labels[node]} ({node})" for node in nodes]
        return ", ".join(names[:4]) + (" …" if len(names) > 4 else ""), {"nodes": nodes}


def neighbours_first(graph: Graph) -> np.ndarray:
    """``[V]`` the place of each node in a walk that visits neighbours one after another."""
    ones = np.ones(len(graph.edges))
    matrix = sparse.csr_matrix((ones, (graph.edges[:, 0], graph.edges[:, 1])), shape=(graph.nodes, graph.nodes))
    order: list[int] = []
    seen = np.zeros(graph.nodes, dtype=bool)
    for start in range(graph.nodes):
        if not seen[start]:
            found = breadth_first_order(matrix, start, directed=False, return_predecessors=False)
            seen[found] = True
            order += found.tolist()
    place = np.empty(graph.nodes, dtype=np.int64)
    place[order] = np.arange(graph.nodes)
    return place
