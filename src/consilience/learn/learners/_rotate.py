"""Wide blocks turned into as many columns as there are rows: the same penalised model, from the kernel.

Source: Saunders et al. (1998), ridge regression learning algorithm in dual variables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg, sparse

from consilience.learn.learners._lbfgs import Matrix

__all__ = ["Rotation"]

_MOST_ROWS = 3000
"""Beyond, the eigenvectors of an N x N matrix cost more than they save."""


class Rotation:
    """Blocks ``X`` of one penalty, ``[N, D]`` with D > N, as ``Z = U S [N, R]``: a penalised linear model of Z is one of X.

    The weights of a penalised model are combinations of the rows of X, so nothing is lost; a bag of 50,000 n-grams over
    1,000 rows is learned with 1,000 columns.

    Args:
        blocks: The training rows' blocks.
    """

    def __init__(self, blocks: Sequence[Matrix]) -> None:
        kernel = np.sum([_dense(block @ block.T) for block in blocks], axis=0, dtype=np.float64)
        sizes, vectors = linalg.eigh(kernel, overwrite_a=True, check_finite=False)
        kept = sizes > max(float(sizes[-1]), 1e-12) * 1e-9
        roots = np.sqrt(sizes[kept])
        self.blocks = blocks
        self.train = (vectors[:, kept] * roots).astype(np.float32)  # [N, R]
        self.back = (vectors[:, kept] / roots).astype(np.float32)  # [N, R]

    @staticmethod
    def pays(blocks: Sequence[Matrix]) -> bool:
        """True if there are clearly more columns than rows, and not too many rows."""
        rows, columns = blocks[0].shape[0], sum(block.shape[1] for block in blocks)
        return bool(1 < rows <= _MOST_ROWS and columns > 1.5 * rows)

    def apply(self, blocks: Sequence[Matrix]) -> np.ndarray:
        """Other rows' blocks ``[N', D]`` as ``[N', R]``."""
        kernel = np.sum([_dense(other @ block.T) for other, block in zip(blocks, self.blocks, strict=True)], axis=0, dtype=np.float32)
        return np.asarray(kernel @ self.back, dtype=np.float32)

    def weights(self, rotated: np.ndarray) -> list[np.ndarray]:
        """Weights ``[R, K]`` of the rotated columns as weights ``[D, K]`` of each block."""
        of_rows = self.back.astype(np.float64) @ rotated
        return [np.asarray(block.T @ of_rows) for block in self.blocks]


def _dense(matrix: Matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if isinstance(matrix, sparse.csr_matrix | sparse.csr_array) else matrix)
