"""Blocks of a hand-made pipeline: what is learned of them comes from some rows, what they hold is computed for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder

from _bench import Bench
from _features import Frozen

__all__ = ["Block", "make_blocks", "reduced", "stacked", "table_block"]

COMPONENTS = 32
FARTHEST = 10


@dataclass(frozen=True)
class Block:
    """Features of one column (the table's: of all its columns).

    Args:
        modality: ``image``, ``text`` or ``table``.
        values: ``[N, D]`` dense and standardised, or CSR ``[N, D]``.
        scale: What the values are divided by, so that all blocks weigh the same in a linear model.
    """

    modality: str
    values: np.ndarray | sparse.csr_matrix
    scale: float


def make_blocks(bench: Bench, frozen: Frozen, rows: np.ndarray) -> list[Block]:
    """All blocks, with means, deviations and vocabularies of ``rows`` alone."""
    blocks = []
    for modality in ("image", "text"):
        for column in bench.columns(modality):
            blocks.append(_dense(modality, frozen.vectors[column], frozen.present[column], rows))
    for column in bench.columns("text"):
        texts = bench.table.frame[column].fill_null("").to_list()
        blocks += [block for block in (_counts(texts, rows, "word", (1, 2)), _counts(texts, rows, "char_wb", (2, 5))) if block is not None]
    table = table_block(bench, rows)
    return blocks if table is None else [*blocks, table]


def stacked(blocks: list[Block]) -> np.ndarray | sparse.csr_matrix:
    """One matrix ``[N, sum of D]`` for a linear model; dense unless a block is sparse."""
    parts = [block.values / block.scale for block in blocks]
    if any(sparse.issparse(part) for part in parts):
        return sparse.hstack([sparse.csr_matrix(part) for part in parts], format="csr")
    return np.hstack(parts)


def reduced(blocks: list[Block], rows: np.ndarray) -> np.ndarray:
    """``[N, D]`` float32 for trees and networks: principal components of ``rows``, the table's columns as they are."""
    parts = []
    for block in blocks:
        size = min(COMPONENTS, len(rows) - 1, block.values.shape[1] - 1)
        if block.modality == "table" or size < 1:
            parts.append(block.values)
        else:
            method = (TruncatedSVD if sparse.issparse(block.values) else PCA)(size, random_state=0)
            parts.append(method.fit(block.values[rows]).transform(block.values))
    return np.hstack(parts).astype(np.float32)


def _dense(modality: str, values: np.ndarray, present: np.ndarray, rows: np.ndarray) -> Block:
    """Standardised; where absent the mean, and a column that says so if any of the rows lacks it."""
    known = rows[present[rows]]
    mean, deviation = values[known].mean(axis=0), values[known].std(axis=0)
    # A feature that hardly ever moves in these rows would be blown up beyond all others in the first row where it does.
    scaled = ((values - mean) / np.where(deviation > 1e-6, deviation, 1)).clip(-FARTHEST, FARTHEST)
    scaled = np.where(present[:, None], scaled, 0).astype(np.float32)
    scale = float(np.sqrt(values.shape[1]))
    if len(known) < len(rows):
        # As heavy as the whole block: its values come to about 1 together.
        scaled = np.hstack([scaled, (present[:, None] - 0.5).astype(np.float32) * 2 * scale])
    return Block(modality, scaled, scale)


def _counts(texts: list[str], rows: np.ndarray, analyzer: str, sizes: tuple[int, int]) -> Block | None:
    """TF-IDF; None where no n-gram occurs twice."""
    method = TfidfVectorizer(analyzer=analyzer, ngram_range=sizes, min_df=2, sublinear_tf=True, dtype=np.float32)
    try:
        method.fit([texts[row] for row in rows])
    except ValueError:  # no terms remain
        return None
    values = method.transform(texts).tocsr()
    norms = np.asarray(values[rows].multiply(values[rows]).sum(axis=1))
    return Block("text", values, float(np.sqrt(norms.mean())) or 1.0)


def table_block(bench: Bench, rows: np.ndarray) -> Block | None:
    """Numbers standardised (skewed positive ones as logarithms), with a flag where some are missing; categories one-hot; all of it one block."""
    parts: list[np.ndarray] = []
    for column in bench.columns("number"):
        numbers = bench.table.frame[column].cast(float, strict=False).to_numpy().copy()
        missing = np.isnan(numbers)
        known = numbers[rows][~missing[rows]]
        if known.min() > 0 and _skewness(known) > 1:
            numbers = np.log(numbers.clip(known.min()))
        mean, deviation = np.nanmean(numbers[rows]), np.nanstd(numbers[rows])
        parts.append(np.where(missing, 0, (numbers - mean) / (deviation or 1))[:, None])
        if missing[rows].any():
            parts.append(missing[:, None].astype(float))
    if names := bench.columns("category"):
        cells = np.stack([bench.table.frame[name].fill_null("").to_numpy().astype(str) for name in names], axis=1)
        method = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        codes = method.fit(cells[rows]).transform(cells)
        spread = codes[rows].std(axis=0)
        parts.append((codes - codes[rows].mean(axis=0)) / np.where(spread > 1e-6, spread, 1))
    if not parts:
        return None
    values = np.hstack(parts).astype(np.float32)
    return Block("table", values, float(np.sqrt(values.shape[1])))


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    return float(np.mean(centred**3) / (np.mean(centred**2) ** 1.5 or 1.0))
