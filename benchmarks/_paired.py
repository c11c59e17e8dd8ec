"""Values and paired differences over all splits of a table, with intervals.

A row that is a test row in several splits is counted each time and drawn as one for the interval; so are the rows of one group. A cell that lacks a
split is left out of comparisons with those that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from _bench import Bench, Split
from _results import Results
from consilience.metrics import CLASSIFICATION, Interval, Metric, bootstrap, paired_bootstrap

__all__ = ["Judged", "judge"]

ROUNDS = 1000


@dataclass(frozen=True)
class Judged:
    """All outputs of a table, by cell and split.

    Args:
        bench: The table.
        outputs: Cell to split name to output.
        facts: Method to split name to facts.
        encoding: Seconds, cells encoded and reused for the frozen features.
    """

    bench: Bench
    outputs: dict[str, dict[str, np.ndarray]]
    facts: dict[str, dict[str, dict[str, Any]]]
    encoding: dict[str, Any]

    def shared(self, cells: Sequence[str]) -> list[Split]:
        """Splits that all these cells have."""
        return [split for split in self.bench.splits if all(split.name in self.outputs.get(cell, {}) for cell in cells)]

    def value(self, cell: str, metric: Metric) -> Interval:
        """The metric over the pooled test rows of all its splits."""
        splits = self.shared([cell])
        rows = self._rows(splits)
        return bootstrap({"it": metric}, self.bench.truth[rows], self._pooled(cell, splits), rounds=ROUNDS, groups=self.bench.units[rows])["it"]

    def difference(self, one: str, other: str, metric: Metric) -> Interval:
        """By how much one is better than the other, on the splits that both have; positive = better."""
        splits = self.shared([one, other])
        rows = self._rows(splits)
        first, second = self._pooled(one, splits), self._pooled(other, splits)
        return paired_bootstrap(metric, self.bench.truth[rows], first, second, rounds=ROUNDS, groups=self.bench.units[rows])

    def best_handmade(self) -> str | None:
        """The hand-made cell with the best score on the test rows: stricter than a practitioner could be, who has to choose without them.

        Only splits that Consilience has done too count, if there are any.
        """
        splits = {cell: self.shared([cell, "consilience"]) or self.shared([cell]) for cell in self.outputs if cell.startswith("handmade:")}
        metric = self.bench.headline

        def score(cell: str) -> float:
            return metric.sign * metric.compute(self.bench.truth[self._rows(splits[cell])], self._pooled(cell, splits[cell]))

        return max((cell for cell in splits if splits[cell]), key=score, default=None)

    def calibration(self, cell: str) -> Interval | None:
        """Expected calibration error; None for a number."""
        return None if self.bench.number else self.value(cell, CLASSIFICATION["ece"])

    def _rows(self, splits: list[Split]) -> np.ndarray:
        return np.concatenate([split.test for split in splits]) if splits else np.zeros(0, np.int64)

    def _pooled(self, cell: str, splits: list[Split]) -> np.ndarray:
        return np.concatenate([self.outputs[cell][split.name] for split in splits]) if splits else np.zeros(0)


def judge(bench: Bench, results: Results, methods: Sequence[str]) -> Judged:
    """Reads what there is."""
    outputs: dict[str, dict[str, np.ndarray]] = {}
    facts: dict[str, dict[str, dict[str, Any]]] = {}
    for method in methods:
        for split, result in results.of(bench, method):
            facts.setdefault(method, {})[split.name] = result.facts
            for cell, output in result.outputs.items():
                outputs.setdefault(cell, {})[split.name] = output
    if bench.best is not None:
        outputs["known"] = {split.name: bench.best[split.test] for split in bench.splits}
    return Judged(bench, outputs, facts, results.encoding(bench))
