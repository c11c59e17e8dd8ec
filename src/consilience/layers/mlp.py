"""A small multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["MLP"]


class MLP(nn.Module):
    """Linear, LayerNorm, GELU, dropout for each hidden layer, then a linear layer.

    Shape:
        - input: ``[..., D_in]``.
        - output: ``[..., D_out]``.

    Args:
        in_width: D_in.
        out_width: D_out.
        hidden: Width of the hidden layer, or of each of several; an empty sequence makes it one linear layer.
        dropout: Share of hidden units that are dropped in training.
        out_bias: False where a constant on the output can change nothing, as before a softmax.

    >>> import torch
    >>> MLP(4, 2, hidden=8)(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    def __init__(self, in_width: int, out_width: int, hidden: int | Sequence[int], dropout: float = 0.0, out_bias: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (hidden,) if isinstance(hidden, int) else hidden:
            layers += [nn.Linear(in_width, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout)]
            in_width = width
        self.layers = nn.Sequential(*layers, nn.Linear(in_width, out_width, bias=out_bias))

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = self.layers(values)
        return out
