"""Encoders without weights to fetch: fast, and still of use. The frozen ones are numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from consilience.core import settings as core_settings
from consilience.core.hashing import hash_bytes
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders import FrozenEncoder, TrainedEncoder

if TYPE_CHECKING:
    from torch import nn

__all__ = ["HashingText", "LearnedNumbers", "RandomImage"]

_GRID = 4


class HashingTextSettings(core_settings.Settings):
    """Settings of ``HashingText``: numbers per token; one token per text (pooled) or per word (sequence, at most ``max_tokens``)."""

    width: int = Field(default=32, ge=1)
    tokens: Literal["pooled", "sequence"] = "pooled"
    max_tokens: int = Field(default=64, ge=1)


class HashingText(FrozenEncoder):
    """Each word is a random direction drawn from its hash; a text is their mean. Source: Weinberger et al. (2009), feature hashing.

    Shape:
        - output: values ``[B, 1, width]``, or ``[B, T, width]`` for a sequence.

    >>> encoder = HashingText()
    >>> encoder.encode(encoder.collate([encoder.prepare("a red cube")]))[0].shape
    (1, 1, 32)
    """

    Settings: ClassVar[type[core_settings.Settings]] = HashingTextSettings
    settings: HashingTextSettings

    def __init__(self, settings: core_settings.Settings | None = None, argument: str = "") -> None:
        super().__init__(settings or HashingTextSettings(), argument)

    @property
    def width(self) -> int:
        return self.settings.width

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        words = str(cell).lower().split()[: self.settings.max_tokens] or [""]
        vectors = np.stack([_direction(word, self.width) for word in words])
        return {"vectors": vectors.mean(axis=0, keepdims=True) if self.settings.tokens == "pooled" else vectors}

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        longest = max(len(item["vectors"]) for item in items)
        vectors = np.zeros((len(items), longest, self.width), dtype=np.float32)
        mask = np.zeros((len(items), longest), dtype=bool)
        for row, item in enumerate(items):
            vectors[row, : len(item["vectors"])] = item["vectors"]
            mask[row, : len(item["vectors"])] = True
        return {"vectors": vectors, "mask": mask}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return len(item["vectors"])

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return batch["vectors"], batch["mask"]


class RandomImageSettings(core_settings.Settings):
    """Settings of ``RandomImage``: numbers per picture, and the seed of the projection."""

    width: int = Field(default=32, ge=1)
    seed: int = Field(default=0, ge=0)


class RandomImage(FrozenEncoder):
    """Mean colours of a 4 x 4 grid, times a fixed random matrix. Source: Johnson and Lindenstrauss (1984), random projection.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, width]``.

    >>> encoder = RandomImage()
    >>> encoder.encode(encoder.collate([encoder.prepare(np.zeros((5, 9, 3), dtype=np.uint8))]))[0].shape
    (1, 1, 32)
    """

    Settings: ClassVar[type[core_settings.Settings]] = RandomImageSettings
    settings: RandomImageSettings

    def __init__(self, settings: core_settings.Settings | None = None, argument: str = "") -> None:
        super().__init__(settings or RandomImageSettings(), argument)
        inputs = 3 * _GRID**2
        draw = generator(self.settings.seed, "random image")
        self.matrix = (draw.normal(size=(inputs, self.settings.width)) / inputs**0.5).astype(np.float32)

    @property
    def width(self) -> int:
        return self.settings.width

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        rows, columns = (np.linspace(0, side, _GRID + 1).astype(int) for side in cell.shape[:2])
        # A picture of fewer than four pixels a side repeats its pixels.
        patches = [
            cell[top : max(bottom, top + 1), left : max(right, left + 1)].mean(axis=(0, 1)) / 255
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ]
        return {"colours": np.concatenate(patches).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = (batch["colours"] @ self.matrix)[:, None, :]
        return values, np.ones(values.shape[:2], dtype=bool)


class LearnedNumbers(TrainedEncoder):
    """Numbers times a matrix that is learned with the network; they come ready from whoever makes the examples.

    Shape:
        - module: ``numbers [B, 6]`` and ``mask [B, 1]`` in, Tokens ``[B, 1, 8]`` out.
    """

    def __init__(self) -> None:
        super().__init__(core_settings.Settings())

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        """Learns nothing."""

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        raise NotImplementedError("LearnedNumbers takes arrays, not cells.")

    def build(self) -> nn.Module:
        from torch import Tensor, nn

        from consilience.layers.tokens import Tokens

        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.width = 8
                self.project = nn.Linear(6, self.width)

            def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
                return Tokens(self.project(batch["numbers"]).unsqueeze(1), batch["mask"])

        return Module()

    def state(self) -> State:
        return State()

    def restore(self, state: State) -> None:
        """Takes back nothing."""


def _direction(word: str, width: int) -> np.ndarray:
    """``[width]`` float32 of a word, the same on every machine."""
    seed = int.from_bytes(hash_bytes(word.encode("utf-8", "replace"))[:8], "little")
    return np.random.default_rng(seed).normal(size=width).astype(np.float32)
