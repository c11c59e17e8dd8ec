"""Rows of a test table that the model has met in training: the same cells, or nearly the same. Source: Barz and Denzler (2020).

A score on such rows says how well the model remembers, not how well it does on new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.core.seeds import generator
from consilience.data.kinds import Cells
from consilience.data.schema import Dataset
from consilience.features._examples import Block, Examples
from consilience.features.duplicates import near_duplicates
from consilience.judge.answers import answers_of
from consilience.judge.shown import shown_cells
from consilience.metrics import Interval
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Twin", "Twins", "find_twins"]

SHOWN = 5
"""Training rows that are named for one test row."""

PICTURED = 10
"""Rows whose cells are listed beside those of the training row."""

NARROW = 192
ONE, ALL, COMPARED = 0.97, 0.88, 20_000
"""As in ``near_duplicates``: cosine in one column, mean cosine over all, and rows up to which all pairs are compared."""


@dataclass(frozen=True)
class Twin:
    """A row that training had, or nearly.

    Args:
        row: Its place in the table, from 0.
        training_rows: Places of such rows in the training table, the most alike first; at most five.
        identical: All its cells are the same as those of a training row.
        likeness: Mean cosine of the features of text and media columns with those of the first of these rows; 1 where identical.
        columns: Columns in which those two are nearly the same; empty where they are alike on the whole, or identical.
        same_target: The first of those training rows has the same target.
        target, training_target: Of the row and of the first of those training rows: a class, a list of labels, or a number.
        cells, training_cells: Column to a piece of safe HTML that shows the cell, of the row and of the first of those training rows; empty
            beyond the first ten rows.
    """

    row: int
    training_rows: tuple[int, ...]
    identical: bool
    likeness: float
    columns: tuple[str, ...]
    same_target: bool
    target: Any = None
    training_target: Any = None
    cells: Mapping[str, str] = field(default_factory=dict)
    training_cells: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "training_rows": list(self.training_rows), "columns": list(self.columns)}


@dataclass(frozen=True)
class Twins:
    """What was found.

    Args:
        twins: Rows that training had, the most alike first.
        rows: Rows that were looked at.
        training_rows: Training rows that they were compared with.
        compared: False where there were too many rows to look for nearly equal ones: identical ones alone were looked for.
        metric: Name of the headline metric.
        overall: The metric of all rows.
        without: The metric of the rows that training did not have; None where there are none.
    """

    twins: tuple[Twin, ...]
    rows: int
    training_rows: int
    compared: bool
    metric: str
    overall: Interval
    without: Interval | None

    def conclusion(self) -> str:
        """One sentence."""
        near = "the same or nearly the same" if self.compared else "the same"
        if not self.twins:
            return f"None of the {self.rows:,} rows is {near} as a training row."
        identical = sum(twin.identical for twin in self.twins)
        is_one = len(self.twins) == 1
        shared = f", or {'shares' if is_one else 'share'} a text or a file with one" if self.compared else ""
        start = f"{len(self.twins):,} of {self.rows:,} rows {'is' if is_one else 'are'} {near} as a training row{shared}, "
        start += f"{identical:,} of them in every cell; "
        if self.without is None:
            return f"{start}no other rows are left to measure on."
        return f"{start}without them {self.metric} is {_figure(self.without.value)}, with them {_figure(self.overall.value)}."

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rows": self.rows,
            "training_rows": self.training_rows,
            "compared": self.compared,
            "found": len(self.twins),
            "identical": sum(twin.identical for twin in self.twins),
            "metric": self.metric,
            "overall": self.overall.as_dict(),
            "without": None if self.without is None else self.without.as_dict(),
            "conclusion": self.conclusion(),
            "twins": [twin.as_dict() for twin in self.twins],
        }


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"


def find_twins(pipeline: Pipeline, scored: Scored, dataset: Dataset, examples: Examples) -> Twins:
    """Rows that are the same, or nearly the same, as rows of another table.

    Identical rows have equal cells in every column that the model knows. Nearly the same are those that a fit keeps on one side of every split,
    see ``near_duplicates``; sparse features are projected at random first.

    Args:
        pipeline: The model.
        scored: The rows to look at, with their target.
        dataset: The training rows, as ``pipeline.read(table, with_target=True)`` gives them.
        examples: Their features.

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows.
    """
    here, task = scored.dataset, pipeline.task
    encoded = answers_of(pipeline, scored)
    assert here.target is not None
    known: dict[bytes, list[int]] = {}
    for row, key in enumerate(_keys(dataset)):
        if key is not None:
            known.setdefault(key, []).append(row)
    same = {row: known[key] for row, key in enumerate(_keys(here)) if key is not None and key in known}
    near, compared = _near(scored.examples, examples)
    found_at: dict[int, tuple[int, int]] = {}
    twins = []
    for row in same.keys() | near.keys():
        likeness, columns, theirs = near.get(row, (1.0, (), ()))
        theirs = tuple(dict.fromkeys((*same.get(row, ()), *theirs)))
        given, learned = _plain(here.target[row]), None if dataset.target is None else _plain(dataset.target[theirs[0]])
        places = tuple(int(dataset.rows[one]) for one in theirs[:SHOWN])
        likeness = 1.0 if row in same else likeness
        twins.append(Twin(int(here.rows[row]), places, row in same, likeness, columns, learned is not None and _same(given, learned), given, learned))
        found_at[twins[-1].row] = row, theirs[0]
    seed = pipeline.recipe.seed
    rest = np.array([row for row in range(len(here)) if row not in same and row not in near], dtype=np.int64)
    found = task.evaluate(encoded, scored.output, seed=seed, groups=here.groups)[task.headline]
    groups = None if here.groups is None else here.groups[rest]
    without = task.evaluate(encoded[rest], scored.output[rest], seed=seed, groups=groups)[task.headline] if len(rest) else None
    order = sorted(twins, key=lambda twin: (not twin.identical, -twin.likeness, twin.row))
    for place, twin in enumerate(order[:PICTURED]):
        ours, other = found_at[twin.row]
        order[place] = replace(twin, cells=shown_cells(here, ours), training_cells=shown_cells(dataset, other))
    return Twins(tuple(order), len(here), len(dataset), compared, task.headline, found, without)


def _near(one: Examples, other: Examples) -> tuple[dict[int, tuple[float, tuple[str, ...], tuple[int, ...]]], bool]:
    """Row to its mean cosine with the most alike row of the other table, the columns in which they are nearly the same, and all such rows.

    And whether all rows could be compared. Groups may be chains of rows, so that each pair in one is looked at by itself.
    """
    blocks = [_directions(*parts) for parts in _in_both(one, other)]
    size = len(one)
    groups = near_duplicates(blocks)
    if groups is None:
        return {}, size + len(other) <= COMPARED
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups[size:].tolist()):
        members.setdefault(group, []).append(place)
    found: dict[int, tuple[float, tuple[str, ...], tuple[int, ...]]] = {}
    for row, group in enumerate(groups[:size].tolist()):
        theirs = np.array(members.get(group, []), dtype=np.int64)
        cosines = np.array([block.values[size + theirs] @ block.values[row] for block in blocks])  # [columns, rows of the group]
        likeness = cosines.mean(axis=0)
        kept = np.flatnonzero((cosines >= ONE).any(axis=0) | (likeness >= ALL))
        if len(kept):
            kept = kept[np.argsort(-likeness[kept], kind="stable")]
            columns = tuple(
                dict.fromkeys(block.name.partition(":")[0] for block, cosine in zip(blocks, cosines[:, kept[0]], strict=True) if cosine >= ONE)
            )
            found[row] = float(likeness[kept[0]]), columns, tuple(theirs[kept].tolist())
    return found, True


def _plain(target: Any) -> Any:
    """As JSON has it."""
    return list(target) if isinstance(target, list) else float(target) if isinstance(target, np.floating) else target


def _same(one: Any, other: Any) -> bool:
    return set(one) == set(other) if isinstance(one, list) else bool(one == other)


def _keys(dataset: Dataset) -> list[bytes | None]:
    """The content of each row as one hash; None for a row without a cell, or one whose file has gone."""
    columns = [dataset.cells[name] for name in sorted(dataset.cells)]
    return [_key(columns, row) for row in range(len(dataset))]


def _key(columns: list[Cells], row: int) -> bytes | None:
    if not any(cells.present[row] for cells in columns):
        return None
    try:
        return hash_bytes(*(hash_bytes(cells.key(row)) if cells.present[row] else b"" for cells in columns))
    except (CellError, OSError):
        return None


def _in_both(one: Examples, other: Examples) -> list[tuple[Block, Block]]:
    """Features of both tables; not those of table columns, since two rows of like numbers are no duplicates."""
    theirs = {block.name: block for block in other.blocks}
    return [(block, theirs[block.name]) for block in one.blocks if block.modality != "table"]


def _directions(one: Block, other: Block) -> Block:
    """The rows of both as unit vectors from the column's mean; zeros where absent."""
    values = np.concatenate([_dense(one), _dense(other)])
    present = np.concatenate([one.present, other.present])
    values[present] -= values[present].mean(axis=0) if present.any() else 0
    values[~present] = 0
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return Block(one.name, one.modality, values, present)


def _dense(block: Block) -> np.ndarray:
    pooled = block.pooled()
    if not sparse.issparse(pooled):
        return np.array(pooled, dtype=np.float32)
    random = generator(0, "twins", block.name, block.width)
    # As in near_duplicates: a projection at random keeps cosines (Johnson and Lindenstrauss 1984).
    return np.asarray(pooled @ random.standard_normal((block.width, NARROW)).astype(np.float32))
