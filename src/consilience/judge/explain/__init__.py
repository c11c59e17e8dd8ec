"""What one prediction rests on: which modality, which words, pixels, seconds, nodes, columns, and which rows are alike."""

from __future__ import annotations

from consilience.judge.explain._game import CellGame
from consilience.judge.explain._outcome import Outcome, outcome_of
from consilience.judge.explain.curves import Curve, deletion_curve, insertion_curve
from consilience.judge.explain.explanation import ExplainedCell, Explanation, ModalityWeight, NearRow, Piece
from consilience.judge.explain.row import explain_row

__all__ = [
    "CellGame",
    "Curve",
    "ExplainedCell",
    "Explanation",
    "ModalityWeight",
    "NearRow",
    "Outcome",
    "Piece",
    "deletion_curve",
    "explain_row",
    "insertion_curve",
    "outcome_of",
]
