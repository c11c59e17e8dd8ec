"""Long short-term memory over words, read from both ends. Source: Hochreiter & Schmidhuber (1997), Long short-term memory.

For thousands of longer texts, where no pretrained encoder knows the language or the jargon.
Under a few thousand rows bow or a frozen encoder is better.
"""

from __future__ import annotations

from torch import nn

from consilience.core.registry import Card
from consilience.encoders.text._recurrent import Recurrent
from consilience.encoders.text._sequence import SequenceEncoder

__all__ = ["LSTM"]

CARD = Card(
    summary="long short-term memory over words, trained with the network; for thousands of longer texts",
    source="Hochreiter & Schmidhuber (1997)",
    claims=("trained",),
    cost="medium",
)


class LSTM(SequenceEncoder):
    """Words to one token, or to one token each, by ``torch.nn.LSTM``.

    Shape:
        - prepare: ids ``[N, T] int32``, mask ``[N, T] bool``.
        - module: Tokens ``[B, 1, D]``, or ``[B, S, D]`` with S the longest text of the batch.
    """

    def build(self) -> nn.Module:
        return Recurrent(nn.LSTM, len(self.vocabulary), self.settings)
