"""The contract of a fusion: tokens by modality in, one vector a row out, whatever is absent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from consilience.core import settings as core_settings
from consilience.layers.tokens import Tokens

__all__ = ["Fused", "Fusion"]


class Fused(NamedTuple):
    """What a fusion gives.

    Shape:
        - vector: ``[B, D]``, all that is known of the row.
        - vectors: ``[B, M, D]``, each modality alone, in the order of sorted names; zeros where absent.
        - tokens, mask: ``[B, T, D]`` and ``[B, T]``, for decoders that attend.
        - weights: ``[B, M]`` what each modality counted for (sums to 1 over those present), or None where the fusion has no such numbers.
    """

    vector: Tensor
    vectors: Tensor
    tokens: Tensor
    mask: Tensor
    weights: Tensor | None


class Fusion(nn.Module, ABC):
    """One way to make one vector of several modalities.

    One to eight modalities of one width, any subset of them present in a row, also none: such a row gets the learned vector ``nothing``.
    The order in which modalities are given does not matter. Absent tokens have no influence.

    Args:
        names: The modalities.
        width: D, the same for all of them.
        settings: An object of the class's own ``Settings``.

    Raises:
        ValueError: There is no modality, or one is named twice.
    """

    Settings: ClassVar[type[core_settings.Settings]] = core_settings.Settings
    fills: ClassVar[bool] = False
    """True for a fusion that calls ``filled``: only then it has the learned ``absent`` vectors."""

    additive: bool = False
    """True for a sum of one term a modality: the head after it is then linear, so that the scores are such a sum too."""

    settings: core_settings.Settings
    absent: nn.Parameter | None

    def __init__(self, names: Sequence[str], width: int, settings: core_settings.Settings) -> None:
        super().__init__()
        if not names or len(set(names)) < len(names):
            raise ValueError(f"A fusion needs at least one modality and different names, found {list(names)}.")
        self.names = tuple(sorted(names))
        self.width = width
        self.settings = settings
        self.nothing = nn.Parameter(torch.zeros(width))
        # A single modality that is absent leaves nothing: there is no row in which its absent vector could be of use.
        self.absent = nn.Parameter(torch.zeros(len(self.names), width)) if self.fills and len(self.names) > 1 else None

    def forward(self, tokens: Mapping[str, Tokens]) -> Fused:
        parts = [tokens[name] for name in self.names]
        vectors = torch.stack([part.pooled() for part in parts], dim=1)  # [B, M, D]
        present = torch.stack([part.present for part in parts], dim=1)  # [B, M]
        vector, weights = self.mix(parts, vectors, present)
        vector = torch.where(present.any(dim=1, keepdim=True), vector, self.nothing)
        joined = Tokens.join(parts)
        return Fused(vector, vectors, joined.clean(), joined.mask, weights)

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        """As ``fuse``, for a fusion that wants more than one vector a modality: ``parts`` are the tokens of each, in the order of ``names``."""
        return self.fuse(vectors, present)

    @abstractmethod
    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        """One vector of several.

        Shape:
            - vectors: ``[B, M, D]``, zeros where absent.
            - present: ``[B, M]`` bool.
            - output: ``[B, D]``, finite for every row (rows without evidence are replaced afterwards), and weights ``[B, M]`` or None.
        """

    def filled(self, vectors: Tensor, present: Tensor) -> Tensor:
        """``[B, M, D]``: the learned ``absent`` vector of a modality stands wherever it is absent. Needs ``fills = True``."""
        if self.absent is None:
            return vectors
        return torch.where(present.unsqueeze(-1), vectors, self.absent.to(vectors.dtype))
