"""When encoders are learned with the model, which ones, and in which candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from consilience.core.errors import CellError
from consilience.core.progress import Progress
from consilience.data.schema import Dataset, Fold, Schema
from consilience.features.plan import Extraction, Features
from consilience.features.slots import SlotPlan, Train, raw_slots
from consilience.learn.candidates import Candidate, combiners
from consilience.learn.leaderboard import Entry
from consilience.learn.learners._base import Split
from consilience.learn.spaces import constant_scores
from consilience.pipeline.recipe import Recipe
from consilience.tasks import Task

__all__ = ["EndToEndPlan"]

SIGNALS = ("audio", "graph", "points", "series", "video", "volume")
"""Modalities whose frozen features are statistics: a network that is learned from some hundred examples can know more."""

FEWEST, FEWEST_STEERED, FEWEST_PICTURES = 700, 1000, 2000
"""Rows from which it is tried."""

ENOUGH = 0.01
"""Share of a constant prediction's loss that is left: where the others left less, there is nothing to win."""

AT_CHANCE = 0.97
"""A modality that leaves more than this share tells nothing by itself."""

ASKED = 0.2
"""Share of the cells that stand in several rows whose rows differ in the target: the other column asks, and this one is asked."""

MEMORY = 3 << 30
"""Bytes of prepared cells up to which a training is begun unasked."""

OTHERS = 0.45
"""Share of a time limit for the candidates that train no encoder, where some that do may follow."""


@dataclass
class EndToEndPlan:
    """What ``run_election`` asks when the other candidates are scored.

    Args:
        folds: The first round's folds; the first one is used.
        splits: What learners saw of them.
    """

    dataset: Dataset
    schema: Schema
    recipe: Recipe
    task: Task
    target: np.ndarray
    folds: Sequence[Fold]
    splits: Sequence[Split]
    together: Sequence[tuple[str, ...]]
    progress: Progress
    others: float = 1.0
    slots: list[SlotPlan] = field(default_factory=list)
    raw: Features | None = None

    def __post_init__(self) -> None:
        # Who names no other learner and says nothing of encoders wants them learned.
        alone = set(self.recipe.learners) - {*combiners()} == {"end_to_end"}
        self.train: dict[str, Train] = self.recipe.train or ({"all": "scratch"} if alone else {})
        if self.can():
            self.others = OTHERS

    def can(self) -> bool:
        """Whether it can come to that at all."""
        allowed = not self.recipe.learners or "end_to_end" in self.recipe.learners
        return allowed and bool(self._asked_for() or self._by_itself())

    def plan(self, finished: Sequence[Entry]) -> tuple[Sequence[Candidate], Split] | None:
        """Candidates and their split, or None."""
        if not self.can():
            return None
        left = self._left(finished)
        steered = self._steered(left)
        wanted = {*self._wanted(left), *steered, *steered.values()}
        self.slots = raw_slots(self.schema, self.recipe.encoders, self.train, wanted, self.together)
        if not self.slots or not self._fits():
            return None
        fold, first = self.folds[0], self.splits[0]
        self.raw = Features(self.slots).fit(self.dataset, fold.train, self.recipe.seed)
        try:
            parts = self.raw.examples(self.dataset, Extraction()).raw
        except CellError as error:  # what frozen encoders could read, and these cannot
            self.progress.say(f"Nothing is learned end to end. {error}")
            return None
        split = replace(
            first,
            train=replace(first.train, raw=tuple(part.take(fold.train) for part in parts)),
            valid=replace(first.valid, raw=tuple(part.take(fold.valid) for part in parts)),
            memo={},
        )
        return self._candidates(split, steered), split

    def _candidates(self, split: Split, steered: dict[str, str]) -> list[Candidate]:
        everything = tuple(split.train.modalities)
        learned = sorted({slot.modality for slot in self.slots})
        fusion = "concat" if self.recipe.fusion == "auto" else self.recipe.fusion
        common = {"fusion": fusion, "stages": self.recipe.stages, **({"sampling": "classes"} if self.recipe.sampling == "classes" else {})}
        made = []
        if steered and set(steered) | set(steered.values()) <= set(everything):
            made.append(Candidate(f"end_to_end-film:{'+'.join(everything)}", "end_to_end", everything, {**common, "steer": steered}))
        apart = [name for name in learned if name not in (*steered, *steered.values())]
        made += [Candidate(f"end_to_end:{name}", "end_to_end", (name,), {**common, "stages": "joint"}) for name in apart]
        if len(everything) > 1 and not steered and (len(learned) > 1 or self._asked_for()):
            made.append(Candidate(f"end_to_end:{'+'.join(everything)}", "end_to_end", everything, common))
        return made

    def _asked_for(self) -> bool:
        """A person said that something is to be trained."""
        return any(mode not in ("auto", "frozen") for mode in self.train.values())

    def _by_itself(self) -> bool:
        """There is something that is trained unasked where the others leave much to win."""
        return self.recipe.presets != "fast" and len(self.dataset) >= FEWEST and bool({*SIGNALS, "image"} & set(self._modalities()))

    def _modalities(self) -> list[str]:
        return sorted({cells.kind.modality for name, cells in self.dataset.cells.items() if name not in self.dataset.absent_columns})

    def _left(self, finished: Sequence[Entry]) -> dict[tuple[str, ...], float]:
        """Modalities to the share of a constant prediction's loss that their best candidate leaves."""
        found: dict[tuple[str, ...], float] = {}
        for entry in finished:
            rows = np.flatnonzero(np.isfinite(entry.scores).all(axis=1)) if entry.scores is not None else np.zeros(0, dtype=np.int64)
            constant = float(self.task.row_losses(self.target[rows], constant_scores(self.target[rows], self.task)).mean())
            share = entry.loss / max(constant, 1e-12)
            found[entry.candidate.modalities] = min(share, found.get(entry.candidate.modalities, np.inf))
        return found

    def _wanted(self, left: dict[tuple[str, ...], float]) -> list[str]:
        """Modalities that are learned from nothing unasked."""
        if not self._by_itself() or min(left.values(), default=1.0) < ENOUGH:
            return []
        here = self._modalities()
        wanted = [name for name in here if name in SIGNALS]
        if "image" in here and "text" not in here and len(self.dataset) >= FEWEST_PICTURES and left.get(("image",), 0.0) > 0.5:
            wanted.append("image")
        return wanted

    def _steered(self, left: dict[tuple[str, ...], float]) -> dict[str, str]:
        """Pictures that a text asks about: the same picture, or the same text, stands in rows that differ in the target; or neither tells
        anything alone; or seeing both is no better than seeing one."""
        asked = self.train.get("image", self.train.get("all", "auto"))
        if not {"image", "text"} <= set(self._modalities()) or asked == "frozen" or min(left.values(), default=1.0) < ENOUGH:
            return {}
        if asked == "auto" and (self.recipe.presets == "fast" or len(self.dataset) < FEWEST_STEERED):
            return {}
        alone = [left.get((name,), 1.0) for name in ("image", "text")]
        if asked != "auto" or min(alone) > AT_CHANCE or self._differs("image") or self._differs("text"):
            return {"image": "text"}
        return {}

    def _differs(self, modality: str) -> bool:
        """Whether cells that stand in several rows stand beside different targets there."""
        labels = self.task.labels(self.target)
        for cells in self.dataset.cells.values():
            if cells.kind.modality != modality:
                continue
            groups: dict[str, list[int]] = {}
            for row in np.flatnonzero(cells.present).tolist():
                groups.setdefault(str(cells.values[row]) if not isinstance(cells.values[row], bytes) else cells.key(row).hex(), []).append(row)
            several = [rows for rows in groups.values() if len(rows) > 1]
            inside = sum(map(len, several))
            if inside >= 0.5 * len(self.dataset) and np.mean([len(set(labels[rows].tolist())) > 1 for rows in several]) >= ASKED:
                return True
        return False

    def _fits(self) -> bool:
        """Whether the prepared cells can be held in memory; a person who asked for it is not held back."""
        if self._asked_for():
            return True
        some = np.arange(min(16, len(self.dataset)))
        few = self.dataset.take(some)
        parts = Features(self.slots).fit(few, some, self.recipe.seed).examples(few, Extraction()).raw
        size = sum(array.nbytes for part in parts for array in part.arrays.values()) / max(1, len(some)) * len(self.dataset)
        if size > MEMORY:
            self.progress.say(f"Nothing is learned end to end: the cells would take {size / (1 << 30):.1f} GiB. With --train scratch it is done.")
        return size <= MEMORY
