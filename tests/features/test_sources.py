"""A column that says where rows come from is found, and only such a one."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.data.kinds import KINDS, Cells
from consilience.data.schema import Dataset
from consilience.features._examples import Block
from consilience.features.sources import find_source


def world(rows: int = 400, levels: int = 5, mark: float = 3.0, leak: float = 0.0, seed: int = 0) -> tuple[Dataset, list[Block], np.ndarray]:
    """Features that carry the mark of a row's source and its label; with ``leak`` the source tells the label in that share of the rows."""
    dice = np.random.default_rng(seed)
    source, label = dice.integers(levels, size=rows), dice.integers(2, size=rows)
    label = np.where(dice.random(rows) < leak, source % 2, label)
    marks = dice.normal(size=(levels, 20)) * mark
    features = marks[source] + dice.normal(size=(rows, 20)) + label[:, None]
    kind = KINDS.get("category")()
    names = np.array([f"voice {code}" for code in source], dtype=object)
    dataset = Dataset({"speaker": Cells("speaker", kind, names, np.ones(rows, dtype=bool))}, np.arange(rows))
    return dataset, [Block("sound:stats", "audio", features.astype(np.float32), np.ones(rows, dtype=bool))], label


def test_a_source_is_found_with_its_rows() -> None:
    dataset, blocks, label = world()
    found = find_source(dataset, blocks, label)
    assert found is not None
    name, codes = found
    assert name == "speaker"
    values = dataset.cells["speaker"].values
    assert len({(value, code) for value, code in zip(values.tolist(), codes.tolist(), strict=True)}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"leak": 0.5},  # it tells something of the target
        {"mark": 0.0},  # the media do not tell it
        {"levels": 3},  # too few to be held out in turn
        {"levels": 60},  # too many
    ],
)
def test_other_columns_are_no_sources(change: dict[str, float]) -> None:
    dataset, blocks, label = world(**change)  # type: ignore[arg-type]
    assert find_source(dataset, blocks, label) is None


def test_without_media_nothing_is_a_source() -> None:
    dataset, blocks, label = world()
    assert find_source(dataset, [Block("table", "table", blocks[0].values, blocks[0].mask)], label) is None


def test_rows_without_a_source_stand_for_themselves() -> None:
    dataset, blocks, label = world()
    cells = dataset.cells["speaker"]
    cells.present[:3] = False
    found = find_source(dataset, blocks, label)
    assert found is not None
    assert sorted(found[1][:3].tolist()) == [-3, -2, -1]
