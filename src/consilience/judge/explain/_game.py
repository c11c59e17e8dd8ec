"""What the model says of one row when pieces of one cell are masked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from consilience.core.progress import Step
from consilience.core.seeds import generator
from consilience.data.kinds import Cells, Made, changeable
from consilience.judge.altered import rescore
from consilience.judge.explain._anatomies import ANATOMIES
from consilience.judge.explain._contexts import contexts, in_contexts
from consilience.judge.explain._outcome import Outcome
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["CellGame"]

AT_ONCE = 32
"""Masks that are made and encoded at once."""


class CellGame:
    """Asks the model about masks of a cell; the other cells of the row stay as they are. A cell that is masked whole is missing.

    Args:
        pipeline: The model.
        scored: The row, alone.
        column: The cell's column; present, and not one of the modality ``table``.
        outcome: What is asked for.
        seed: Of what is drawn when the cell is cut.
    """

    def __init__(self, pipeline: Pipeline, scored: Scored, column: str, outcome: Outcome, *, seed: int = 0) -> None:
        self.pipeline, self.scored, self.column, self.outcome = pipeline, scored, column, outcome
        cells = scored.dataset.cells[column]
        self.modality = cells.kind.modality
        self.anatomy = ANATOMIES[self.modality](cells.read(0), generator(seed, f"explain {column}"))
        slots = pipeline.needed_features().slots
        self.around = contexts(pipeline, scored, self.modality)
        self.together = sorted({name for slot in slots if column in slot.columns for name in slot.columns} - {column})

    @property
    def atoms(self) -> int:
        """A, the smallest pieces that can be masked."""
        return self.anatomy.atoms

    def __call__(self, kept: np.ndarray, step: Step | None = None) -> np.ndarray:
        """``[R, A] bool`` masks (True = left as it is) to ``[R]`` values in the outcome's scale, averaged over which other modalities are there."""
        return np.concatenate([in_contexts(self.pipeline, self.outcome, part, self.around) for part in self._parts(kept, step)])

    def shown(self, kept: np.ndarray) -> np.ndarray:
        """``[R, A] bool`` masks to ``[R]`` probabilities of the class, or numbers, with all other modalities as they are."""
        return np.concatenate([self.outcome.shown(part) for part in self._parts(kept, None)])

    def _parts(self, kept: np.ndarray, step: Step | None) -> Iterator[Scored]:
        """The row once for each mask, as the model sees it then."""
        for first in range(0, len(kept), AT_ONCE):
            masks = kept[first : first + AT_ONCE]
            yield self._ask(masks)
            if step is not None:
                step.advance(len(masks))

    def _ask(self, masks: np.ndarray) -> Scored:
        many = self.scored.take(np.zeros(len(masks), dtype=np.int64))
        cells = many.dataset.cells[self.column]
        values = np.empty(len(masks), dtype=object)
        present = np.asarray(
            masks.any(axis=1)
        )  # of which nothing is left, that is missing: an even picture would be one that the model has an opinion on
        for row in np.flatnonzero(present).tolist():
            mask = masks[row]
            values[row] = Made(partial(self.anatomy.masked, mask)) if cells.kind.media else self.anatomy.masked(mask)
        altered = {self.column: changeable(Cells(self.column, cells.kind, values, present))}
        altered |= {name: changeable(many.dataset.cells[name]) for name in self.together}
        return rescore(self.pipeline, many, altered)
