"""The table's columns as arrays: learned once, shared by all table encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.errors import ColumnError, UsageError
from consilience.data.kinds import Cells
from consilience.encoders.table._plan import ColumnPlan

__all__ = ["Coded", "TableCoder"]


@dataclass(frozen=True)
class Coded:
    """N rows of a table with K columns.

    Args:
        present: ``[N, K]`` bool: which cells hold something.
        numbers: ``[N, F]`` float32, scaled; 0 (the mean) where absent.
        codes: ``[N, C]`` int64, see ``ColumnPlan.encode``.
        members: ``[N, S]`` float32, 1 where a set has the member.
    """

    present: np.ndarray
    numbers: np.ndarray
    codes: np.ndarray
    members: np.ndarray


class TableCoder:
    """Scales and levels of all columns of a table, in the order of their names.

    Attributes:
        plans: One for each of the K columns.
        number_owner: ``[F]`` place among the columns of each number.
        code_owner, code_sizes: ``[C]`` the same for codes, and how many codes there are (0 = absent and the last, "other", included).
        member_owner: ``[S]`` the same for members of sets.
        flags: Places among the numbers, one for each column with numbers that a training row lacked: where these are absent is itself evidence.
    """

    def __init__(self, plans: list[ColumnPlan]) -> None:
        self.plans = plans
        self.number_owner = [index for index, plan in enumerate(plans) for _ in plan.parts]
        self.code_owner = [index for index, plan in enumerate(plans) if plan.coded]
        self.code_sizes = [len(plans[index].levels) + 2 for index in self.code_owner]
        self.member_owner = [index for index, plan in enumerate(plans) if plan.kind == "set" for _ in range(len(plan.levels) + 1)]
        self.flags = [self.number_owner.index(index) for index, plan in enumerate(plans) if plan.missing and plan.parts]

    @classmethod
    def fit(cls, columns: Mapping[str, Cells], max_levels: int) -> TableCoder:
        """Learns from training rows.

        Raises:
            UsageError: There are no columns.
            ColumnError: A column is of a kind that no table encoder knows.
        """
        if not columns:
            raise UsageError("A table encoder needs at least one column.")
        return cls([ColumnPlan.fit(columns[name], max_levels) for name in sorted(columns)])

    def encode(self, columns: Mapping[str, Cells]) -> Coded:
        """Rows of the same columns, given in any order.

        Raises:
            ColumnError: A column that was there in training is not.
        """
        for plan in self.plans:
            if plan.name not in columns:
                raise ColumnError("The column is not in the table.", column=plan.name, hint="Give it with all cells absent if nothing is known.")
        found = [plan.encode(columns[plan.name]) for plan in self.plans]
        codes = [found[index][2] for index in self.code_owner]
        return Coded(
            present=np.stack([there for there, *_ in found], axis=1),
            numbers=np.concatenate([numbers for _, numbers, _, _ in found], axis=1),
            codes=np.stack(codes, axis=1) if codes else np.zeros((len(found[0][0]), 0), dtype=np.int64),
            members=np.concatenate([members for *_, members in found], axis=1),
        )

    def number_mask(self, coded: Coded) -> np.ndarray:
        """``[N, F]`` bool: which numbers are known."""
        return coded.present[:, self.number_owner]

    def config(self) -> list[dict[str, Any]]:
        """As values that JSON can hold."""
        return [plan.config() for plan in self.plans]

    @classmethod
    def restore(cls, config: list[dict[str, Any]]) -> TableCoder:
        """What ``config`` gave."""
        return cls([ColumnPlan.restore(plan) for plan in config])
