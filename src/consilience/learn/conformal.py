"""Sets of classes and intervals that hold the truth as often as was promised, for every pattern of present modalities.

Source: Vovk et al. (2005), conformal prediction and its Mondrian form; Sadinle et al. (2019), least ambiguous sets by class; Romano et al. (2020) and
Angelopoulos et al. (2021), adaptive sets; Barber et al. (2021), scores from cross-validation.

The scores are those of held-out rows, which the probabilities are calibrated on. A pattern of present modalities with enough such rows is judged by
its own; a class with few rows leans on the others of its pattern. A row of another pattern is judged by all rows, and by the probability mass that
lies above a class: where a picture is missing, all probabilities are lower, and the set must grow instead of the truth falling out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from consilience.core.errors import UsageError
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.tasks import Task

__all__ = ["HIGHEST", "LOWEST", "Conformal", "check_promise"]

LOWEST, HIGHEST = 0.5, 0.99
"""Levels that can be promised."""

MOST = 4000
"""Held-out rows (for lists of classes: pairs of a row and a class) that are kept; their quantiles say all that a set needs."""

LEAN = 5.0
"""Rows that the belief is worth that a class is as hard as the others."""

_FEWEST = 50
_BEYOND = 5
"""Rows of a pattern that have to lie outside of its sets, for its own rows to say where they end."""

_DIGITS = 6
"""Decimals of a score: rows that are equally sure must stay so when they are read back."""


def check_promise(level: float) -> float:
    """The level as it is.

    Raises:
        UsageError: It cannot be promised.
    """
    if not LOWEST <= level <= HIGHEST:
        hint = f"Give a share from {LOWEST} to {HIGHEST}, such as 0.9."
        raise UsageError(f"Sets or intervals of level {level:g} cannot be promised.", hint=hint)
    return level


@dataclass(frozen=True)
class Conformal:
    """Held-out rows, as they were scored.

    Args:
        patterns: The patterns of present modalities that occur among them, each a sorted tuple of names.
        names: All modalities that count.
        pattern_of: ``[R]`` place of each row's pattern.
        classes: ``[R]`` its true class; 0 for numbers.
        odd: ``[R]`` how odd the truth looked: 1 - its probability; for numbers the residual, in units of what is expected of the row.
        mass: ``[R]`` for one class a row: the probability of all that was likelier, and a random part of its own; else the same as ``odd``.
        kind: The task: binary, multiclass, multilabel or regression.
    """

    names: tuple[str, ...]
    patterns: tuple[tuple[str, ...], ...]
    pattern_of: np.ndarray
    classes: np.ndarray
    odd: np.ndarray
    mass: np.ndarray
    kind: str

    @classmethod
    def of_classes(cls, output: np.ndarray, target: np.ndarray, task: Task, present: Mapping[str, np.ndarray]) -> Conformal:
        """From calibrated probabilities ``[N, K]`` of held-out rows, their encoded target, and what is present in them."""
        if task.target.task == "multilabel":
            rows, classes = np.nonzero(target > 0.5)
            odd = 1 - output[rows, classes]
            return cls._kept(task, present, rows, classes, odd, odd)
        rows, classes = np.arange(len(target)), np.asarray(target, dtype=np.int64)
        own = output[rows, classes]
        # The random part makes the mass of a calibrated model uniform; it is drawn here once, so that no set ever depends on a draw.
        mass = _mass_above(output)[rows, classes] + generator(0, "conformal mass").random(len(rows)) * own
        return cls._kept(task, present, rows, classes, 1 - own, mass)

    @classmethod
    def of_numbers(cls, residuals: np.ndarray, task: Task, present: Mapping[str, np.ndarray]) -> Conformal:
        """From absolute residuals ``[N]`` of held-out rows, in units of what is expected of each."""
        rows = np.arange(len(residuals))
        return cls._kept(task, present, rows, np.zeros_like(rows), residuals, residuals)

    @classmethod
    def _kept(
        cls, task: Task, present: Mapping[str, np.ndarray], rows: np.ndarray, classes: np.ndarray, odd: np.ndarray, mass: np.ndarray
    ) -> Conformal:
        if len(rows) > MOST:
            keep = np.sort(generator(0, "conformal rows").choice(len(rows), MOST, replace=False))
            rows, classes, odd, mass = rows[keep], classes[keep], odd[keep], mass[keep]
        names = tuple(sorted(present))
        there = np.stack([present[name][rows] for name in names], axis=1) if names else np.zeros((len(rows), 0), bool)
        found, pattern_of = np.unique(there, axis=0, return_inverse=True)
        patterns = tuple(tuple(name for name, one in zip(names, row, strict=True) if one) for row in found)
        if task.target.task != "regression":
            odd, mass = np.round(odd, _DIGITS), np.round(mass, _DIGITS)
        return cls(names, patterns, pattern_of.reshape(-1), classes, odd, mass, task.target.task)

    def sets(self, output: np.ndarray, present: Mapping[str, np.ndarray], level: float) -> np.ndarray:
        """``[N, K]`` bool: the classes in each row's set.

        With one class a row, the set holds it with a chance of ``level`` or more, and is never empty: the likeliest class is always in it. With
        lists, each class of a row is in its set with that chance, and a set may be empty.

        Args:
            output: ``[N, K]`` calibrated probabilities.
            present: Modality to ``[N]`` bool.
            level: From 0.5 to 0.99.
        """
        made = np.zeros(output.shape, dtype=bool)
        for pattern, rows in self._by_pattern(present, len(output)):
            own = self.own_rows(pattern, level)
            if own is not None or self.kind == "multilabel":
                chosen = slice(None) if own is None else own
                reference = _Reference(self.odd[chosen], self.classes[chosen], output.shape[1])
                made[rows] = reference.holds(np.round(1 - output[rows], _DIGITS), level)
            else:
                reference = _Reference(self.mass, self.classes, output.shape[1])
                made[rows] = reference.holds(np.round(_mass_above(output[rows]), _DIGITS), level)
        if self.kind != "multilabel" and output.shape[1]:
            made[np.arange(len(made)), output.argmax(axis=1)] = True
        return made

    def factors(self, present: Mapping[str, np.ndarray], num_rows: int, level: float) -> np.ndarray:
        """``[N]`` by how much the expected residual of each row is to be multiplied, for an interval; the largest ever seen where rows are few."""
        made = np.empty(num_rows)
        for pattern, rows in self._by_pattern(present, num_rows):
            own = self.own_rows(pattern, level)
            made[rows] = _quantile(self.odd if own is None else self.odd[own], level)
        return made

    def own_rows(self, pattern: tuple[str, ...], level: float) -> np.ndarray | None:
        """Held-out rows by which this pattern is judged; None where they are too few and all rows judge it."""
        if pattern not in self.patterns:
            return None
        rows = np.flatnonzero(self.pattern_of == self.patterns.index(pattern))
        return rows if len(rows) >= max(_FEWEST, _BEYOND / (1 - level)) else None

    def _by_pattern(self, present: Mapping[str, np.ndarray], num_rows: int) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
        """Each pattern of modalities with its rows; what the table lacks as a whole is absent in every row."""
        nothing = np.zeros(num_rows, dtype=bool)
        there = np.stack([present.get(name, nothing) for name in self.names], axis=1) if self.names else np.zeros((num_rows, 0), bool)
        found, which = np.unique(there, axis=0, return_inverse=True)
        for index, row in enumerate(found):
            yield tuple(name for name, one in zip(self.names, row, strict=True) if one), np.flatnonzero(which.reshape(-1) == index)

    def state(self) -> State:
        config = {"names": list(self.names), "patterns": [list(pattern) for pattern in self.patterns], "kind": self.kind}
        lists = {name: getattr(self, name).tolist() for name in ("pattern_of", "classes", "odd")}
        return State({**config, **lists, "mass": [] if self.mass is self.odd else self.mass.tolist()})

    @classmethod
    def restore(cls, state: State, task: Task) -> Conformal:
        """Raises ValueError for lists that do not fit each other or the task."""
        config = state.config
        odd = np.asarray(config["odd"], dtype=np.float64)
        mass = np.asarray(config["mass"], dtype=np.float64) if config["mass"] else odd
        pattern_of, classes = (np.asarray(config[name], dtype=np.int64) for name in ("pattern_of", "classes"))
        patterns = tuple(tuple(pattern) for pattern in config["patterns"])
        most = max(1, len(task.target.classes))
        fits = len(pattern_of) == len(classes) == len(odd) == len(mass)
        if not fits or not ((pattern_of >= 0) & (pattern_of < len(patterns))).all() or not ((classes >= 0) & (classes < most)).all():
            raise ValueError("the held-out rows in calibration.json do not fit each other")
        return cls(tuple(config["names"]), patterns, pattern_of, classes, odd, mass, task.target.task)


class _Reference:
    """Held-out rows by which others are judged.

    Args:
        scores: ``[R]`` how odd the truth looked.
        classes: ``[R]`` what it was.
        num_classes: K.
    """

    def __init__(self, scores: np.ndarray, classes: np.ndarray, num_classes: int) -> None:
        order = np.argsort(scores, kind="stable")
        self.pool = scores[order]
        by_class = order[np.argsort(classes[order], kind="stable")]
        ends = np.cumsum(np.bincount(classes, minlength=num_classes))
        self.own = np.split(scores[by_class], ends[:-1])
        self.known = np.concatenate([self._chance(own, len(own), own, 0) for own in self.own])

    def holds(self, scores: np.ndarray, level: float) -> np.ndarray:
        """``[N, K]`` bool: classes that look no odder than the truth of ``level`` of the held-out rows. Shape of scores: ``[N, K]``."""
        # Shrunk classes shift the level as a whole a little; ranking the held-out rows' own chances sets it right again.
        rank = int(np.floor((len(self.known) + 1) * (1 - level) + 1e-9))
        if rank < 1:
            return np.ones(scores.shape, dtype=bool)
        threshold = np.partition(self.known, rank - 1)[rank - 1]
        chances = np.stack([self._chance(own, len(own) + 1, scores[:, code], 1) for code, own in enumerate(self.own)], axis=1)
        return np.asarray(chances >= threshold)

    def _chance(self, own: np.ndarray, count: int, scores: np.ndarray, itself: int) -> np.ndarray:
        """``[n]`` the share of the class's rows, and of some of the others, that look at least as odd.

        Args:
            itself: 1 adds the row that is asked for.
        """
        odder = len(own) - np.searchsorted(own, scores, side="left") + itself
        pooled = (len(self.pool) - np.searchsorted(self.pool, scores, side="left") + itself) / (len(self.pool) + itself)
        return np.asarray((odder + LEAN * pooled) / (count + LEAN))


def _mass_above(output: np.ndarray) -> np.ndarray:
    """``[N, K]`` the probability of all classes that are likelier than this one."""
    order = np.argsort(-output, axis=1, kind="stable")
    ranked = np.take_along_axis(output, order, axis=1)
    above = np.empty(output.shape)
    np.put_along_axis(above, order, np.cumsum(ranked, axis=1) - ranked, axis=1)
    return above


def _quantile(values: np.ndarray, level: float) -> float:
    """The conformal quantile: the largest where there are too few rows; NaN without any."""
    if not len(values):
        return float("nan")
    rank = int(np.ceil((len(values) + 1) * level - 1e-9)) - 1
    return float(np.partition(values, min(rank, len(values) - 1))[min(rank, len(values) - 1)])
