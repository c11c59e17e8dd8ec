"""Points from two sides, and a graph, each coloured by what it adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consilience.data.kinds._graph import Graph
from consilience.data.kinds._graph_picture import SIDE, layout
from consilience.report._words import Words

__all__ = ["Shape", "cloud", "network"]

MOST_POINTS = 1200
MOST_NODES, MOST_EDGES = 150, 600


@dataclass(frozen=True)
class Dot:
    """``side``: for, against or none; ``strength``: 0 to 1."""

    x: float
    y: float
    radius: float
    side: str
    strength: float
    text: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Shape:
    """A drawing in a box of ``size`` x ``size``."""

    title: str
    size: int
    dots: tuple[Dot, ...]
    lines: tuple[tuple[float, float, float, float], ...] = ()


def _dot(x: float, y: float, radius: float, share: float, text: str = "", hint: str = "") -> Dot:
    side = "none" if abs(share) < 0.05 else "for" if share > 0 else "against"
    return Dot(round(x, 2), round(y, 2), round(radius + 0.6 * abs(share), 2), side, round(0.3 + 0.7 * abs(share), 3), text, hint)


def cloud(points: np.ndarray, shares: np.ndarray, words: Words) -> tuple[Shape, Shape]:
    """From the front (x to the right, z up) and from above (x to the right, y up); the strongest points lie on top.

    Args:
        shares: ``[P]`` from -1 to 1.
    """
    step = max(1, -(-len(points) // MOST_POINTS))
    some, weights = points[::step, :3].astype(np.float64), shares[::step]
    middle = (some.max(axis=0) + some.min(axis=0)) / 2
    right, back, up = ((some - middle) / max(float(np.ptp(some, axis=0).max()), 1e-12) * 92).T
    order = np.argsort(np.abs(weights), kind="stable")
    front, above = (
        tuple(_dot(50 + float(right[place]), 50 - float(down[place]), 1.0, float(weights[place])) for place in order) for down in (up, back)
    )
    return Shape(words("explain.front"), 100, front), Shape(words("explain.above"), 100, above)


def network(graph: Graph, shares: np.ndarray, words: Words) -> Shape:
    """Nodes laid out by springs; the strongest ones, where there are too many.

    Args:
        shares: ``[V]`` from -1 to 1.
    """
    chosen = np.zeros(graph.nodes, dtype=bool)
    chosen[np.argsort(-np.abs(shares), kind="stable")[:MOST_NODES]] = True
    small, weights, numbers = graph.with_nodes(chosen), shares[chosen], np.flatnonzero(chosen)
    edges = small.edges[small.edges[:, 0] != small.edges[:, 1]][:MOST_EDGES]
    places = layout(small.nodes, edges)
    radius = 3.2 if small.nodes <= 30 else 1.8
    dots = []
    for place, (x, y) in enumerate(places):
        label = "" if small.labels is None else str(small.labels[place])
        sign = "+" if weights[place] > 0 else "−"
        hint = f"{label} ({numbers[place]})" if label else str(numbers[place])
        dots.append(_dot(float(x), float(y), radius, float(weights[place]), label[:2] or (sign if abs(weights[place]) > 0.3 else ""), hint))
    ends = [(places[a].round(2).tolist(), places[b].round(2).tolist()) for a, b in edges.tolist()]
    lines = tuple((one[0], one[1], two[0], two[1]) for one, two in ends)
    title = words("explain.nodes_drawn", drawn=small.nodes, count=f"{graph.nodes:,}")
    return Shape(title, SIDE, tuple(dots), lines)
