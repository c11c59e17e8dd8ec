"""What all table encoders share that learn with the network: the columns as arrays, and the state of what was learned before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.errors import UsageError
from consilience.core.hashing import hash_arrays, hash_json
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.table._columns import Coded, TableCoder

__all__ = ["TableSettings", "TrainedTable"]


class TableSettings(Settings):
    """What all trained table encoders let one set."""

    width: int = Field(default=128, ge=1, description="Width of a token.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of hidden units dropped in training.")
    max_levels: int = Field(default=1000, ge=1, description="Levels of a category, and members of sets, that are told apart.")


class TrainedTable(TrainedEncoder):
    """Base of the table encoders that learn with the network.

    ``prepare`` gives ``numbers [N, F] float32`` with ``number_mask [N, F] bool``, ``codes [N, C] int64`` (0 = absent, the last = rare or unknown),
    ``members [N, S] float32`` (sets), ``present [N, K] bool`` (which of the K columns hold something) and ``mask [N, 1] bool``.
    """

    Settings = TableSettings
    settings: TableSettings
    _coder: TableCoder | None = None

    @property
    def coder(self) -> TableCoder:
        """What was learned of the columns."""
        if self._coder is None:
            raise UsageError(f"The table encoder {type(self).__name__} has learned nothing yet.", hint="Call fit first.")
        return self._coder

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        self._coder = TableCoder.fit(columns, self.settings.max_levels)
        self.learn(self._coder.encode(columns))

    def learn(self, coded: Coded) -> None:
        """What else an encoder wants to know of the training rows; nothing unless overridden."""

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        coded = self.coder.encode(columns)
        return {
            "numbers": coded.numbers,
            "number_mask": self.coder.number_mask(coded),
            "codes": coded.codes,
            "members": coded.members,
            "present": coded.present,
            "mask": self.token_mask(coded),
        }

    def token_mask(self, coded: Coded) -> np.ndarray:
        """``[N, T]`` bool; one token for a row that holds anything unless overridden."""
        return np.asarray(coded.present.any(axis=1, keepdims=True))

    def arrays(self) -> dict[str, np.ndarray]:
        """What ``learn`` learned; nothing unless overridden."""
        return {}

    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what ``arrays`` gave."""

    def state(self) -> State:
        return State(config={"columns": self.coder.config()}, arrays=self.arrays())

    def restore(self, state: State) -> None:
        self._coder = TableCoder.restore(state.config["columns"])
        self.take_arrays(state.arrays)

    def identity(self) -> dict[str, Any]:
        learned = {} if self._coder is None else {"learned": hash_json(self._coder.config()), "arrays": hash_arrays(self.arrays())}
        return {**super().identity(), **learned}
