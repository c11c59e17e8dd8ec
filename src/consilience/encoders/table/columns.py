"""The table's own features: scaled numbers with their logarithms, one-hot categories, parts of dates, multi-hot sets.

Source: common practice; the scaling follows Holzmueller et al. (2024), RealMLP. The default for linear models, trees and networks alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.errors import UsageError
from consilience.core.hashing import hash_json
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import FittedEncoder
from consilience.encoders.table._columns import TableCoder

__all__ = ["Columns"]

CARD = Card(
    summary="Scaled numbers and their logarithms, one-hot categories, parts of dates, multi-hot sets, flags for what is missing: the default.",
    source="Common practice; scaling of Holzmueller et al. (2024), Better by Default: Strong Pre-Tuned MLPs",
    claims=("fitted", "default"),
)


class ColumnsSettings(Settings):
    """Settings of ``columns``."""

    max_levels: int = Field(default=100, ge=1, description="Levels of a category, and members of sets, that get a feature; the rarer ones share one.")


class Columns(FittedEncoder):
    """One dense vector a row.

    A number is 0 where it is missing, which is its mean, and has a flag if some training row lacked it. A level seen once in training, and one never
    seen, is "other". A row without any cell is all zeros.

    Shape:
        - output: ``[N, D]`` float32, D = ``len(names)``.

    >>> from consilience.data.kinds import KINDS
    >>> values = np.array([1.0, 3.0, np.nan])
    >>> encoder = Columns(ColumnsSettings())
    >>> encoder.fit({"size": Cells("size", KINDS.get("number")(), values, ~np.isnan(values))})
    >>> encoder.names
    ['size', 'size missing']
    """

    Settings = ColumnsSettings
    settings: ColumnsSettings
    _coder: TableCoder | None = None

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        self._coder = TableCoder.fit(columns, self.settings.max_levels)

    @property
    def coder(self) -> TableCoder:
        """What was learned."""
        if self._coder is None:
            raise UsageError("The table encoder 'columns' has learned nothing yet.", hint="Call fit first.")
        return self._coder

    @property
    def names(self) -> list[str]:
        """What each of the D features says, such as ``"colour=red"``."""
        return [name for _, name in self.features]

    @property
    def owners(self) -> list[str]:
        """The column that each of the D features comes from."""
        return [owner for owner, _ in self.features]

    @property
    def features(self) -> list[tuple[str, str]]:
        """Column and name of each feature."""
        found: list[tuple[str, str]] = []
        for plan in self.coder.plans:
            names = [plan.name if part == "value" else f"{plan.name} ({part})" for part in plan.parts]
            names += [f"{plan.name} missing"] if plan.missing and plan.parts else []
            names += [f"{plan.name}={level}" for level in plan.levels] if plan.coded else []
            names += [f"{plan.name}=(other)"] if plan.kind == "category" else []
            names += [f"{plan.name} has {level}" for level in (*plan.levels, "(other)")] if plan.kind == "set" else []
            found += [(plan.name, name) for name in names]
        return found

    def encode(self, columns: Mapping[str, Cells]) -> np.ndarray:
        coder = self.coder
        coded = coder.encode(columns)
        number_owner, member_owner = np.array(coder.number_owner), np.array(coder.member_owner)
        some = coded.present.any(axis=1, keepdims=True)  # [N, 1]
        blocks: list[np.ndarray] = []
        for index, plan in enumerate(coder.plans):
            blocks.append(coded.numbers[:, number_owner == index])
            if plan.missing and plan.parts:
                blocks.append(some & ~coded.present[:, [index]])
            if plan.coded:
                codes = coded.codes[:, [coder.code_owner.index(index)]]
                blocks.append(codes == np.arange(1, len(plan.levels) + (2 if plan.kind == "category" else 1)))
            blocks.append(coded.members[:, member_owner == index])
        return np.concatenate(blocks, axis=1, dtype=np.float32)

    def state(self) -> State:
        return State(config={"columns": self.coder.config()})

    def restore(self, state: State) -> None:
        self._coder = TableCoder.restore(state.config["columns"])

    def identity(self) -> dict[str, Any]:
        learned = {} if self._coder is None else {"learned": hash_json(self._coder.config())}
        return {**super().identity(), **learned}
