"""Each number as its place among bins, linear within them, then a perceptron, learned with the network.

Source: Gorishniy et al. (2022), piecewise-linear embeddings; the form of Gorishniy et al. (2024), TabM. Strong on numbers with thresholds and bends;
the best first choice among the networks where the table carries much of the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from rtdl_num_embeddings import PiecewiseLinearEmbeddings
from torch import nn

from consilience.core.registry import Card
from consilience.encoders.table._columns import Coded
from consilience.encoders.table._network import TablePerceptron
from consilience.encoders.table._trained import TableSettings, TrainedTable

__all__ = ["Piecewise"]

CARD = Card(
    summary="Numbers as piecewise-linear places among quantile bins, then a perceptron: strong on numbers with thresholds and bends.",
    source="Gorishniy et al. (2022), On Embeddings for Numerical Features in Tabular Deep Learning",
    claims=("trained",),
)


class PiecewiseSettings(TableSettings):
    """Settings of ``piecewise``."""

    hidden: int = Field(default=256, ge=1, description="Width of each hidden layer.")
    depth: int = Field(default=2, ge=1, le=16, description="Hidden layers.")
    level_width: int = Field(default=16, ge=1, description="Width of the vector of a category's level.")
    number_width: int = Field(default=16, ge=1, description="Width of the vector of a number.")
    bins: int = Field(default=32, ge=2, description="Bins for each number; their edges are quantiles of the training rows.")


class Piecewise(TrainedTable):
    """Piecewise-linear embeddings of numbers, embedded levels and members of sets, side by side through a perceptron; one token a row.

    Shape:
        - module: the tensors of ``prepare`` in, Tokens ``[B, 1, width]`` out.
    """

    Settings = PiecewiseSettings
    settings: PiecewiseSettings
    _edges: tuple[np.ndarray, ...] = ()

    def learn(self, coded: Coded) -> None:
        known = self.coder.number_mask(coded)
        self._edges = tuple(bin_edges(coded.numbers[known[:, index], index], self.settings.bins) for index in range(coded.numbers.shape[1]))

    def arrays(self) -> dict[str, np.ndarray]:
        return {f"edges{index}": edges for index, edges in enumerate(self._edges)}

    def take_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._edges = tuple(arrays[f"edges{index}"] for index in range(len(arrays)))

    def build(self) -> nn.Module:
        own = self.settings
        embed = None
        if self._edges:
            bins = [torch.from_numpy(np.array(edges)) for edges in self._edges]
            embed = PiecewiseLinearEmbeddings(bins, own.number_width, activation=False, version="B")
        return TablePerceptron(self.coder, own.width, [own.hidden] * own.depth, own.dropout, own.level_width, embed, own.number_width)


def bin_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Rising float32 edges of at least two bins, at quantiles of the values (of which there may be none)."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)).astype(np.float32)) if len(values) else np.zeros(1, dtype=np.float32)
    if len(edges) == 1:
        return np.array([edges[0] - 1, edges[0], edges[0] + 1], dtype=np.float32)
    if len(edges) == 2:
        middle = np.float32((edges[0] + edges[1]) / 2)
        return np.unique(np.array([edges[0], middle, edges[1]], dtype=np.float32)) if edges[0] < middle < edges[1] else bin_edges(edges[:1], bins)
    return edges
