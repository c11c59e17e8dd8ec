"""A recurrent network over words, read from both ends; the cell is the only thing in which gru, lstm and rnn differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from consilience.encoders.text._sequence import Embedding, Pooling, SequenceSettings
from consilience.layers.tokens import Tokens

__all__ = ["Recurrent"]


class Recurrent(nn.Module):
    """Embedding, recurrent layers in both directions, pooling. Sequences are packed, so that padding is never read.

    Args:
        cell: ``nn.GRU``, ``nn.LSTM`` or ``nn.RNN``.
        number: How many numbers the vocabulary has.

    Shape:
        - forward: ``{"ids": [B, T], "mask": [B, T]}`` -> Tokens ``[B, 1 or S, D]``.
    """

    def __init__(self, cell: Callable[..., nn.RNNBase], number: int, settings: SequenceSettings) -> None:
        super().__init__()
        self.width = settings.width
        self.embedding = Embedding(number, settings.width, settings.dropout)
        between = settings.dropout if settings.layers > 1 else 0.0
        self.cell = cell(settings.width, settings.width // 2, num_layers=settings.layers, dropout=between, batch_first=True, bidirectional=True)
        self.pooling = Pooling(settings.width, settings.width, settings.tokens)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        values, mask = self.embedding(batch["ids"], batch["mask"])
        if len(mask):
            lengths = mask.sum(dim=1).clamp(min=1).cpu()  # an absent row is read as one padding token, which the mask then hides
            packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
            values, _ = pad_packed_sequence(self.cell(packed)[0], batch_first=True, total_length=mask.shape[1])
        return self.pooling(values, mask)  # type: ignore[no-any-return]
