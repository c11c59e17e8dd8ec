"""The one number that is explained: the log-odds of a class, or the predicted number in the space it was learned in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logit

from consilience.core.errors import UnknownName, UsageError
from consilience.pipeline.fitted import Scored
from consilience.tasks import Task

__all__ = ["Outcome", "Scale", "outcome_of"]

Scale = Literal["log-odds", "number", "logarithm"]

_SUREST = 1e-9
"""Log-odds are cut here, so that they stay finite."""


@dataclass(frozen=True)
class Outcome:
    """What of a prediction is explained.

    Args:
        name: The class; None where the model predicts a number.
        place: The class's column in the output; -1 for a number.
        scale: ``log-odds`` of the class, the ``number`` itself, or its natural ``logarithm`` where it was learned as that.
    """

    name: str | None
    place: int
    scale: Scale

    def value(self, scored: Scored) -> np.ndarray:
        """``[N]`` in ``scale``: weights are differences of it."""
        if self.place < 0:
            return np.asarray(scored.scores, dtype=np.float64).reshape(-1)
        return np.asarray(logit(np.clip(self.shown(scored), _SUREST, 1 - _SUREST)))

    def shown(self, scored: Scored) -> np.ndarray:
        """``[N]`` as a person reads it: the probability of the class, or the number in its own unit."""
        output = np.asarray(scored.output, dtype=np.float64)
        return output.reshape(-1) if self.place < 0 else output[:, self.place]


def outcome_of(task: Task, scored: Scored, name: str | None = None) -> Outcome:
    """What is explained of the first of the scored rows: the named class, else the most probable one, else the number.

    Raises:
        UsageError: A class is named, and the model predicts a number.
        UnknownName: There is no class of this name.
    """
    if task.target.task == "regression":
        if name is not None:
            raise UsageError(f"The model predicts a number, so there is no class {name!r} to explain.", hint="Leave the class out.")
        return Outcome(None, -1, "logarithm" if task.target.log else "number")
    if name is not None and name not in task.target.classes:
        raise UnknownName("class", name, task.target.classes)
    place = int(scored.output[0].argmax()) if name is None else task.target.classes.index(name)
    return Outcome(task.target.classes[place], place, "log-odds")
