"""How much is tried: the presets ``fast``, ``balanced`` and ``best``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["PRESETS", "Effort", "Preset"]

Preset: TypeAlias = Literal["fast", "balanced", "best"]


@dataclass(frozen=True)
class Effort:
    """What a preset stands for.

    Args:
        costs: Learners with one of these costs on their card stand for election.
        held_out: How often small tables are held out in all, in rows: 400 rows are cut into folds five times over if this is 2,000.
        rounds: The most times that all rows are cut into folds.
        fusions: The most fusions that are tried on small tables, where they hardly differ.
        tries: Candidates of one learner that may be behind before the rest of them are not tried.
    """

    costs: tuple[str, ...] = ("low", "medium", "high")
    held_out: int = 2000
    rounds: int = 4
    fusions: int = 2
    tries: int = 2

    def num_rounds(self, num_rows: int) -> int:
        """How often this many rows are cut into folds anew.

        >>> [PRESETS["balanced"].num_rounds(rows) for rows in (100, 500, 1500, 5000)]
        [4, 4, 2, 1]
        """
        return max(1, min(self.rounds, -(-self.held_out // max(1, num_rows))))


PRESETS: Mapping[Preset, Effort] = {
    "fast": Effort(costs=("low",), rounds=1, tries=1),
    "balanced": Effort(),
    "best": Effort(held_out=6000, rounds=8, fusions=99, tries=99),
}
