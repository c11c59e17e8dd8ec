"""Torch parts of the table encoders that learn with the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from consilience.encoders.table._columns import TableCoder
from consilience.layers.mlp import MLP
from consilience.layers.tokens import Tokens

__all__ = ["LevelEmbedding", "TablePerceptron"]


class LevelEmbedding(nn.Module):
    """A learned vector for each level of each category; zeros for code 0 (absent).

    "Other", the last code, starts at zero: where training has no rare level, an unknown one stays neutral.

    Shape:
        - input: ``[B, C]`` int64.
        - output: ``[B, C, E]``.

    Args:
        sizes: Number of codes of each of the C categories, 0 and "other" included.
        width: E.
    """

    starts: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        ends = torch.tensor(sizes).cumsum(0)
        self.register_buffer("starts", ends - torch.tensor(sizes), persistent=False)
        self.table = nn.Embedding(int(ends[-1]), width)
        with torch.no_grad():
            self.table.weight.uniform_(-(width**-0.5), width**-0.5)
            self.table.weight[ends - 1] = 0

    def forward(self, codes: Tensor) -> Tensor:
        return torch.where((codes > 0).unsqueeze(-1), self.table(codes + self.starts), 0.0)


class TablePerceptron(nn.Module):
    """Numbers, embedded levels, members and flags side by side, through a perceptron, as one token.

    Shape:
        - input: the tensors of ``TrainedTable.prepare``.
        - output: Tokens ``[B, 1, width]``.

    Args:
        coder: What was learned of the columns.
        width: Width of the token.
        hidden: Width of each hidden layer.
        dropout: Share of hidden units dropped in training.
        level_width: Width of a level's vector.
        embed: From ``[B, F]`` numbers to ``[B, F, number_width]``; None leaves them as they are.
        number_width: What ``embed`` makes of each number.
    """

    def __init__(
        self,
        coder: TableCoder,
        width: int,
        hidden: Sequence[int],
        dropout: float,
        level_width: int,
        embed: nn.Module | None = None,
        number_width: int = 1,
    ) -> None:
        super().__init__()
        self.width = width
        self.flags = list(coder.flags)
        self.embed = embed
        self.levels = LevelEmbedding(coder.code_sizes, level_width) if coder.code_sizes else None
        numbers = len(coder.number_owner) * (1 if embed is None else number_width)
        inputs = numbers + len(self.flags) + len(coder.code_sizes) * level_width + len(coder.member_owner)
        self.mlp = MLP(inputs, width, hidden, dropout)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        known = batch["number_mask"]
        numbers = torch.where(known, batch["numbers"], 0.0)  # [B, F]
        if self.embed is not None:
            numbers = torch.where(known.unsqueeze(-1), self.embed(numbers), 0.0).flatten(1)
        parts = [numbers, (~known[:, self.flags]).to(numbers.dtype), batch["members"]]
        if self.levels is not None:
            parts.append(self.levels(batch["codes"]).flatten(1))
        return Tokens(self.mlp(torch.cat(parts, dim=1)).unsqueeze(1), batch["mask"])
