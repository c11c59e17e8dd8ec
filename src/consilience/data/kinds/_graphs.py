"""Changes of a graph: five strengths of damage, and small changes that mostly leave its meaning. Source: You et al. (2020), GraphCL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from consilience.data.kinds._graph import Graph

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]

SHARES = (0.05, 0.1, 0.2, 0.35, 0.5)
FEW = 0.05
"""Share of edges or nodes that an augmentation takes away."""


def drop_edges(decoded: Graph, severity: int, generator: np.random.Generator) -> Graph:
    """5 % of the edges lost at severity 1, half of them at 5."""
    if severity == 0:
        return decoded
    return decoded.with_edges(generator.random(len(decoded.edges)) >= SHARES[severity - 1])


def drop_nodes(decoded: Graph, severity: int, generator: np.random.Generator) -> Graph:
    """5 % of the nodes lost with their edges at severity 1, half of them at 5; one stays."""
    if severity == 0:
        return decoded
    return without(decoded, SHARES[severity - 1], generator)


def relabel(decoded: Graph, severity: int, generator: np.random.Generator) -> Graph:
    """What is said of 5 % of the nodes is that of other nodes at severity 1, of half of them at 5; where nothing is said, edges are rewired."""
    if severity == 0:
        return decoded
    if decoded.labels is None and decoded.features is None:
        return rewire(decoded, severity, generator)
    changed, other = generator.random(decoded.nodes) < SHARES[severity - 1], generator.integers(decoded.nodes, size=decoded.nodes)
    taken = np.where(changed, other, np.arange(decoded.nodes))
    labels, features = (None if part is None else part[taken] for part in (decoded.labels, decoded.features))
    return replace(decoded, labels=labels, features=features)


def rewire(decoded: Graph, severity: int, generator: np.random.Generator) -> Graph:
    """5 % of the edges go to another node at severity 1, half of them at 5."""
    if severity == 0:
        return decoded
    count = len(decoded.edges)
    changed, other = generator.random(count) < SHARES[severity - 1], generator.integers(decoded.nodes, size=count)
    ends = np.stack([decoded.edges[:, 0], np.where(changed, other, decoded.edges[:, 1])], axis=1)
    ends.sort(axis=1)
    _, first = np.unique(ends[:, 0] * decoded.nodes + ends[:, 1], return_index=True)
    return replace(decoded, edges=ends).with_edges(first)


def few_edges(decoded: Graph, generator: np.random.Generator) -> Graph:
    """Without 5 % of the edges."""
    return decoded.with_edges(generator.random(len(decoded.edges)) >= FEW)


def few_nodes(decoded: Graph, generator: np.random.Generator) -> Graph:
    """Without 5 % of the nodes."""
    return without(decoded, FEW, generator)


def mask_labels(decoded: Graph, generator: np.random.Generator) -> Graph:
    """Of 10 % of the nodes it is not said what they are: the label is empty, the features are the graph's mean."""
    hidden = generator.random(decoded.nodes) < 2 * FEW
    labels, features = decoded.labels, decoded.features
    if labels is not None:
        labels = np.where(hidden, "", labels)
    if features is not None:
        features = np.where(hidden[:, None], features.mean(axis=0, dtype=np.float64), features).astype(np.float32)
    return replace(decoded, labels=labels, features=features)


def without(decoded: Graph, share: float, generator: np.random.Generator) -> Graph:
    draws = generator.random(decoded.nodes)
    kept = draws >= share
    kept[draws.argmax()] = True
    return decoded.with_nodes(kept)


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "drop_edges": drop_edges,
    "drop_nodes": drop_nodes,
    "relabel": relabel,
    "rewire": rewire,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {
    "drop_edges": few_edges,
    "drop_nodes": few_nodes,
    "mask_labels": mask_labels,
}
