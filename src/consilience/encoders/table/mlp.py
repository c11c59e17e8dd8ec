"""A perceptron over all columns of the table, learned with the network.

Source: Gorishniy et al. (2021), the MLP baseline. Fast; a good start where other modalities matter more than the table.
"""

from __future__ import annotations

from pydantic import Field
from torch import nn

from consilience.core.registry import Card
from consilience.encoders.table._network import TablePerceptron
from consilience.encoders.table._trained import TableSettings, TrainedTable

__all__ = ["TableMLP"]

CARD = Card(
    summary="A perceptron over scaled numbers and embedded levels, learned with the network: fast, one token a row.",
    source="Gorishniy et al. (2021), Revisiting Deep Learning Models for Tabular Data",
    claims=("trained",),
)


class MLPSettings(TableSettings):
    """Settings of ``mlp``."""

    hidden: int = Field(default=256, ge=1, description="Width of each hidden layer.")
    depth: int = Field(default=2, ge=1, le=16, description="Hidden layers.")
    level_width: int = Field(default=16, ge=1, description="Width of the vector of a category's level.")


class TableMLP(TrainedTable):
    """Scaled numbers, embedded levels and members of sets, side by side through a perceptron; one token a row.

    Shape:
        - module: the tensors of ``prepare`` in, Tokens ``[B, 1, width]`` out.
    """

    Settings = MLPSettings
    settings: MLPSettings

    def build(self) -> nn.Module:
        own = self.settings
        return TablePerceptron(self.coder, own.width, [own.hidden] * own.depth, own.dropout, own.level_width)
