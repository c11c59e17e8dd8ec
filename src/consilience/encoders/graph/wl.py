"""Counts of what can be seen around each node. Source: Shervashidze et al. (2011), Weisfeiler-Lehman Graph Kernels. A default, together with counts.

For molecules and other graphs in which local patterns and their labels carry the answer; a hundred graphs are enough. A pattern that no training
graph has is not counted, so for labels that never repeat, and for graphs that only numbers tell apart, ``counts`` or a trained encoder is better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix

from consilience.core.hashing import hash_arrays
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._graph_read import graph_of
from consilience.encoders._base import FittedEncoder
from consilience.encoders.graph._cells import only, placed, read_row
from consilience.encoders.graph._hashes import refined

__all__ = ["WeisfeilerLehman"]

CARD = Card(
    summary="Counts of the patterns around each node, with their labels, up to some steps away (Weisfeiler-Lehman): a default.",
    source="Shervashidze et al. (2011), Weisfeiler-Lehman Graph Kernels",
    claims=("fitted", "sparse", "default"),
    cost="low",
)

Found = tuple[tuple[np.ndarray, np.ndarray], ...]
"""For each round the codes that occur, sorted, and how often."""
SMALL = 50_000
"""Characters of a cell up to which its counts are kept for the next fold."""


class WlSettings(Settings):
    """Settings of ``wl``.

    Args:
        rounds: Steps that a pattern reaches; round 0 are the labels alone.
        edge_labels: Labels of edges are part of the patterns.
        min_rows: A pattern must occur in so many training graphs.
        max_features: Most patterns of each round; those of most graphs stay.
    """

    rounds: int = Field(default=2, ge=0, le=10)
    edge_labels: bool = True
    min_rows: int = Field(default=2, ge=1)
    max_features: int = Field(default=20_000, ge=1)


class WeisfeilerLehman(FittedEncoder):
    """Roots of how often each pattern stands in a graph; each round is scaled so that its rows have a mean squared norm of 1.

    Roots, because the hundredth ring says less than the first. A node without a label is known by its degree. Larger graphs have longer rows: size
    is part of what is told. Where the training rows hold no pattern twice, one column of zeros is given.

    Shape:
        - encode: ``[N, D]`` CSR float32, D patterns of all rounds.

    >>> from consilience.data.kinds import KINDS
    >>> values = np.array(['{"nodes": ["C", "O"], "edges": [[0, 1]]}', '{"nodes": ["C", "C", "O"], "edges": [[0, 1]]}'], dtype=object)
    >>> column = {"molecule": Cells("molecule", KINDS.get("graph")(), values, np.array([True, True]))}
    >>> encoder = WeisfeilerLehman(WlSettings(rounds=0))
    >>> encoder.fit(column)
    >>> encoder.encode(column).toarray().shape
    (2, 2)
    """

    Settings: ClassVar[type[Settings]] = WlSettings
    sparse: ClassVar[bool] = True
    settings: WlSettings

    def __init__(self, settings: WlSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.patterns: list[np.ndarray] = []  # of each round, sorted codes, uint64
        self.factors: list[float] = []

    def identity(self) -> dict[str, Any]:
        learned = {f"{place}": codes.view(np.int64) for place, codes in enumerate(self.patterns)}
        return {**super().identity(), "learned": hash_arrays(learned) if learned else "", "factors": self.factors}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        found = [counts for counts in self.found(columns) if counts is not None]
        self.patterns, self.factors = [], []
        for place in range(self.settings.rounds + 1):
            rows: Counter[int] = Counter(code for counts in found for code in counts[place][0].tolist())
            often = sorted((code for code, times in rows.items() if times >= self.settings.min_rows), key=lambda code: (-rows[code], code))
            kept = np.array(sorted(often[: self.settings.max_features]), dtype=np.uint64)
            norms = [float(counts[place][1][np.isin(counts[place][0], kept)].sum()) for counts in found]  # roots, squared
            norm = float(np.mean(norms)) if norms else 0.0
            self.patterns.append(kept)
            self.factors.append(1 / np.sqrt(norm) if norm > 0 else 0.0)

    def encode(self, columns: Mapping[str, Cells]) -> csr_matrix:
        width = max(1, sum(map(len, self.patterns)))
        data: list[np.ndarray] = [np.zeros(0)]
        indices: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
        lengths = [0]
        for counts in self.found(columns):
            start, length = 0, 0
            for place, kept in enumerate(self.patterns if counts is not None else ()):
                codes, times = counts[place] if counts is not None else (kept, kept)
                where = np.searchsorted(kept, codes)
                known = where < len(kept)
                known[known] = kept[where[known]] == codes[known]
                data.append(np.sqrt(times[known]) * self.factors[place])
                indices.append(where[known] + start)
                start, length = start + len(kept), length + int(known.sum())
            lengths.append(length)
        pointer = np.cumsum(lengths)
        return csr_matrix((np.concatenate(data).astype(np.float32), np.concatenate(indices), pointer), shape=(len(lengths) - 1, width))

    def found(self, columns: Mapping[str, Cells]) -> list[Found | None]:
        """What each row holds, None where it is absent."""
        cells = only(columns, "wl")
        return [self.of_row(cells, row) if there else None for row, there in enumerate(cells.present.tolist())]

    def of_row(self, cells: Cells, row: int) -> Found:
        value, chosen = cells.values[row], (self.settings.rounds, self.settings.edge_labels)
        if isinstance(value, str) and len(value) <= SMALL and type(cells.kind) is KINDS.get("graph"):
            with placed(cells, row):
                return remembered(value, *chosen)
        return patterns(read_row(cells, row), *chosen)

    def state(self) -> State:
        # As signed numbers, which every reader of arrays knows.
        arrays = {f"round{place}": codes.view(np.int64).copy() for place, codes in enumerate(self.patterns)}
        return State({"factors": self.factors}, arrays)

    def restore(self, state: State) -> None:
        self.factors = [float(factor) for factor in state.config["factors"]]
        self.patterns = [np.ascontiguousarray(state.arrays[f"round{place}"]).view(np.uint64) for place in range(len(self.factors))]
        if any(len(codes) > 1 and not (np.diff(codes.astype(object)) > 0).all() for codes in self.patterns):
            raise ValueError("the patterns are not in order")


def patterns(graph: Graph, rounds: int, bonds: bool) -> Found:
    return tuple(np.unique(codes, return_counts=True) for codes in refined(graph, rounds, bonds))


@lru_cache(maxsize=8192)
def remembered(text: str, rounds: int, bonds: bool) -> Found:
    """The patterns of a small graph, kept, because every fold asks for them again. Texts only: a file can change.

    Raises:
        CellError: As for the kind; nothing is kept then.
    """
    return patterns(graph_of(text), rounds, bonds)
