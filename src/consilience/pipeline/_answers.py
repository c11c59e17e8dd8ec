"""The columns of a prediction: what is said of each row, how sure that is, and what is withheld."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import UsageError
from consilience.features._examples import Examples
from consilience.learn.calibration import Calibration
from consilience.learn.conformal import check_promise
from consilience.learn.familiar import Familiarity
from consilience.tasks import Task

__all__ = ["USUAL", "Wanted", "answer_columns", "column_types"]

USUAL = 0.9
"""Level of the interval of a number, where none is asked for."""


@dataclass(frozen=True)
class Wanted:
    """Which columns a person asks for; see ``Pipeline.predict``.

    Args:
        threshold: The confidence that ``abstain`` comes to.
    """

    proba: bool = False
    sets: float | None = None
    abstain: float | None = None
    unfamiliar: bool = False
    threshold: float = -np.inf

    def checked(self, calibration: Calibration, familiarity: Familiarity | None) -> Wanted:
        """The same with its threshold.

        Raises:
            UsageError: What is asked for cannot be promised.
        """
        if self.sets is not None:
            check_promise(self.sets)
            if calibration.conformal is None and calibration.task.target.task != "regression":
                raise UsageError(
                    "This model keeps no held-out rows: an older version fitted it.", hint="Leave out --sets, or fit it again with this version."
                )
        if self.unfamiliar and familiarity is None:
            raise UsageError(
                "This model cannot tell which rows are unfamiliar: it was fitted on too few rows, by an older version, "
                "or only with encoders that learn together with the network.",
                hint="Leave out --unfamiliar, or fit again, with 100 rows or more and an encoder that stays as it is.",
            )
        return self if self.abstain is None else replace(self, threshold=calibration.threshold(self.abstain))

    def columns(self, task: Task) -> list[str]:
        """Names that no column to be kept may have."""
        more = {"set": self.sets is not None, "unfamiliar": self.unfamiliar, "abstained": self.abstain is not None}
        ours = ["prediction", "probability", "low", "high", "note", *(name for name, asked in more.items() if asked)]
        return [*ours, *(f"probability_{name}" for name in task.target.classes)]


def answer_columns(
    calibration: Calibration,
    familiarity: Familiarity | None,
    scores: np.ndarray,
    output: np.ndarray,
    examples: Examples,
    notes: list[list[str]],
    wanted: Wanted,
) -> dict[str, list[Any]]:
    """Name to one value a row.

    Args:
        scores, output: Calibrated, and what the task makes of them.
        notes: What is known of each row already.
    """
    task, present = calibration.task, examples.present()
    classes, columns = task.target.classes, task.decode(output)
    if task.target.task == "regression":
        low, high = calibration.interval(scores, present, USUAL if wanted.sets is None else wanted.sets)
        columns["low"], columns["high"] = low.tolist(), high.tolist()
    else:
        if wanted.sets is not None:
            columns["set"] = [
                _names(inside, row, classes) for inside, row in zip(calibration.sets(output, present, wanted.sets), output, strict=True)
            ]
        if wanted.proba:
            columns.update({f"probability_{name}": output[:, index].tolist() for index, name in enumerate(classes)})
    unfamiliar = None if familiarity is None else familiarity.of(examples)
    flagged = np.zeros(len(output), dtype=bool)
    if unfamiliar is not None:
        flagged = unfamiliar.flagged
        for row, said in enumerate(unfamiliar.notes()):
            notes[row] += [said] if said else []
        if wanted.unfamiliar:
            columns["unfamiliar"] = (1 - unfamiliar.chance).tolist()
    if wanted.abstain is not None:
        unsure = ~(calibration.confidence(scores, output, present) >= wanted.threshold)  # what is no number is not sure
        withheld = unsure | flagged
        columns["prediction"] = [None if out else said for said, out in zip(columns["prediction"], withheld, strict=True)]
        columns["abstained"] = withheld.tolist()
        for row in np.flatnonzero(withheld).tolist():
            why = f"not sure enough for a risk of {wanted.abstain:g}" if unsure[row] else "unlike the training rows"
            notes[row].insert(0, f"Abstained: {why}.")
    columns["note"] = [" ".join(said) for said in notes]
    return columns


def column_types(task: Task, columns: dict[str, list[Any]]) -> dict[str, Any]:
    """Column types that do not depend on whether a row could be scored."""
    prediction = {"regression": pl.Float64(), "multilabel": pl.List(pl.String)}.get(task.target.task, pl.String())
    others = {"prediction": prediction, "note": pl.String(), "set": pl.List(pl.String), "abstained": pl.Boolean()}
    return {name: others.get(name, pl.Float64()) for name in columns}


def _names(inside: np.ndarray, output: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    """The classes of a set, the likeliest first."""
    return [classes[code] for code in np.argsort(-output, kind="stable") if inside[code]]
