"""A column that says where rows come from, such as a speaker, a device or a site: new rows will come from others.

Source: Roberts et al. (2017), cross-validation strategies for data with structure: where rows of one source are alike and new ones are to be
predicted, whole sources have to be held out. Found by what marks them: the column tells nothing of the target, and the media tell the column.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.stats import chi2_contingency
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from consilience.core.seeds import generator
from consilience.data.schema import Dataset
from consilience.features._examples import Block

__all__ = ["find_source"]

FEWEST, MOST = 4, 50
"""Levels that the column has: fewer cannot be held out in turn, of more each has too few rows to be known by."""

ROWS, LEAST_ROWS = 1500, 20
"""Rows that are looked at, and the fewest of a level."""

KNOWN = 0.9
"""Share of rows whose level the media have to tell."""

RELATED = 0.05
"""Chance of finding a relation to the target where there is none; below it the column tells something and is no mere source."""

COMPONENTS = 60


def find_source(dataset: Dataset, blocks: Sequence[Block], labels: np.ndarray, seed: int = 0) -> tuple[str, np.ndarray] | None:
    """The column and the source of each row ``[N]``, for splits that keep sources whole; None where no column is one.

    Args:
        blocks: Dense features of the rows.
        labels: ``[N]`` codes of the target, or of the part of its range.
        seed: Draws the rows that are looked at.
    """
    media = [block for block in blocks if block.modality != "table" and not sparse.issparse(block.values)]
    for name, cells in dataset.cells.items():
        if type(cells.kind).__module__.rpartition(".")[2] != "category" or not media or cells.present.mean() < 0.98:
            continue
        values = cells.values
        levels = {level: code for code, level in enumerate(sorted({str(value) for value in values[cells.present]}))}
        codes = np.array([levels[str(value)] if there else -1 - row for row, (value, there) in enumerate(zip(values, cells.present, strict=True))])
        counts = np.bincount(codes[codes >= 0])
        if not FEWEST <= len(counts) <= MOST or counts.min() < LEAST_ROWS:
            continue
        if _related(codes, labels) or not _known(codes, media, seed):
            continue
        return name, codes
    return None


def _related(codes: np.ndarray, labels: np.ndarray) -> bool:
    there = codes >= 0
    table = np.zeros((codes.max() + 1, labels.max() + 1))
    np.add.at(table, (codes[there], labels[there]), 1)
    table = table[:, table.sum(axis=0) > 0]
    return table.shape[1] < 2 or bool(chi2_contingency(table).pvalue < RELATED)


def _known(codes: np.ndarray, media: Sequence[Block], seed: int) -> bool:
    """Whether a linear model of one of the blocks tells the level of rows that it has not learned from."""
    for block in media:
        rows = np.flatnonzero((codes >= 0) & block.present)
        rows = np.sort(generator(seed, "source", block.name).permutation(rows)[:ROWS])
        counts = np.bincount(codes[rows]) if len(rows) else np.zeros(1)
        if len(counts) < FEWEST or counts.min() < LEAST_ROWS / 2 or counts.max() > 0.7 * len(rows):
            continue
        features = np.asarray(block.take(rows).pooled(), dtype=np.float64)
        reduce = PCA(min(COMPONENTS, features.shape[1], len(rows) // 2), random_state=0)
        probe = make_pipeline(StandardScaler(), reduce, StandardScaler(), LogisticRegression(C=0.1, max_iter=200))
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged is near enough
            said = cross_val_predict(probe, features, codes[rows], cv=StratifiedKFold(3, shuffle=True, random_state=0))
        if (said == codes[rows]).mean() >= KNOWN:
            return True
    return False
