"""A plain recurrent network over words, read from both ends. Source: Elman (1990), Finding structure in time.

The baseline of the tutorials: it forgets what stands more than a few words back. Take gru or lstm for anything longer.
"""

from __future__ import annotations

from torch import nn

from consilience.core.registry import Card
from consilience.encoders.text._recurrent import Recurrent
from consilience.encoders.text._sequence import SequenceEncoder

__all__ = ["RNN"]

CARD = Card(
    summary="plain recurrent network over words, trained with the network; the tutorials' baseline for gru and lstm",
    source="Elman (1990)",
    claims=("trained",),
    cost="medium",
)


class RNN(SequenceEncoder):
    """Words to one token, or to one token each, by ``torch.nn.RNN``.

    Shape:
        - prepare: ids ``[N, T] int32``, mask ``[N, T] bool``.
        - module: Tokens ``[B, 1, D]``, or ``[B, S, D]`` with S the longest text of the batch.
    """

    def build(self) -> nn.Module:
        return Recurrent(nn.RNN, len(self.vocabulary), self.settings)
