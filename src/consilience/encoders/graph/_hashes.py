"""Words to numbers that are the same on every machine, and sets of numbers to one number, whatever their order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from consilience.core.hashing import hash_bytes
from consilience.data.kinds._graph import Graph

__all__ = ["label_codes", "mix", "refined"]

LABELLED, BARE, BOND = "node label", "node degree", "edge label"


@lru_cache(maxsize=65536)
def code_of(sort: str, word: str) -> int:
    return int.from_bytes(hash_bytes(sort.encode(), word.encode("utf-8", errors="surrogatepass"))[:8], "little")


def mix(codes: np.ndarray) -> np.ndarray:
    """Each of 64 bits depends on all others afterwards. Source: the finaliser of SplitMix64, Steele et al. (2014)."""
    codes = (codes ^ (codes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ (codes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(codes ^ (codes >> np.uint64(31)))


def label_codes(graph: Graph) -> np.ndarray:
    """``[V]`` uint64: what each node is at the start, its label or else its degree."""
    if graph.labels is None:
        return np.array([code_of(BARE, str(degree)) for degree in graph.degrees().tolist()], dtype=np.uint64)
    return np.array([code_of(LABELLED, str(label)) for label in graph.labels], dtype=np.uint64)


def refined(graph: Graph, rounds: int, bonds: bool = True) -> list[np.ndarray]:
    """Codes ``[V]`` uint64 of each round of Weisfeiler-Lehman refinement, beginning with the labels: ``rounds + 1`` arrays.

    Two nodes have the same code in round k if what can be seen within k steps of both is the same (up to what the refinement can tell).
    Source: Shervashidze et al. (2011), Weisfeiler-Lehman Graph Kernels.

    Args:
        bonds: Labels of edges count.
    """
    codes = label_codes(graph)
    found = [codes]
    edges, own = graph.edges, graph.edges[:, 0] == graph.edges[:, 1]
    bond = np.zeros(len(edges), dtype=np.uint64)
    if bonds and graph.edge_labels is not None:
        bond = np.array([code_of(BOND, str(label)) for label in graph.edge_labels], dtype=np.uint64)
    source, target = np.concatenate([edges[:, 0], edges[~own, 1]]), np.concatenate([edges[:, 1], edges[~own, 0]])
    bond = np.concatenate([bond, bond[~own]])
    for _ in range(rounds):
        heard = np.zeros(graph.nodes, dtype=np.uint64)
        # Sums do not depend on the order of the neighbours, and tell two sets of them apart but for chance.
        np.add.at(heard, target, mix(codes[source] * np.uint64(0x9E3779B97F4A7C15) + bond))
        codes = mix(codes * np.uint64(0xD6E8FEB86659FD93) + mix(heard + np.uint64(0x2545F4914F6CDD1D)))
        found.append(codes)
    return found
