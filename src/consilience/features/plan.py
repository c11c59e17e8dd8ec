"""All encoders of a model, and what they make of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from consilience.core.budget import Budget
from consilience.core.errors import CellError, ColumnError, UsageError
from consilience.core.progress import Progress, Silent
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.data.schema import Dataset
from consilience.encoders import Encoder, FittedEncoder, FrozenEncoder, TrainedEncoder
from consilience.features._examples import Block, Examples, Prepared
from consilience.features.extract import extract
from consilience.features.slots import SlotPlan, slot_cells
from consilience.features.store import FeatureStore

__all__ = ["Extraction", "Features"]


_ROWS_AT_ONCE = 64
"""Rows whose columns are encoded before the time is looked at for the first time."""

_PART = 0.2
"""Part of the time left that the next rows may take."""


@dataclass
class Extraction:
    """What the frozen encoders made of a data set.

    Args:
        blocks: Slot name to block, for frozen encoders.
        failures: Position of a row to (column, reason), for cells that cannot be decoded.
        prepared: Slot name to arrays, for trained encoders whose input does not depend on what they learned.
        encoded, reused: Cells that were encoded now, and that came from the store.
        forwards: Batches that frozen encoders ran over.
        late: Positions of rows of which a cell was not reached within the budget; it counts neither as absent nor as failed.
    """

    blocks: dict[str, Block] = field(default_factory=dict)
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)
    prepared: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    encoded: int = 0
    reused: int = 0
    forwards: int = 0
    late: set[int] = field(default_factory=set)

    def take(self, rows: np.ndarray) -> Extraction:
        """The same features for these rows (their positions)."""
        blocks = {name: block.take(rows) for name, block in self.blocks.items()}
        late = {position for position, row in enumerate(rows.tolist()) if row in self.late} if self.late else set()
        return Extraction(blocks, encoded=self.encoded, reused=self.reused, forwards=self.forwards, late=late)


class Features:
    """All encoders of a model.

    Args:
        slots: What ``plan_slots`` gave.
        encoders: Slot name to encoder.
        widths: Slot name to D, for frozen encoders whose width hangs on their cells (channels of a series); filled by the first extraction.
    """

    def __init__(self, slots: Sequence[SlotPlan], encoders: Mapping[str, Encoder] | None = None, widths: Mapping[str, int] | None = None) -> None:
        self.slots = list(slots)
        self.encoders = dict(encoders) if encoders is not None else {slot.name: slot.make() for slot in slots}
        self.widths = dict(widths or {})

    def of(self, slots: Sequence[SlotPlan]) -> Features:
        """The same encoders for some of the slots."""
        return Features(slots, {slot.name: self.encoders[slot.name] for slot in slots}, self.widths)

    @property
    def trained(self) -> dict[str, TrainedEncoder]:
        """Slot name to encoder, for those that learn with a network."""
        return {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, TrainedEncoder)}

    def extract(self, dataset: Dataset, store: FeatureStore | None, progress: Progress | None = None, budget: Budget | None = None) -> Extraction:
        """Runs the frozen encoders; cells that the store knows are not encoded again.

        Media that no frozen encoder reads are decoded once, to find the broken ones.

        Args:
            budget: Rows that are not reached are in ``late``. With a store the columns of some rows, drawn at random, are encoded after those of
                others, so that the rows that are reached have all of their evidence; without one the slots share the time. None is no limit.
        """
        found, progress, budget = Extraction(), progress or Silent(), budget or Budget()
        read: set[str] = set()
        frozen = [(slot, encoder) for slot in self.slots if isinstance(encoder := self.encoders[slot.name], FrozenEncoder)]
        if budget.seconds is not None and store is not None and len(frozen) > 1:
            encoded, found.forwards = _some_rows_first(dataset, frozen, store, progress, budget)
            # These come from the store below.
            found.encoded, found.reused = encoded, -encoded
        for turn, (slot, encoder) in enumerate(frozen):
            cells = the_cells(dataset, slot)
            share = budget.share(1 / (len(frozen) - turn))
            made = extract(cells, encoder, store, progress=progress, label=f"Encode {slot.name}", budget=share)
            found.blocks[slot.name] = Block(slot.name, slot.modality, self._as_known(slot.name, made.values, cells.name), made.mask)
            found.failures.update({row: (error.column or cells.name, error.reason) for row, error in made.failures.items()})
            found.encoded, found.reused = found.encoded + made.encoded, found.reused + made.reused
            found.forwards += made.forwards
            found.late |= made.late
            read |= set(slot.columns)
        for slot in self.slots:
            for column in set(slot.columns) - read:
                cells = dataset.cells[column]
                if cells.kind.media:
                    found.failures.update(_broken(cells, progress))
                    read.add(column)
        found.reused = max(0, found.reused)  # where the store failed between the two, what was encoded did not come from it
        return found

    def _as_known(self, slot: str, values: np.ndarray, column: str) -> np.ndarray:
        """Values of the width that they had when the model was fitted, where they hang on the cells and no cell is there to tell.

        Raises:
            ColumnError: The cells are of another width.
        """
        known = self.widths.setdefault(slot, values.shape[-1])
        if values.shape[-1] == known:
            return values
        if values.any():
            raise ColumnError(
                "Its cells do not have the channels that those had which the model was fitted with.",
                column=column,
                hint="Look whether channels are missing, or more than there were.",
            )
        return np.zeros((*values.shape[:-1], known), dtype=values.dtype)

    def beside(self, other: Features) -> Features:
        """These encoders and others."""
        return Features([*self.slots, *other.slots], {**self.encoders, **other.encoders}, {**self.widths, **other.widths})

    def fit(self, dataset: Dataset, rows: np.ndarray, seed: int) -> Features:
        """New encoders that learned from these rows; frozen ones are shared."""
        encoders: dict[str, Encoder] = {}
        for slot in self.slots:
            encoder = self.encoders[slot.name]
            if isinstance(encoder, FittedEncoder | TrainedEncoder):
                fresh = slot.make()
                assert isinstance(fresh, FittedEncoder | TrainedEncoder)
                encoder = fresh
                fresh.fit({name: cells.take(rows) for name, cells in slot_cells(dataset, slot).items()}, seed)
            encoders[slot.name] = encoder
        return Features(self.slots, encoders, self.widths)

    def examples(self, dataset: Dataset, extraction: Extraction) -> Examples:
        """What learners see of a data set's rows."""
        blocks: list[Block] = []
        prepared: list[Prepared] = []
        raw: list[Prepared] = []
        for slot in self.slots:
            encoder = self.encoders[slot.name]
            columns = slot_cells(dataset, slot)
            if isinstance(encoder, FrozenEncoder):
                blocks.append(extraction.blocks[slot.name])
            elif isinstance(encoder, FittedEncoder):
                present = np.any([cells.present for cells in columns.values()], axis=0)
                blocks.append(Block(slot.name, slot.modality, encoder.encode(columns), present))
            elif isinstance(encoder, TrainedEncoder):
                arrays = extraction.prepared.get(slot.name) or encoder.prepare(columns)
                if encoder.prepares_alike:
                    extraction.prepared[slot.name] = arrays
                (raw if slot.raw else prepared).append(Prepared(slot.name, slot.modality, arrays, encoder))
        return Examples(tuple(blocks), len(dataset), tuple(prepared), tuple(raw))

    def state(self) -> State:
        """What fitted and trained encoders learned; weights of trained ones belong to the network."""
        learned = {index: self.encoders[slot.name] for index, slot in enumerate(self.slots)}
        parts = {str(index): encoder.state() for index, encoder in learned.items() if isinstance(encoder, FittedEncoder | TrainedEncoder)}
        prints = {name: encoder.fingerprint() for name, encoder in self.encoders.items() if isinstance(encoder, FrozenEncoder)}
        return State.pack(parts, {"slots": [slot.model_dump(mode="json") for slot in self.slots], "fingerprints": prints, "widths": self.widths})

    @classmethod
    def restore(cls, state: State) -> Features:
        """The same encoders.

        Raises:
            UsageError: A frozen encoder's weights are not those the model was fitted with.
        """
        features = cls([SlotPlan(**slot) for slot in state.config["slots"]], widths=state.config.get("widths"))
        for index, slot in enumerate(features.slots):
            encoder = features.encoders[slot.name]
            if isinstance(encoder, FittedEncoder | TrainedEncoder):
                encoder.restore(state.part(str(index)))
            elif encoder.fingerprint() != state.config["fingerprints"][slot.name]:
                raise UsageError(
                    f"The encoder of {slot.name!r} is not the one that the model was fitted with: its weights or its version differ.",
                    hint="Install the version of the weights that the model's README.md names, or fit again.",
                )
        return features


def the_cells(dataset: Dataset, slot: SlotPlan) -> Cells:
    """The one column that a frozen encoder sees."""
    (cells,) = slot_cells(dataset, slot).values()
    return cells


def _some_rows_first(
    dataset: Dataset, frozen: Sequence[tuple[SlotPlan, FrozenEncoder]], store: FeatureStore, progress: Progress, budget: Budget
) -> tuple[int, int]:
    """Encodes all columns of some rows, then of others, until the budget ends; the features are in the store then.

    Returns:
        How many cells were encoded, and in how many batches.
    """
    order = generator(0, "encode in time").permutation(len(dataset))
    encoded = forwards = start = 0
    size = _ROWS_AT_ONCE
    with progress.step("Encode", len(order)) as step:
        while start < len(order) and (start == 0 or budget.left() > 0):
            rows, began = np.sort(order[start : start + size]), budget.spent()
            for slot, encoder in frozen:
                made = extract(the_cells(dataset, slot).take(rows), encoder, store, progress=_Quiet(progress), label=slot.name, budget=budget)
                encoded, forwards = encoded + made.encoded, forwards + made.forwards
            step.advance(len(rows))
            start += len(rows)
            # Many rows at once are encoded faster; as many as a small part of the time suffices for.
            if 2 * (budget.spent() - began) < _PART * budget.left():
                size *= 2
    return encoded, forwards


class _Quiet(Silent):
    """Passes sentences on, and shows no bars."""

    def __init__(self, progress: Progress) -> None:
        self.say = progress.say  # type: ignore[method-assign]


def _broken(cells: Cells, progress: Progress) -> dict[int, tuple[str, str]]:
    """Rows whose cell cannot be decoded."""
    failures: dict[int, tuple[str, str]] = {}
    rows = np.flatnonzero(cells.present)
    with progress.step(f"Check {cells.name}", len(rows)) as step:
        for row in rows:
            try:
                cells.read(int(row))
            except CellError as error:
                failures[int(row)] = (cells.name, error.reason)
            step.advance()
    return failures
