"""What is said of one prediction, as values that a page and JSON are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from consilience.core.plain import plain
from consilience.judge.explain._outcome import Scale

__all__ = ["ExplainedCell", "Explanation", "ModalityWeight", "NearRow", "Piece"]


@dataclass(frozen=True)
class Piece:
    """A word, a patch, some seconds, a column ...

    Args:
        name: What it is, in words: the word itself, where it lies, the column's name.
        weight: What it adds to the prediction, in the scale of the explanation; negative speaks against it.
        error: Standard error of the weight; zero where it is exact.
        where: Its place, by the kind of cell: ``start`` and ``end`` (characters or seconds), ``left top right bottom`` (parts of the picture),
            ``channels first last``, ``nodes``, ``centre points``, ``value``.
        atoms: Numbers of the atoms it is made of.
    """

    name: str
    weight: float
    error: float
    where: dict[str, Any]
    atoms: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)

    @property
    def clear(self) -> bool:
        """True where the weight is more than twice its error: not likely a matter of which masks were drawn."""
        return abs(self.weight) > 2 * self.error


@dataclass(frozen=True)
class ExplainedCell:
    """One cell, or the table columns together, piece by piece.

    Args:
        column: The column; ``table`` stands for all of the columns with numbers, categories, dates and sets.
        kind: text, image, audio, video, series, points, graph, volume or table.
        missing: True where there is nothing in the cell.
        unit: What a piece is.
        masked_by: What stands in the place of a masked piece.
        whole: What all pieces together add.
        pieces: Strongest first.
        exact: True where every combination of pieces was tried.
        evaluations: How many masks the model was asked about.
        absent: Table columns that are empty in this row.
        note: Why there are no pieces, where that needs a word.
        method: ``occlusion``: pieces are masked and the model is asked again; ``grad-cam`` (weights are shares of 1, and only of what speaks for
            it) or ``integrated gradients`` (in log-odds before calibration, or the number): from the slopes of the heaviest candidate alone.
        anatomy: The decoded cell with its atoms, for drawing; not in ``as_dict``.
    """

    column: str
    kind: str
    missing: bool
    unit: str = ""
    masked_by: str = ""
    whole: float = 0.0
    pieces: tuple[Piece, ...] = ()
    exact: bool = True
    evaluations: int = 0
    absent: tuple[str, ...] = ()
    note: str = ""
    method: str = "occlusion"
    anatomy: Any = field(default=None, repr=False)

    def atom_weights(self) -> np.ndarray:
        """``[A]`` the weight of each piece, spread evenly over its atoms."""
        made = np.zeros(0 if self.anatomy is None else self.anatomy.atoms)
        for piece in self.pieces:
            made[piece.atoms] = piece.weight / max(1, len(piece.atoms))
        return made

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        kept = {
            name: getattr(self, name)
            for name in ("column", "kind", "missing", "unit", "masked_by", "whole", "exact", "evaluations", "absent", "note", "method")
        }
        pieces = [{"name": piece.name, "weight": piece.weight, "error": piece.error, **piece.where} for piece in self.pieces]
        made: dict[str, Any] = plain({**kept, "pieces": pieces})
        return made


@dataclass(frozen=True)
class ModalityWeight:
    """What one modality adds.

    Args:
        name: The modality.
        columns: Its columns.
        missing: True where the row has nothing of it.
        weight: Its Shapley value, in the scale of the explanation.
        without: What would be predicted without it: the probability of the class, or the number.
        alone: What would be predicted from it alone.
    """

    name: str
    columns: tuple[str, ...]
    missing: bool
    weight: float
    without: float
    alone: float


@dataclass(frozen=True)
class NearRow:
    """A row that the model takes for alike.

    Args:
        row: Its number in its table, from 0.
        distance: How far it is, 1 being the distance of any two rows there (the median).
        label: What stands in its target column, or None.
        prediction: What the model says of it.
        cells: Column to a piece of safe HTML, None where absent; not in JSON.
    """

    row: int
    distance: float
    label: Any
    prediction: Any
    cells: dict[str, str | None] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Explanation:
    """Why the model says what it says of one row.

    Args:
        row: Its number in the table, from 0.
        source: The table.
        target: The name of what is predicted.
        prediction: What is predicted: a class, labels, or a number.
        probability: Of the prediction; None for a number.
        truth: What stands in the target column, or None.
        of: The class whose probability is explained, which need not be the predicted one; None for a number.
        shown: The probability of that class, or the number.
        scale: ``log-odds`` of the class, the ``number``, or its natural ``logarithm``: what weights are in.
        base: The value in this scale when nothing is known of the row; ``base`` and the modalities' weights sum to ``value``.
        base_shown: The same as probability, or as number.
        value: The value in this scale.
        modalities: Strongest first.
        cells: What in each modality. Where that is one column, the weights of its pieces sum to the modality's.
        nearest: Rows that the model takes for alike, nearest first.
        like: Where these come from.
        notes: What was wrong with the row's cells.
    """

    row: int
    source: str
    target: str
    prediction: Any
    probability: float | None
    truth: Any
    of: str | None
    shown: float
    scale: Scale
    base: float
    base_shown: float
    value: float
    modalities: tuple[ModalityWeight, ...]
    cells: tuple[ExplainedCell, ...]
    nearest: tuple[NearRow, ...] = ()
    like: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        simple = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("modalities", "cells", "nearest")}
        made: dict[str, Any] = plain(
            {
                **simple,
                "modalities": [dict(vars(part)) for part in self.modalities],
                "cells": [part.as_dict() for part in self.cells],
                "nearest": [{name: value for name, value in vars(part).items() if name != "cells"} for part in self.nearest],
            }
        )
        return made
