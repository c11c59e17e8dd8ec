"""Each column as a token, and a transformer over them, learned with the network.

Source: Gorishniy et al. (2021), FT-Transformer. Of use with thousands of rows and columns that act together; slower than ``mlp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.encoders.table._columns import Coded, TableCoder
from consilience.encoders.table._network import LevelEmbedding
from consilience.encoders.table._trained import TableSettings, TrainedTable
from consilience.layers.attention import AttentionBlock
from consilience.layers.tokens import Tokens

__all__ = ["FTTransformer"]

CARD = Card(
    summary="A token for each column and a transformer over them: thousands of rows, columns that act together.",
    source="Gorishniy et al. (2021), Revisiting Deep Learning Models for Tabular Data",
    cost="medium",
    claims=("trained",),
)


class FTSettings(TableSettings):
    """Settings of ``ft_transformer``."""

    width: int = Field(default=96, ge=1, description="Width of a token, a multiple of heads.")
    heads: int = Field(default=8, ge=1, description="Heads of the attention.")
    depth: int = Field(default=2, ge=1, le=12, description="Layers of the transformer.")
    output: Literal["cls", "columns"] = Field(default="cls", description="cls: one token a row that has read all columns; columns: a token for each.")


class FTTransformer(TrainedTable):
    """A transformer over the table's columns; a column that is absent in a row is not there for it.

    Shape:
        - module: the tensors of ``prepare`` in, Tokens ``[B, 1, width]`` (cls) or ``[B, K, width]`` (columns) out.

    Raises:
        UsageError: ``build``: the heads do not divide the width.
    """

    Settings = FTSettings
    settings: FTSettings

    def token_mask(self, coded: Coded) -> np.ndarray:
        return coded.present if self.settings.output == "columns" else super().token_mask(coded)

    def build(self) -> nn.Module:
        return ColumnTransformer(self.coder, self.settings)


class ColumnTransformer(nn.Module):
    """The module of ``FTTransformer``."""

    number_owner: Tensor
    code_owner: Tensor

    def __init__(self, coder: TableCoder, settings: FTSettings) -> None:
        super().__init__()
        self.width = width = settings.width
        for name in ("number_owner", "code_owner"):
            self.register_buffer(name, torch.tensor(getattr(coder, name), dtype=torch.long), persistent=False)
        self.column = _vectors(len(coder.plans), width)
        self.number = _vectors(len(coder.number_owner), width) if coder.number_owner else None
        self.sets = sorted(set(coder.member_owner))
        self.members = nn.ParameterList(_vectors(coder.member_owner.count(owner), width) for owner in self.sets)
        self.levels = LevelEmbedding(coder.code_sizes, width) if coder.code_sizes else None
        self.cls = _vectors(1, width)  # reads all columns; with a single one it also gives that something else to look at
        self.by_column = settings.output == "columns"
        self.blocks = nn.ModuleList(AttentionBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        values, mask = self.tokens(batch), batch["present"]  # [B, K, D], [B, K]
        values = torch.cat([self.cls.expand(len(values), 1, -1), values], dim=1)  # [B, 1 + K, D]
        mask = torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)
        for block in self.blocks:
            values = block(values, mask)
        return Tokens(self.norm(values[:, 1:] if self.by_column else values[:, :1]), batch["mask"])

    def tokens(self, batch: Mapping[str, Tensor]) -> Tensor:
        """``[B, K, D]``: a column's own vector and those of its numbers, level and members, added up."""
        values = self.column.expand(len(batch["present"]), -1, -1)
        if self.number is not None:
            numbers = torch.where(batch["number_mask"], batch["numbers"], 0.0)
            values = values.index_add(1, self.number_owner, numbers.unsqueeze(-1) * self.number)
        if self.levels is not None:
            values = values.index_add(1, self.code_owner, self.levels(batch["codes"]))
        start = 0
        for owner, vectors in zip(self.sets, self.members, strict=True):
            members = batch["members"][:, start : start + len(vectors)] @ vectors  # [B, D]
            values = values.index_add(1, torch.tensor([owner], device=values.device), members.unsqueeze(1))
            start += len(vectors)
        return values


def _vectors(count: int, width: int) -> nn.Parameter:
    """``[count, width]``, uniform within 1 / root of the width."""
    return nn.Parameter(torch.empty(count, width).uniform_(-(width**-0.5), width**-0.5))
