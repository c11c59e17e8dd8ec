"""What the model says of rows some of whose cells were altered: the rest of their features are taken as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from consilience.core.progress import Progress, Silent
from consilience.data.kinds import Cells
from consilience.data.schema import Dataset
from consilience.features._examples import Block, Examples, Prepared
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["altered_examples", "rescore"]

Part = TypeVar("Part", Block, Prepared)


def rescore(pipeline: Pipeline, scored: Scored, cells: Mapping[str, Cells], *, progress: Progress | None = None) -> Scored:
    """The same rows with these columns in the place of the old ones.

    Args:
        pipeline: The model.
        scored: Rows as ``pipeline.score`` gives them; ``take`` some first to alter few of them.
        cells: Column to its altered cells, the same N rows, as ``changed(...)``, ``cells.absent()`` or another order of rows gives them.
        progress: Counts cells.

    Returns:
        The rows with altered examples, scores and output. A cell that could not be encoded any more counts as absent.
    """
    examples = altered_examples(pipeline, scored.examples, scored.dataset, cells, progress=progress)
    return pipeline.scored(replace(scored.dataset, cells={**scored.dataset.cells, **cells}), examples)


def altered_examples(
    pipeline: Pipeline, examples: Examples, dataset: Dataset, cells: Mapping[str, Cells], *, progress: Progress | None = None
) -> Examples:
    """Features of the altered columns, made anew without the store, beside those that the others have; see ``rescore``."""
    features = pipeline.needed_features()
    touched = features.of([slot for slot in features.slots if set(slot.columns) & set(cells)])
    if not touched.slots:
        return examples
    other = replace(dataset, cells={**dataset.cells, **cells})
    made = touched.examples(other, touched.extract(other, None, progress or Silent()))
    return Examples(_put(examples.blocks, made.blocks), len(examples), _put(examples.prepared, made.prepared), _put(examples.raw, made.raw))


def _put(old: tuple[Part, ...], new: tuple[Part, ...]) -> tuple[Part, ...]:
    by_name = {part.name: part for part in new}
    return tuple(by_name.get(part.name, part) for part in old)
