"""What the encoders that learn with the network share: words to numbers, embedding, and what becomes of the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.text._segment import SegmentSetting, choose_segmenter, texts_of
from consilience.encoders.text._vocabulary import PADDING, Vocabulary
from consilience.layers.tokens import Tokens

__all__ = ["Embedding", "Pooling", "SequenceEncoder", "SequenceSettings"]


class SequenceSettings(Settings):
    """Size and reading of a network over words.

    Args:
        width: Numbers per token, inside and out; a multiple of 4.
        layers: Layers on top of each other.
        dropout: Share of the embedding (and between layers) set to zero in training.
        max_tokens: Words and pieces that are read; the rest of a longer text is left out.
        max_words: Most words with an embedding of their own; rarer ones are read in pieces.
        tokens: One token per text (pooled), or one per word (sequence).
        lower: Lower the case first.
        segment: How Chinese is cut into words.
    """

    width: int = Field(default=128, ge=4, le=2048, multiple_of=4)
    layers: int = Field(default=1, ge=1, le=12)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    max_tokens: int = Field(default=128, ge=1, le=4096)
    max_words: int = Field(default=20_000, ge=1)
    tokens: Literal["pooled", "sequence"] = "pooled"
    lower: bool = True
    segment: SegmentSetting = "auto"


class SequenceEncoder(TrainedEncoder):
    """``fit`` learns the vocabulary, ``prepare`` gives ``ids [N, T] int32`` and ``mask [N, T] bool``; T is that of the longest text."""

    Settings: ClassVar[type[Settings]] = SequenceSettings
    settings: SequenceSettings

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        texts, _, _ = texts_of(columns)
        self.segmenter = choose_segmenter(self.settings.segment, texts, self.settings.lower)
        self.vocabulary = Vocabulary.learn((self.segmenter(text) for text in texts), self.settings.max_words)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        texts, rows, number = texts_of(columns)
        # A word seldom has over 50 characters: what stands far behind the last token need not be cut into words.
        most = self.settings.max_tokens
        found = [self.vocabulary.encode(self.segmenter(text[: 50 * most]), most) for text in texts]
        ids = np.full((number, max((len(numbers) for numbers in found), default=1)), PADDING, dtype=np.int32)
        mask = np.zeros(ids.shape, dtype=bool)
        for row, numbers in zip(rows, found, strict=True):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = True
        return {"ids": ids, "mask": mask}

    def state(self) -> State:
        return State({"segment": self.segmenter.method}, texts={"vocabulary": "\n".join(self.vocabulary.entries)})

    def restore(self, state: State) -> None:
        self.segmenter = choose_segmenter(state.config["segment"], (), self.settings.lower)
        text = state.texts["vocabulary"]
        self.vocabulary = Vocabulary(text.split("\n") if text else [])


class Embedding(nn.Module):
    """Numbers to vectors, present tokens moved to the front.

    Shape:
        - ids ``[B, T]``, mask ``[B, T]`` -> values ``[B, S, D]``, mask ``[B, S]``; S is the most tokens that a row of the batch has, at least 1.
    """

    def __init__(self, number: int, width: int, dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(number, width, padding_idx=PADDING)
        nn.init.normal_(self.table.weight, std=width**-0.5)
        with torch.no_grad():
            self.table.weight[PADDING] = 0
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        longest = max(1, int(mask.sum(dim=1).max())) if len(mask) else 1
        # A stable sort keeps the words' order; a token that someone masked in the middle leaves no gap.
        order = torch.argsort((~mask).to(torch.uint8), dim=1, stable=True)[:, :longest]
        mask = mask.gather(1, order)
        ids = torch.where(mask, ids.gather(1, order), torch.full((), PADDING, dtype=ids.dtype, device=ids.device))
        return self.dropout(self.table(ids)), mask


class Pooling(nn.Module):
    """Token vectors to one token per row, mean and maximum joined and projected; or the tokens as they are.

    Shape:
        - values ``[B, S, C]``, mask ``[B, S]`` -> Tokens of width D and length 1 (pooled) or S.
    """

    def __init__(self, inside: int, width: int, tokens: str) -> None:
        super().__init__()
        self.pooled = tokens == "pooled"
        self.project = nn.Linear(2 * inside, width) if self.pooled else nn.Identity() if inside == width else nn.Linear(inside, width)

    def forward(self, values: Tensor, mask: Tensor) -> Tokens:
        if not self.pooled:
            return Tokens(self.project(values), mask)
        tokens = Tokens(values, mask)
        least = torch.full((), torch.finfo(values.dtype).min, dtype=values.dtype, device=values.device)
        highest = torch.where(mask.unsqueeze(-1), values, least).amax(dim=1)
        highest = torch.where(tokens.present.unsqueeze(-1), highest, torch.zeros_like(highest))
        return Tokens.single(self.project(torch.cat([tokens.pooled(), highest], dim=-1)), tokens.present)
