"""A text between the tokens that a network embeds and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import numpy as np
from torch import Tensor, nn

from consilience.data.kinds import Cells
from consilience.encoders import TrainedEncoder
from consilience.judge.explain._game import CellGame
from consilience.judge.explain._in_text import TextAnatomy

__all__ = ["Words", "table_of", "takes_place"]

REAL = ("in_there", "in_mask", "mask")
"""Names under which encoders say which numbers are tokens, the most certain first."""


class Words:
    """Which word each token of a text belongs to, found by giving the encoder the text's beginnings, one word longer each."""

    def __init__(self, game: CellGame, encoder: TrainedEncoder) -> None:
        anatomy = cast("TextAnatomy", game.anatomy)
        text, spans = anatomy.decoded, anatomy.spans
        texts = np.array(["", text, *(text[:end] for _, end in spans)], dtype=object)
        kind = game.scored.dataset.cells[game.column].kind
        arrays = encoder.prepare({game.column: Cells(game.column, kind, texts, np.ones(len(texts), dtype=bool))})
        ids = np.asarray(arrays["in_ids"] if "in_ids" in arrays else arrays["ids"])
        there = np.asarray(arrays[next(name for name in REAL if name in arrays)]).astype(bool)
        found = [row[real].tolist() for row, real in zip(ids, there, strict=True)]
        nothing, whole = found[:2]
        # What stands before and behind an empty text too is put there by the tokenizer.
        self.before = _alike(nothing, whole)
        self.behind = min(_alike(nothing[::-1], whole[::-1]), len(nothing) - self.before)
        around, self.number = self.before + self.behind, len(whole)
        counts = [0 if one == nothing else len(one) - around for one in found[2:]]
        self.counts = np.maximum.accumulate(np.maximum(counts, 0))

    def owner(self, length: int) -> np.ndarray:
        """``[length]`` the word of each token; -1 for those that belong to none."""
        made = np.full(length, -1, dtype=np.int64)
        own = np.arange(min(self.number, length) - self.before - self.behind)
        made[self.before : self.before + len(own)] = np.minimum(np.searchsorted(self.counts, own, side="right"), len(self.counts) - 1)
        return made


def _alike(one: list[int], other: list[int]) -> int:
    """How many numbers two lists share at their beginning."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def table_of(encoder: nn.Module) -> nn.Embedding:
    """The embedding of words: the one with the most rows; others hold places and kinds of text."""
    return max((module for module in encoder.modules() if isinstance(module, nn.Embedding)), key=lambda table: table.num_embeddings)


@contextmanager
def takes_place(tables: Sequence[nn.Embedding], given: Sequence[Tensor | None], seen: list[Tensor] | None) -> Iterator[None]:
    """Inside the block a table gives ``given[i] [B, T, D]``; None leaves it as it is. What it would give by itself goes to ``seen``."""

    def hook(place: int) -> Callable[[nn.Module, object, Tensor], Tensor | None]:
        def change(module: nn.Module, ids: object, made: Tensor) -> Tensor | None:
            if seen is not None:
                seen[place] = made.detach()
            return given[place]

        return change

    hooks = [table.register_forward_hook(hook(place)) for place, table in enumerate(tables)]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()
