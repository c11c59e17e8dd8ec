"""Graph convolutional network, learned with the whole. Source: Kipf and Welling (2017), Semi-Supervised Classification with GCN.

Averages what the neighbours say, so that it smooths: for large graphs whose labels or features carry the answer. Where counting matters, as in
molecules, take ``gin``.
"""

from __future__ import annotations

from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.encoders.graph._network import MessageEncoder, Messages, NodeNorm

__all__ = ["Gcn"]

CARD = Card(
    summary="Graph convolutions: weighted means over neighbours, trained with the network; where labels or features of nodes carry the answer.",
    source="Kipf and Welling (2017); all layers are read out: Xu et al. (2018)",
    claims=("trained",),
    cost="medium",
)


class Gcn(MessageEncoder):
    """A graph to one token, whatever the order of its nodes.

    Shape:
        - module: Tokens ``[B, 1, width]``.

    >>> from consilience.encoders.graph._network import GraphSettings
    >>> Gcn(GraphSettings(width=16)).build().width
    16
    """

    who = "gcn"

    def layer(self, width: int) -> Messages:
        return Smoothed(width)


class Smoothed(Messages):
    """``x + relu(norm(D^-1/2 (A + I) D^-1/2 x W))``; a bond is added to what goes along it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Linear(width, width, bias=False)
        self.norm = NodeNorm(width)

    def forward(self, x: Tensor, source: Tensor, target: Tensor, bond: Tensor | None) -> Tensor:
        degree = x.new_ones(len(x)).index_add(0, target, x.new_ones(len(target)))  # with the edge to itself that every node gets
        scale = degree.rsqrt().unsqueeze(1)  # [M, 1]
        said = self.weight(x) * scale
        along = said.index_select(0, source)
        heard = said.index_add(0, target, (along if bond is None else along + bond * scale.index_select(0, source)).to(said.dtype))
        out: Tensor = x + nn.functional.relu(self.norm(heard * scale))
        return out
