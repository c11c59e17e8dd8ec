"""Graph isomorphism network, learned with the whole. Source: Xu et al. (2019), How Powerful are Graph Neural Networks?

Sums what the neighbours say, so that it counts them; tells as many graphs apart as Weisfeiler-Lehman does. For some thousand graphs. Below that
``counts`` and ``wl`` under a linear model are mostly better.
"""

from __future__ import annotations

from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.encoders.graph._network import MessageEncoder, Messages, NodeNorm

__all__ = ["Gin"]

CARD = Card(
    summary="Graph isomorphism network: sums over neighbours, trained with the network; for some thousand graphs.",
    source="Xu et al. (2019); edge labels of Hu et al. (2020); all layers are read out: Xu et al. (2018)",
    claims=("trained", "learned"),
    cost="medium",
)


class Gin(MessageEncoder):
    """A graph to one token, whatever the order of its nodes.

    Shape:
        - module: Tokens ``[B, 1, width]``.

    >>> from consilience.encoders.graph._network import GraphSettings
    >>> Gin(GraphSettings(width=16)).build().width
    16
    """

    who = "gin"

    def layer(self, width: int) -> Messages:
        return Summed(width)


class Summed(Messages):
    """``x + MLP((1 + eps) x + sum over neighbours of relu(x_u + bond))``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 2 * width, bias=False), NodeNorm(2 * width), nn.ReLU(), nn.Linear(2 * width, width, bias=False))
        self.norm = NodeNorm(width)
        self.own = nn.Parameter(self.norm.weight.new_zeros(1))

    def forward(self, x: Tensor, source: Tensor, target: Tensor, bond: Tensor | None) -> Tensor:
        said = x.index_select(0, source)
        said = nn.functional.relu(said if bond is None else said + bond)
        heard = x.new_zeros(x.shape).index_add(0, target, said.to(x.dtype))
        out: Tensor = x + nn.functional.relu(self.norm(self.layers((1 + self.own) * x + heard)))
        return out
