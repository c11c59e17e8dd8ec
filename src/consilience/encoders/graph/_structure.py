"""Numbers that say how a graph is built, whatever its nodes are called and in whatever order they stand."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, shortest_path

from consilience.data.kinds._graph import Graph

__all__ = ["NAMES", "structure"]

DEGREES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 32)
"""Where the bins of the degrees begin."""
WALKS = (3, 4, 5, 6)
TIMES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
BINS = 8
FAR = 10
NAMES = (
    *("log nodes", "log edges", "log loops", "density", "mean degree", "spread of degrees", "log largest degree", "same degree"),
    *(f"nodes of degree {low}+" for low in DEGREES),
    *(f"share of degree {low}+" for low in DEGREES),
    *("log parts", "share in the largest part", "log independent rings", "rings per node", "clustering", "transitivity", "log triangles"),
    *(f"log rings {length}" for length in WALKS),
    *(f"rings {length} per node" for length in WALKS),
    *(f"heat at {time}" for time in TIMES),
    *(f"spectrum {place}" for place in range(BINS)),
    *("mean distance", "log diameter", "lengthiness"),
    *(f"pairs at distance {steps}" for steps in range(1, FAR + 1)),
)


def structure(graph: Graph, most: int) -> np.ndarray:
    """One number for each of ``NAMES``, all finite.

    Args:
        most: Nodes for what takes the cube of their number; of a larger graph the ``most`` busiest.
    """
    loops = graph.edges[:, 0] == graph.edges[:, 1]
    edges = graph.edges[~loops]
    count, number = graph.nodes, len(edges)
    degrees = np.bincount(edges.reshape(-1), minlength=count)
    adjacency = csr_matrix(
        (np.ones(2 * number), (np.concatenate([edges[:, 0], edges[:, 1]]), np.concatenate([edges[:, 1], edges[:, 0]]))), (count, count)
    )
    parts, part = connected_components(adjacency, directed=False)
    rings = number - count + parts
    size = [np.log1p(count), np.log1p(number), np.log1p(int(loops.sum())), number / max(1, count * (count - 1) / 2)]
    spread = [degrees.mean(), degrees.std(), np.log1p(degrees.max()), assortativity(degrees, edges)]
    bins = np.bincount(np.searchsorted(DEGREES, degrees, side="right") - 1, minlength=len(DEGREES))
    whole = [np.log1p(parts), np.bincount(part).max() / count, np.log1p(rings), rings / count]
    dense = inner(adjacency, degrees, most)
    found = [size, spread, np.sqrt(bins), np.sqrt(bins / count), whole, triangles(dense), walks(dense), spectrum(dense), distances(dense)]
    return np.concatenate([np.asarray(one, dtype=np.float64) for one in found]).astype(np.float32)


def assortativity(degrees: np.ndarray, edges: np.ndarray) -> float:
    """Correlation of the degrees at both ends of an edge, 0 where all are alike. Source: Newman (2002)."""
    if not len(edges):
        return 0.0
    one, two = degrees[np.concatenate([edges, edges[:, ::-1]])].T.astype(np.float64)
    spread = float(one.std())
    return float(((one - one.mean()) * (two - two.mean())).mean() / spread**2) if spread > 1e-9 else 0.0


def inner(adjacency: csr_matrix, degrees: np.ndarray, most: int) -> np.ndarray:
    if len(degrees) <= most:
        return np.asarray(adjacency.toarray())
    kept = np.sort(np.argsort(-degrees, kind="stable")[:most])
    return np.asarray(adjacency[kept][:, kept].toarray())


def triangles(dense: np.ndarray) -> list[float]:
    """Mean clustering of the nodes, share of open pairs that are closed, logarithm of the triangles' number."""
    degrees = dense.sum(axis=1)
    closed = ((dense @ dense) * dense).sum(axis=1)
    pairs = degrees * (degrees - 1)
    clustering = float(np.divide(closed, pairs, out=np.zeros_like(closed), where=pairs > 0).mean())
    return [clustering, float(closed.sum() / max(1.0, pairs.sum())), float(np.log1p(closed.sum() / 6))]


def walks(dense: np.ndarray) -> np.ndarray:
    """Rings by their length, as logarithms of their number and of their number per node.

    Counted are closed walks that never turn back, so that length 6 is also a triangle walked twice, or two that share a node. Source of the
    recursion: Alon et al. (2007), Non-backtracking random walks mix faster.
    """
    count = len(dense)
    degrees = dense.sum(axis=1)
    before, now = dense, dense @ dense - np.diag(degrees)
    closed = [np.zeros(count), np.zeros(count), np.zeros(count)]  # of length 0 to 2 from each node
    for _ in range(3, max(WALKS) + 1):
        before, now = now, now @ dense - before * np.maximum(degrees - 1, 0)[None, :]
        closed.append(np.diag(now))
    # A walk may begin along an edge, go round a ring at its end, and come back: those are not rings.
    tails = [float((closed[length - 2] * (degrees - 2)).sum()) if length > 4 else 0.0 for length in WALKS]
    rings = np.array([max(0.0, float(closed[length].sum()) - tail) / (2 * length) for length, tail in zip(WALKS, tails, strict=True)])
    return np.concatenate([np.log1p(rings), np.log1p(rings / max(1, count))])


def spectrum(dense: np.ndarray) -> np.ndarray:
    """How heat flows off the nodes, and the eigenvalues of the normalised Laplacian by bins. Source: Tsitsulin et al. (2018), NetLSD."""
    degrees = dense.sum(axis=1)
    scale = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    values = np.clip(np.linalg.eigvalsh(np.diag((degrees > 0).astype(float)) - scale[:, None] * dense * scale[None, :]), 0.0, 2.0)
    heat = np.exp(-np.outer(TIMES, values)).mean(axis=1)
    # Rounded, because an eigenvalue on the border of two bins must not fall into one or the other by its last bit.
    bins = np.histogram(np.round(values, 6), bins=BINS, range=(0.0, 2.0))[0] / len(values)
    return np.concatenate([heat, np.sqrt(bins)])


def distances(dense: np.ndarray) -> np.ndarray:
    """Mean and longest distance of two nodes that are joined somehow, and the shares of pairs at each distance."""
    count = len(dense)
    steps = shortest_path(csr_matrix(dense), directed=False, unweighted=True)
    steps = steps[np.isfinite(steps) & (steps > 0)].astype(np.int64)
    if not len(steps):
        return np.zeros(3 + FAR)
    pairs = np.bincount(np.minimum(steps, FAR), minlength=FAR + 1)[1:] / len(steps)
    return np.concatenate([[np.log1p(steps.mean()), np.log1p(steps.max()), np.log1p(steps.max()) - np.log1p(count)], np.sqrt(pairs)])
