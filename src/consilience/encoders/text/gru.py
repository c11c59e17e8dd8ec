"""Gated recurrent units over words, read from both ends. Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.

For thousands of texts whose word order matters, where no pretrained encoder knows the language or the jargon. Fewer weights than lstm,
mostly as good.
"""

from __future__ import annotations

from torch import nn

from consilience.core.registry import Card
from consilience.encoders.text._recurrent import Recurrent
from consilience.encoders.text._sequence import SequenceEncoder

__all__ = ["GRU"]

CARD = Card(
    summary="gated recurrent units over words, trained with the network; for thousands of texts whose word order matters",
    source="Cho et al. (2014)",
    claims=("trained", "learned"),
    cost="medium",
)


class GRU(SequenceEncoder):
    """Words to one token, or to one token each, by ``torch.nn.GRU``.

    Shape:
        - prepare: ids ``[N, T] int32``, mask ``[N, T] bool``.
        - module: Tokens ``[B, 1, D]``, or ``[B, S, D]`` with S the longest text of the batch.
    """

    def build(self) -> nn.Module:
        return Recurrent(nn.GRU, len(self.vocabulary), self.settings)
