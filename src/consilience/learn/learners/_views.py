"""A split as a linear model takes it: blocks scaled, rotated where that pays, cut by pattern of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from consilience.learn.learners._base import Split
from consilience.learn.learners._blocks import Scaler
from consilience.learn.learners._lbfgs import Matrix
from consilience.learn.learners._patterns import Pattern, rows_with
from consilience.learn.learners._rotate import Rotation

__all__ = ["PreparedSplit", "View", "unflatten"]


class View:
    """The blocks of one pattern over the rows that have it, modality by modality, rotated where that pays.

    Args:
        known: Rotations that other patterns made of the same rows; new ones are added.
        modalities, matrices: One entry for each matrix that is fitted.
        last: Parameters found last, from which the next fit starts.
    """

    def __init__(self, scaler: Scaler, blocks: Mapping[str, Matrix], pattern: Pattern, rows: np.ndarray, known: dict[object, Rotation]) -> None:
        self.scaler, self.pattern, self.rows = scaler, pattern, rows
        self.last: np.ndarray | None = None
        self.modalities: list[str] = []
        self.matrices: list[Matrix] = []
        self.sources: list[tuple[list[str], Rotation | None]] = []
        for modality in pattern:
            names = scaler.names([modality])
            own = [blocks[name] if len(rows) == blocks[name].shape[0] else blocks[name][rows] for name in names]
            if Rotation.pays(own):
                key = (modality, rows.tobytes())
                rotation = known[key] = known.get(key) or Rotation(own)
                self._add(modality, rotation.train, names, rotation)
            else:
                for name, matrix in zip(names, own, strict=True):
                    self._add(modality, matrix, [name], None)

    def apply(self, blocks: Mapping[str, Matrix], rows: np.ndarray) -> list[Matrix]:
        """Other rows in the same form."""
        made: list[Matrix] = []
        for names, rotation in self.sources:
            parts = [blocks[name][rows] for name in names]
            made += parts if rotation is None else [rotation.apply(parts)]
        return made

    def flat_weights(self, flat: np.ndarray, outputs: int) -> np.ndarray:
        """Parameters of the matrices as parameters of the blocks, in the scaler's order of names."""
        weights, bias = unflatten(flat, [matrix.shape[1] for matrix in self.matrices], outputs)
        by_name: dict[str, np.ndarray] = {}
        for (names, rotation), weight in zip(self.sources, weights, strict=True):
            by_name.update(zip(names, [weight] if rotation is None else rotation.weights(weight), strict=True))
        parts = [by_name[name].ravel() for name in self.scaler.names(self.pattern)]
        return np.concatenate([*parts, bias])

    def _add(self, modality: str, matrix: Matrix, names: list[str], rotation: Rotation | None) -> None:
        self.modalities.append(modality)
        self.matrices.append(matrix)
        self.sources.append((names, rotation))


class PreparedSplit:
    """A split with its blocks scaled and rotated once, for many penalties."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.scaler = Scaler.fit(split.train)
        self.train, self.valid = self.scaler.transform(split.train), self.scaler.transform(split.valid)
        self.present = split.train.present()
        self.views: dict[Pattern, tuple[View, list[Matrix]]] = {}
        self.known: dict[object, Rotation] = {}

    def view(self, pattern: Pattern, rows: np.ndarray) -> tuple[View, list[Matrix]]:
        """What is learned from for a pattern (nothing, where no training row has it), and the valid rows in the same form."""
        if pattern not in self.views:
            known = pattern if len(rows_with(self.present, pattern, len(self.split.train))) else ()
            view = View(self.scaler, self.train, known, rows_with(self.present, known, len(self.split.train)), self.known)
            self.views[pattern] = (view, view.apply(self.valid, rows))
        return self.views[pattern]


def unflatten(flat: np.ndarray, widths: Sequence[int], outputs: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Flat parameters as weights ``[D_b, K]`` by block, and the bias ``[K]``."""
    total = sum(widths)
    weight = flat[: total * outputs].reshape(total, outputs)
    return np.split(weight, np.cumsum(widths)[:-1]) if widths else [], flat[total * outputs :]
