"""Several columns share one budget."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from consilience.core.budget import Budget
from consilience.features.plan import Extraction, Features
from consilience.features.slots import SlotPlan
from consilience.features.store import FeatureStore


def slot(column: str) -> SlotPlan:
    return SlotPlan(name=f"{column}:fake", modality="text", columns=(column,), encoder="text/fake")


def extract(fakes: SimpleNamespace, names: str, count: int, budget: Budget | None, pause: float) -> Extraction:
    class Slow(fakes.Hashing):  # type: ignore[misc]
        def encode(self, batch: dict[str, np.ndarray]) -> Any:
            time.sleep(pause)  # so that the budget ends before the cells do; how many are reached is not asserted
            return super().encode(batch)

    cells = {name: fakes.cells([f"{name} {index}" for index in range(count)]) for name in names}
    features = Features([slot(name) for name in names], {f"{name}:fake": Slow(name) for name in names})
    return features.extract(SimpleNamespace(cells=cells), None, None, budget)  # type: ignore[arg-type]


def test_each_column_gets_its_share(fakes: SimpleNamespace) -> None:
    found = extract(fakes, "abc", 400, Budget(1.5), 0.02)
    reached = {name: int(block.mask.sum()) for name, block in found.blocks.items()}
    assert all(4 < count < 400 for count in reached.values()), reached  # without shares the later ones would have one batch of four each
    assert found.encoded == sum(reached.values())
    assert found.forwards == found.encoded // 4
    whole = np.all([block.mask for block in found.blocks.values()], axis=0)
    assert found.late == set(np.flatnonzero(~whole).tolist())
    assert found.failures == {}


def test_without_a_limit_nothing_is_late(fakes: SimpleNamespace) -> None:
    found = extract(fakes, "ab", 10, None, 0.0)
    assert (found.encoded, found.forwards, found.late) == (20, 6, set())


def test_late_rows_keep_their_place() -> None:
    found = Extraction(late={1, 4}, forwards=3, encoded=2, reused=1)
    taken = found.take(np.array([4, 0, 1]))
    assert (taken.late, taken.forwards, taken.encoded, taken.reused) == ({0, 2}, 3, 2, 1)


def test_rows_that_are_reached_have_all_of_their_evidence(fakes: SimpleNamespace, tmp_path: Path) -> None:
    class Slow(fakes.Hashing):  # type: ignore[misc]
        def encode(self, batch: dict[str, np.ndarray]) -> Any:
            time.sleep(0.005)  # so that the budget ends before the rows do
            return super().encode(batch)

    names = "abc"
    cells = {name: fakes.cells([f"{name} {index}" for index in range(2000)]) for name in names}

    class Rows(SimpleNamespace):
        def __len__(self) -> int:
            return 2000

    def extract(budget: Budget | None) -> Extraction:
        features = Features([slot(name) for name in names], {f"{name}:fake": Slow(name) for name in names})
        return features.extract(Rows(cells=cells), FeatureStore(tmp_path), None, budget)  # type: ignore[arg-type]

    found = extract(Budget(3.0))
    reached = [int(block.mask.sum()) for block in found.blocks.values()]
    whole = 2000 - len(found.late)
    assert 0 < whole < 2000
    # Column by column, whole rows would be a small part of the cells; here most of them belong to whole rows.
    assert whole > 0.5 * max(reached)
    assert found.encoded == sum(reached)
    assert found.reused == 0
    again = extract(Budget(0.0))
    assert again.reused >= found.encoded
