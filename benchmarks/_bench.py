"""A table of the benchmark: rows, what its columns are, what may not be torn apart, and the splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from consilience.core.hashing import hash_json
from consilience.data.table import Table
from consilience.metrics import CLASSIFICATION, REGRESSION, REGRESSION_LOG, Metric

__all__ = ["Bench", "Options", "Split"]


@dataclass(frozen=True)
class Options:
    """What a person may choose.

    Args:
        data: Folder of the public sets; None leaves them out.
        openmoji: Folder of the demo's table, built if it is not there.
        out: Folder of results and of the worlds' pictures.
        cache: Folder of the feature store; None for the user's own.
        seeds: Splits of OpenMoji.
        repeats: Repetitions of the cross-validation, and draws of each world's training rows.
        rows: Most training rows of a set with a fixed split; None for all.
    """

    data: Path | None
    openmoji: Path
    out: Path
    cache: Path | None = None
    seeds: int = 3
    repeats: int = 1
    rows: int | None = None


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to be judged by, as positions in the table."""

    name: str
    pool: np.ndarray
    test: np.ndarray

    @property
    def print(self) -> str:
        """Changes with the rows, so that a result of other rows is not taken for one of these."""
        return hash_json([self.pool.tolist(), self.test.tolist()])[:16]


@dataclass(frozen=True)
class Bench:
    """One table.

    Args:
        name: Its name on the command line.
        table: All rows, those of the test parts too.
        target: The column to learn.
        roles: Column to ``image``, ``text``, ``number`` or ``category``: what a practitioner calls it. Hand-made methods use no others.
        splits: Where the rows go.
        number: True if the target is a number.
        log: True if the number is judged by its logarithm.
        groups: ``[N]`` rows of one group stay together where a method sets rows aside to choose by, and are drawn together for intervals.
        best: What one who knows how the table was made would say: ``[N, K]`` probabilities or ``[N]`` numbers; None where nobody knows.
    """

    name: str
    table: Table
    target: str
    roles: Mapping[str, str]
    splits: tuple[Split, ...]
    number: bool = False
    log: bool = False
    groups: np.ndarray | None = None
    best: np.ndarray | None = None

    @cached_property
    def classes(self) -> list[str]:
        """Sorted names; empty for a number."""
        return [] if self.number else sorted({str(cell) for cell in self.table.frame[self.target]})

    @cached_property
    def truth(self) -> np.ndarray:
        """``[N]`` class numbers, or numbers in the target's own unit."""
        cells = self.table.frame[self.target]
        if self.number:
            return cells.cast(float).to_numpy().copy()
        codes = {name: code for code, name in enumerate(self.classes)}
        return np.array([codes[str(cell)] for cell in cells], dtype=np.int64)

    @cached_property
    def units(self) -> np.ndarray:
        """``[N]`` what is drawn as a whole for an interval: the groups, else the rows."""
        if self.groups is None:
            return np.arange(len(self.table))
        return np.unique(self.groups, return_inverse=True)[1]

    @property
    def headline(self) -> Metric:
        """The metric that methods are compared by."""
        return CLASSIFICATION["accuracy"] if not self.number else REGRESSION_LOG["r2_log"] if self.log else REGRESSION["r2"]

    @property
    def second(self) -> Metric:
        """The metric that stands beside it, a loss."""
        return CLASSIFICATION["log_loss"] if not self.number else REGRESSION_LOG["mae_log"] if self.log else REGRESSION["mae"]

    def columns(self, role: str) -> list[str]:
        """Names of the columns with this role."""
        return [name for name, given in self.roles.items() if given == role]

    def tenth(self, pool: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The pool as rows to learn from and a tenth, of whole groups, to choose by."""
        units = self.units[pool]
        names = np.unique(units)
        np.random.default_rng(seed).shuffle(names)
        sizes = np.array([np.count_nonzero(units == name) for name in names]) if self.groups is not None else np.ones(len(names))
        cut = int(np.searchsorted(np.cumsum(sizes), 0.1 * len(pool))) + 1
        held = np.isin(units, names[:cut])
        return pool[~held], pool[held]
