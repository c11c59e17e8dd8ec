"""A decoded graph: so many nodes, each edge once, and what is said of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Graph"]


@dataclass(frozen=True, eq=False)
class Graph:
    """An undirected graph; two are equal if they say the same of the same nodes in the same order.

    Args:
        nodes: V, how many nodes; at least 1.
        edges: ``[E, 2] int64``, numbers of the ends, the smaller one first, sorted, each pair once; a node may have an edge to itself.
        labels: ``[V]`` object, a ``str`` each and empty where a node has none; None if no node has one.
        features: ``[V, F] float32``, finite; None if there are none.
        edge_labels: ``[E]`` object, as for nodes.
        edge_features: ``[E, F] float32``, as for nodes.
    """

    nodes: int
    edges: np.ndarray
    labels: np.ndarray | None = None
    features: np.ndarray | None = None
    edge_labels: np.ndarray | None = None
    edge_features: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        mine, others = self.parts(), other.parts()
        return self.nodes == other.nodes and all(equal(one, two) for one, two in zip(mine, others, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def parts(self) -> tuple[np.ndarray | None, ...]:
        """All arrays, in the order of the arguments."""
        return self.edges, self.labels, self.features, self.edge_labels, self.edge_features

    def degrees(self) -> np.ndarray:
        """``[V]`` int64: edges of each node; one to itself counts once."""
        own = self.edges[:, 0] == self.edges[:, 1]
        ends = np.concatenate([self.edges[:, 0], self.edges[~own, 1]])
        return np.bincount(ends, minlength=self.nodes)

    def with_edges(self, kept: np.ndarray) -> Graph:
        """The same nodes with some of the edges.

        Args:
            kept: Mask or numbers of edges, in order.
        """
        words, numbers = (None if part is None else part[kept] for part in (self.edge_labels, self.edge_features))
        return Graph(self.nodes, self.edges[kept], self.labels, self.features, words, numbers)

    def with_nodes(self, kept: np.ndarray) -> Graph:
        """Some of the nodes, numbered anew, and the edges between them.

        Args:
            kept: ``[V]`` bool.
        """
        number = np.cumsum(kept) - 1
        within = kept[self.edges].all(axis=1)
        less = self.with_edges(within)
        words, numbers = (None if part is None else part[kept] for part in (self.labels, self.features))
        return Graph(int(kept.sum()), number[less.edges], words, numbers, less.edge_labels, less.edge_features)


def equal(one: np.ndarray | None, two: np.ndarray | None) -> bool:
    if one is None or two is None:
        return one is two
    return one.dtype == two.dtype and np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
