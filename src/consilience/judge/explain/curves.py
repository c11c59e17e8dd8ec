"""Does what is called important matter? Source: Petsiuk et al. (2018), deletion and insertion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.plain import plain
from consilience.judge.explain._game import CellGame

__all__ = ["Curve", "deletion_curve", "insertion_curve"]


@dataclass(frozen=True)
class Curve:
    """The prediction while pieces are taken away, or put in.

    Args:
        share: ``[S + 1]`` part of the atoms that is gone (deletion) or there (insertion), from 0 to 1.
        shown: ``[S + 1]`` probability of the class, or the number in its own unit.
        area: Mean height of the curve by the trapezoid rule: small is good for deletion, large for insertion.
    """

    share: np.ndarray
    shown: np.ndarray
    area: float

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        made: dict[str, Any] = plain({"share": self.share, "shown": self.shown, "area": self.area})
        return made


def deletion_curve(game: CellGame, weights: np.ndarray, *, steps: int = 16) -> Curve:
    """Masks the pieces that speak most for the prediction first.

    Args:
        game: The cell.
        weights: ``[A]`` what each atom is worth; any numbers whose order counts.
        steps: S, in how many steps.
    """
    return _curve(game, weights, steps, start=True)


def insertion_curve(game: CellGame, weights: np.ndarray, *, steps: int = 16) -> Curve:
    """Begins with nothing of the cell and puts the pieces in that speak most for the prediction first; arguments as for ``deletion_curve``."""
    return _curve(game, weights, steps, start=False)


def _curve(game: CellGame, weights: np.ndarray, steps: int, *, start: bool) -> Curve:
    order = np.argsort(-np.asarray(weights, dtype=np.float64), kind="stable")
    counts = np.unique(np.linspace(0, game.atoms, min(steps, game.atoms) + 1).round().astype(np.int64))
    kept = np.full((len(counts), game.atoms), start)
    for row, count in enumerate(counts.tolist()):
        kept[row, order[:count]] = not start
    shown = game.shown(kept)
    share = counts / game.atoms
    return Curve(share, shown, float((np.diff(share) * (shown[1:] + shown[:-1]) / 2).sum()))
