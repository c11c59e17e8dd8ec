"""Wide blocks turned into as many columns as there are rows: the same penalised model, from the kernel.

Source: Saunders et al. (1998), ridge regression learning algorithm in dual variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from scipy import linalg, sparse

from consilience.learn.learners._lbfgs import Matrix

__all__ = ["Rotation"]

_MOST_ROWS = 3000
"""Beyond, an N x N matrix and what is made of it take more memory than they save time."""


class Rotation:
    """Blocks ``X`` of one penalty, ``[N, D]`` with D > N, as ``Z = L [N, N]`` with ``L L' = X X'``: a penalised linear model of Z is one of X.

    The weights of a penalised model are combinations of the rows of X, so nothing is lost; a bag of 50,000 n-grams over
    1,000 rows is learned with 1,000 columns.

    Args:
        blocks: The training rows' blocks.
    """

    def __init__(self, blocks: Sequence[Matrix]) -> None:
        root = _root(np.sum([_dense(block @ block.T) for block in blocks], axis=0, dtype=np.float64))
        self.blocks = blocks
        self.train = root.astype(np.float32)  # [N, N]
        self.back = linalg.solve_triangular(root, np.eye(len(root)), lower=True, trans="T", overwrite_b=True, check_finite=False).astype(np.float32)

    @staticmethod
    def pays(blocks: Sequence[Matrix]) -> bool:
        """True if there are clearly more columns than rows, and not too many rows."""
        rows, columns = blocks[0].shape[0], sum(block.shape[1] for block in blocks)
        return bool(1 < rows <= _MOST_ROWS and columns > 1.5 * rows)

    def apply(self, blocks: Sequence[Matrix]) -> np.ndarray:
        """Other rows' blocks ``[N', D]`` as ``[N', N]``."""
        kernel = np.sum([_dense(other @ block.T) for other, block in zip(blocks, self.blocks, strict=True)], axis=0, dtype=np.float32)
        return np.asarray(kernel @ self.back, dtype=np.float32)

    def weights(self, rotated: np.ndarray) -> list[np.ndarray]:
        """Weights ``[N, K]`` of the rotated columns as weights ``[D, K]`` of each block."""
        of_rows = self.back.astype(np.float64) @ rotated
        return [np.asarray(block.T @ of_rows) for block in self.blocks]


def _root(kernel: Any) -> np.ndarray:
    """``[N, N]`` lower triangular L with ``L L'`` the kernel, but for a millionth on the diagonal: rows that are equal leave it without one."""
    usual = max(float(np.diagonal(kernel).mean()), 1e-12)
    for share in (1e-6, 1e-5, 1e-4, 1e-3):
        with suppress(linalg.LinAlgError):
            return np.asarray(linalg.cholesky(kernel + share * usual * np.eye(len(kernel)), lower=True, overwrite_a=True, check_finite=False))
    raise ValueError("the products of the rows are no kernel")


def _dense(matrix: Matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if isinstance(matrix, sparse.csr_matrix | sparse.csr_array) else matrix)
