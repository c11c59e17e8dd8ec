"""A graph as a small drawing. Source: Fruchterman and Reingold (1991), the layout by springs."""

from __future__ import annotations

from collections import deque

import numpy as np

from consilience.data.kinds._graph import Graph

__all__ = ["drawn"]

MOST = 60
"""Nodes that are drawn; of a larger graph those around its busiest node."""
MOST_EDGES = 180
STEPS = 60
SIDE = 96
MARGIN = 5.0
SHADES = 5


def drawn(graph: Graph) -> str:
    """One inline SVG and a line of words; the same graph always gives the same picture.

    Nodes are shaded by how common their label is, or by their degree where there are no labels.
    """
    chosen = around(graph)
    small = graph.with_nodes(chosen) if len(graph.edges) or graph.nodes > MOST else graph
    edges = small.edges[small.edges[:, 0] != small.edges[:, 1]][:MOST_EDGES]
    places = layout(small.nodes, edges)
    lines = "".join(
        f'<line x1="{places[a, 0]:.1f}" y1="{places[a, 1]:.1f}" x2="{places[b, 0]:.1f}" y2="{places[b, 1]:.1f}"/>' for a, b in edges.tolist()
    )
    radius = 3.5 if small.nodes <= 25 else 2.5
    # A node's line is in full colour and its inside is not, so that shades are told apart on dark and light pages.
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill-opacity="{shade:.2f}"/>' for (x, y), shade in zip(places, shades(small), strict=True)
    )
    words = f"{graph.nodes:,} nodes, {len(graph.edges):,} edges" + ("" if small.nodes == graph.nodes else f", {small.nodes} drawn")
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}">'
        f'<g stroke="currentColor" stroke-width="0.8" stroke-opacity="0.6">{lines}</g>'
        f'<g fill="currentColor" stroke="currentColor" stroke-width="0.8">{dots}</g></svg><br><small>{words}</small>'
    )


def around(graph: Graph) -> np.ndarray:
    """``[V]`` bool: the busiest node and what is nearest to it, up to ``MOST`` nodes."""
    if graph.nodes <= MOST:
        return np.ones(graph.nodes, dtype=bool)
    order = np.argsort(-graph.degrees(), kind="stable")
    both = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], np.arange(graph.nodes + 1))
    kept = np.zeros(graph.nodes, dtype=bool)
    left = MOST
    for start in order[:MOST]:
        if kept[start] or left == 0:
            continue
        kept[start], left = True, left - 1
        waiting = deque([int(start)])
        while waiting and left:
            node = waiting.popleft()
            for other in both[starts[node] : starts[node + 1], 1].tolist():
                if not kept[other] and left:
                    kept[other], left = True, left - 1
                    waiting.append(other)
    return kept


def layout(count: int, edges: np.ndarray) -> np.ndarray:
    """``[V, 2]`` places within the picture: joined nodes draw each other near, all push each other away."""
    angle = 2 * np.pi * np.arange(count) / max(1, count)
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ideal = 1.6 / np.sqrt(max(1, count))
    for step in range(STEPS if count > 1 else 0):
        gap = places[:, None] - places[None]  # [V, V, 2]
        distance = np.maximum(np.sqrt((gap**2).sum(axis=2)), 1e-3)
        move = (gap * (ideal**2 / distance**2)[:, :, None]).sum(axis=1)
        if len(edges):
            pull = places[edges[:, 0]] - places[edges[:, 1]]
            pull = pull * (np.sqrt((pull**2).sum(axis=1)) / ideal)[:, None]
            np.add.at(move, edges[:, 0], -pull)
            np.add.at(move, edges[:, 1], pull)
        move -= 0.5 * places  # parts that are not joined would else fly apart
        size = np.maximum(np.sqrt((move**2).sum(axis=1, keepdims=True)), 1e-9)
        places = places + move / size * np.minimum(size, 0.2 * (1 - step / STEPS))
    places = places - places.min(axis=0)
    span = max(float(places.max(initial=0.0)), 1e-9)
    room = SIDE - 2 * MARGIN
    made: np.ndarray = MARGIN + places / span * room + (room - places.max(axis=0) / span * room) / 2
    return made


def shades(graph: Graph) -> np.ndarray:
    """``[V]`` from 0 to 1: dark for the commonest label."""
    if graph.labels is None:
        degrees = graph.degrees()
        return np.asarray(0.15 + 0.85 * degrees / max(1, degrees.max(initial=0)))
    _, code, times = np.unique(graph.labels.astype(str), return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-times, kind="stable"), kind="stable")[code]
    steps = max(1, min(SHADES, len(times)) - 1)
    return np.asarray(1 - np.minimum(rank, steps) / steps)
