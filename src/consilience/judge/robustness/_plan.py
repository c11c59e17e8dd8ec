"""Which damage is tried on which modality, and what the damaged cells are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.errors import UsageError, listed
from consilience.core.seeds import generator
from consilience.data.kinds import Cells, changed
from consilience.data.schema import Dataset
from consilience.judge.robustness._columns import COLUMN_DAMAGE
from consilience.pipeline.fitted import Pipeline

__all__ = ["SEVERITIES", "Trial", "plan_trials"]

SEVERITIES = 5

USUAL: Mapping[str, tuple[str, ...]] = {
    "image": ("gaussian_noise", "motion_blur", "fog", "jpeg", "rotation", "occlusion"),
    "text": ("keyboard", "ocr", "dropped_words"),
    "video": ("gaussian_noise", "compression", "frame_drop"),
}
"""One family of each sort, where trying all of them would take long; all of the other modalities."""


@dataclass(frozen=True)
class Trial:
    """One family of damage on the columns of one modality.

    Args:
        columns: Those that it changes.
    """

    modality: str
    family: str
    columns: tuple[str, ...]

    def damaged(self, dataset: Dataset, rows: int, severities: np.ndarray, seed: int) -> dict[str, Cells]:
        """The columns of a data set that holds the same ``rows`` rows once for each of ``severities``, one after the other."""
        return {name: self._column(dataset.cells[name], rows, severities, seed) for name in self.columns}

    def _column(self, cells: Cells, rows: int, severities: np.ndarray, seed: int) -> Cells:
        if self.modality == "table":
            _, damage = COLUMN_DAMAGE[self.family]
            blocks = [cells.take(np.arange(block * rows, (block + 1) * rows)) for block in range(len(severities))]
            drawn = [generator(seed, self.family, cells.name) for _ in blocks]
            made = [damage(block, int(severity), dice) for block, severity, dice in zip(blocks, severities, drawn, strict=True)]
            values, present = (np.concatenate([getattr(block, name) for block in made]) for name in ("values", "present"))
            return Cells(cells.name, cells.kind, values, present)
        corrupt = cells.kind.corruptions[self.family]
        name = "" if cells.kind.together else cells.name  # channels of one thing are damaged alike

        def change(decoded: Any, row: int) -> Any:
            # The same draws under each severity: only the strength differs.
            return corrupt(decoded, int(severities[row // rows]), generator(seed, self.family, name, row % rows))

        return changed(cells, change)


def plan_trials(pipeline: Pipeline, dataset: Dataset, modalities: Sequence[str] = (), families: Collection[str] = ()) -> list[Trial]:
    """The trials of the model's modalities, those of one modality together.

    Args:
        modalities: Which; none is all that the model uses.
        families: Names of families, or ``all``; none is a choice of one family of each sort.

    Raises:
        UsageError: The model uses no such modality, or nothing here has such a family.
    """
    used = pipeline.modalities
    for name in modalities:
        if name not in used:
            raise UsageError(f"The model does not use a modality {name!r}.", hint=f"It uses: {listed(used)}.")
    known: set[str] = set()
    trials: list[Trial] = []
    for modality in dict.fromkeys(modalities or used):
        every = _families(pipeline, dataset, modality)
        known |= set(every)
        usual = USUAL.get(modality, tuple(every))
        chosen = every if "all" in families else [name for name in every if name in (families or usual)]
        trials += [Trial(modality, name, every[name]) for name in chosen]
    for name in families:
        if name != "all" and name not in known:
            raise UsageError(f"There is no damage {name!r} for {listed(list(modalities) or used)}.", hint=f"There are: {listed(sorted(known))}, all.")
    return trials


def _families(pipeline: Pipeline, dataset: Dataset, modality: str) -> dict[str, tuple[str, ...]]:
    """Family to the columns that it can change."""
    slots = [slot for slot in pipeline.needed_features().slots if slot.modality == modality]
    columns = dict.fromkeys(name for slot in slots for name in slot.columns if name not in dataset.absent_columns)
    found: dict[str, list[str]] = {}
    kind_of = {column.name: column.kind for column in pipeline.schema.features()}
    if modality == "table":
        for family, (kinds, _) in COLUMN_DAMAGE.items():
            found[family] = [name for name in columns if kind_of[name] in kinds]
    else:
        for name in columns:
            for family in dataset.cells[name].kind.corruptions:
                found.setdefault(family, []).append(name)
    return {family: tuple(names) for family, names in found.items() if names}
