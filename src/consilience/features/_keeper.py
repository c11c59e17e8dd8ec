"""The store as extraction uses it: results wait a little, so that not every batch is a transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from consilience.core.errors import StoreError
from consilience.core.progress import Progress
from consilience.features.store import FeatureStore

__all__ = ["Keeper"]

KEEP_CELLS, KEEP_SECONDS = 512, 5.0  # results that may wait to be kept: what a kill loses


@dataclass
class Keeper:
    """The store as extraction sees it: where it fails, the work goes on without it, and the person is told once."""

    store: FeatureStore | None
    progress: Progress
    fingerprint: str
    keys: list[bytes] = field(default_factory=list)
    arrays: list[np.ndarray] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    def get(self, keys: Sequence[bytes]) -> list[np.ndarray | None]:
        if self.store is not None:
            try:
                return self.store.get_many(keys, self.fingerprint)
            except StoreError as error:
                self.give_up(error)
        return [None] * len(keys)

    def put(self, key: bytes, array: np.ndarray) -> None:
        if self.store is not None:
            self.keys.append(key)
            self.arrays.append(array)

    def flush(self, *, now: bool = False) -> None:
        """Writes what waits, if it is much, or old, or has to be."""
        if self.store is None or not (self.keys and (now or len(self.keys) >= KEEP_CELLS or time.monotonic() - self.last > KEEP_SECONDS)):
            return
        try:
            self.store.put_many(self.keys, self.fingerprint, self.arrays)
        except StoreError as error:
            self.give_up(error)
        self.keys, self.arrays, self.last = [], [], time.monotonic()

    def give_up(self, error: StoreError) -> None:
        told = self.store.told if self.store is not None else set()
        if str(error) not in told:
            self.progress.say(f"{error} The work goes on, but new features are not kept.")
        told.add(str(error))
        self.store = None
