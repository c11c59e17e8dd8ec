"""Each number as learned sines and cosines, then a perceptron, learned with the network.

Source: Gorishniy et al. (2022), PLR embeddings. Of use where the target depends on a number in fine or repeating ways; sensitive to ``scale``.
"""

from __future__ import annotations

from pydantic import Field
from rtdl_num_embeddings import PeriodicEmbeddings
from torch import nn

from consilience.core.registry import Card
from consilience.encoders.table._network import TablePerceptron
from consilience.encoders.table._trained import TableSettings, TrainedTable

__all__ = ["Periodic"]

CARD = Card(
    summary="Numbers as learned sines and cosines, then a perceptron: where the target depends on a number in fine or repeating ways.",
    source="Gorishniy et al. (2022), On Embeddings for Numerical Features in Tabular Deep Learning",
    claims=("trained",),
)


class PeriodicSettings(TableSettings):
    """Settings of ``periodic``."""

    hidden: int = Field(default=256, ge=1, description="Width of each hidden layer.")
    depth: int = Field(default=2, ge=1, le=16, description="Hidden layers.")
    level_width: int = Field(default=16, ge=1, description="Width of the vector of a category's level.")
    number_width: int = Field(default=24, ge=1, description="Width of the vector of a number.")
    frequencies: int = Field(default=48, ge=1, description="Frequencies for each number.")
    scale: float = Field(default=0.05, gt=0.0, description="Spread of the frequencies at the start, in turns per standard deviation of the number.")


class Periodic(TrainedTable):
    """Periodic embeddings of numbers, embedded levels and members of sets, side by side through a perceptron; one token a row.

    Shape:
        - module: the tensors of ``prepare`` in, Tokens ``[B, 1, width]`` out.
    """

    Settings = PeriodicSettings
    settings: PeriodicSettings

    def build(self) -> nn.Module:
        own, count = self.settings, len(self.coder.number_owner)
        embed = None
        if count:
            embed = PeriodicEmbeddings(count, own.number_width, n_frequencies=own.frequencies, frequency_init_scale=own.scale, lite=False)
        return TablePerceptron(self.coder, own.width, [own.hidden] * own.depth, own.dropout, own.level_width, embed, own.number_width)
