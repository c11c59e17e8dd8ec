"""Can the rows of two tables be told apart?

Source: Lopez-Paz and Oquab (2017), classifier two-sample tests; van Elteren (1960), ranks in strata; Nadeau and Bengio (2003), folds whose training
rows overlap.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import norm, rankdata

from consilience.core.seeds import derive, generator
from consilience.features._examples import Examples
from consilience.metrics import CLASSIFICATION, Interval
from consilience.metrics.bootstrap import bootstrap

__all__ = ["TwoSample", "two_sample"]

FOLDS = 5
FEWEST = 20
"""Rows of each table with the modality, below which nothing can be told."""

MOST = 1000
"""Rows of each table that are looked at, drawn by the seed."""

WIDEST = 64
"""Directions that the classifier sees of sparse features, such as counts of words."""


@dataclass(frozen=True)
class TwoSample:
    """One modality.

    Args:
        auc: How well rows of the second table are told from those of the first, of rows that the classifier did not learn from; 0.5: not at all.
            NaN where ``note`` says why. The interval is over rows, for the classifiers as they are.
        p_value: Chance of such ranks or better if both tables were of one source.
        rows: Rows of the first and of the second table.
    """

    modality: str
    auc: Interval
    p_value: float
    rows: tuple[int, int]
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        p_value = self.p_value if np.isfinite(self.p_value) else None
        return {"modality": self.modality, "auc": self.auc.as_dict(), "p_value": p_value, "rows": list(self.rows), "note": self.note}


def two_sample(first: Examples, second: Examples, modality: str, *, seed: int = 0) -> TwoSample:
    """A cross-validated logistic regression on the modality's features tells the second table from the first, or it does not.

    Rows without the modality are left out: how many lack it is a question for the columns. The classifier's scores are ranked within each
    held-out fold, so that what differs between folds does not count.
    """
    from sklearn.model_selection import StratifiedKFold  # the report reads this room too, and should not wait for it

    features, side = _features(first, second, modality, seed)
    counts = (int((side == 0).sum()), int((side == 1).sum()))
    if features is None:
        return _nothing(modality, counts, "It has no features outside the network that learns them.")
    if min(counts) < FEWEST:
        return _nothing(modality, counts, f"Each table needs {FEWEST} rows that have it.")
    ranks, z_values = np.zeros(len(side)), []
    for learn, held in StratifiedKFold(FOLDS, shuffle=True, random_state=derive(seed, "two sample")).split(features, side):
        scores = _scores(features[learn], side[learn], features[held], seed)
        ranks[held] = (rankdata(scores) - 0.5) / len(held)
        z_values.append(_standard(scores, side[held]))
    output = np.column_stack([1 - ranks, ranks])
    auc = bootstrap({"auc": CLASSIFICATION["auc"]}, side, output, rounds=500, seed=seed)["auc"]
    # Folds learn from much the same rows and err together: their mean varies more than that of as many that know nothing of each other.
    spread = np.sqrt(1 / FOLDS + 1 / (FOLDS - 1))
    return TwoSample(modality, auc, float(norm.sf(np.mean(z_values) / spread)), counts)


def _nothing(modality: str, counts: tuple[int, int], note: str) -> TwoSample:
    nan = float("nan")
    return TwoSample(modality, Interval(nan, nan, nan), nan, counts, note)


def _features(first: Examples, second: Examples, modality: str, seed: int) -> tuple[Any, np.ndarray]:
    """``[P, D]`` features of the rows of both that have the modality, and the side of each; None where it has no features."""
    picks = [_picked(examples, modality, seed, which) for which, examples in enumerate((first, second))]
    side = np.repeat([0, 1], [len(rows) for rows in picks])
    names = [block.name for block in first.blocks if block.modality == modality]
    if not names:
        return None, side
    parts = []
    for name in names:
        old, new = (next(block for block in examples.blocks if block.name == name) for examples in (first, second))
        pooled = [block.take(rows).pooled() for block, rows in zip((old, new), picks, strict=True)]
        if sparse.issparse(pooled[0]):
            parts.append(sparse.vstack(pooled).tocsr())
        else:
            parts.append(np.vstack([np.asarray(part, dtype=np.float64) for part in pooled]))
    return (np.hstack([_dense(part, seed) for part in parts])), side


def _picked(examples: Examples, modality: str, seed: int, which: int) -> np.ndarray:
    there = np.flatnonzero(examples.present().get(modality, np.zeros(len(examples), dtype=bool)))
    return there if len(there) <= MOST else np.asarray(np.sort(generator(seed, "two sample", which).permutation(there)[:MOST]))


def _dense(part: Any, seed: int) -> np.ndarray:
    """A few dense columns of many sparse ones; which row is of which table plays no part in it."""
    if not sparse.issparse(part):
        return np.asarray(np.nan_to_num(np.asarray(part)))
    from sklearn.decomposition import TruncatedSVD

    count = min(WIDEST, part.shape[0] - 1, part.shape[1] - 1)
    return np.asarray(TruncatedSVD(count, random_state=derive(seed, "svd")).fit_transform(part)) if count > 0 else np.asarray(part.toarray())


def _scores(learn: np.ndarray, side: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Many columns are held short rather than cut: the direction in which two tables differ need not be one in which their rows do.
    model = make_pipeline(StandardScaler(), LogisticRegression(C=min(0.1, 3 / learn.shape[1]), class_weight="balanced", max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a classifier that is not quite there still tells rows apart
        return np.asarray(model.fit(learn, side).decision_function(held))


def _standard(scores: np.ndarray, side: np.ndarray) -> float:
    """The rank sum of side 1 in units of its spread if both sides were alike; ties share their rank."""
    ranks = rankdata(scores)
    ones, zeros = int(side.sum()), int((1 - side).sum())
    total = ones + zeros
    _, repeats = np.unique(ranks, return_counts=True)
    ties = float((repeats**3 - repeats).sum()) / (total * (total - 1))
    variance = ones * zeros / 12 * (total + 1 - ties)
    return float((ranks[side == 1].sum() - ones * (total + 1) / 2) / np.sqrt(variance)) if variance > 0 else 0.0
