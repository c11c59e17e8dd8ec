"""Random convolutions: Hydra beside the pooling of MultiRocket, from a fixed seed. Sources: Dempster et al. (2023), Tan et al. (2022).

The papers: Hydra: competing convolutional kernels for fast and accurate time series classification; MultiRocket: multiple pooling operators and
transformations for fast and effective time series classification.

When to use it: nearly always with a linear learner. When not: only level and spread matter (``stats``), or the trees would have to read thousands
of features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.series._kernels import FIXED, bank, competing, dilations, pooled, windows
from consilience.encoders.series._resample import check, dense, into_slots, places, relative, resampled, standard

__all__ = ["Rocket"]

CARD = Card(
    summary="Thousands of random convolutions and how often each answers; the one to beat with a linear learner.",
    source="Hydra: Dempster et al. (2023); MultiRocket: Tan et al. (2022)",
    claims=("frozen", "default"),
    cost="medium",
)

LIMIT = 1e30
LEVELS = 16
"""Channels whose level and spread are told; more are mixed into so many."""
VIEWS = ("series", "differences")


class RocketSettings(Settings):
    """Settings of ``rocket``.

    Args:
        length: Points to which a series is brought first; the kernels reach from 9 points to nearly all. Longer for what is fast and rare.
        groups: Groups of competing kernels for each dilation, half of them on differences; the features grow with it.
        kernels: Kernels in a group.
        seed: Draws the kernels.
    """

    length: int = Field(default=128, ge=16, le=4096)
    groups: int = Field(default=32, ge=2, le=1024)
    kernels: int = Field(default=8, ge=2, le=64)
    seed: int = Field(default=0, ge=0)


class Rocket(FrozenEncoder):
    """One vector: what some thousand convolutions answer, and each channel's level and spread.

    Each kernel looks at up to 8 channels: in the series, where channels keep their proportions and levels, or in the differences between
    neighbours, where all channels count alike. Nothing is learned from other series: thresholds are multiples of an answer's own size.

    Shape:
        - cell: ``Signal`` with values ``[L, C]``, any L and C from 1.
        - output: values ``[B, 1, 4,785]`` for the default settings.

    >>> from consilience.data.kinds._signal import Signal
    >>> encoder = Rocket(RocketSettings())
    >>> encoder.prepare(Signal(np.ones((5, 2), dtype=np.float32)))["features"].shape == (encoder.width,)
    True
    """

    Settings = RocketSettings
    settings: RocketSettings

    @property
    def width(self) -> int:
        settings = self.settings
        competing_features = 2 * (settings.groups // 2) * settings.kernels
        return len(VIEWS) * len(dilations(settings.length)) * (competing_features + 4 * len(FIXED)) + 3 * LEVELS + 1

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        signal, settings = check(cell), self.settings
        course = resampled(np.clip(dense(signal), -LIMIT, LIMIT), places(signal), settings.length)
        whole, mean, spread = relative(course)  # [length, C]
        series = whole.T.astype(np.float32)
        parts = []
        for view, values in zip(VIEWS, (series, changes(course)), strict=True):
            for dilation in dilations(settings.length):
                made = bank(settings.seed, view, dilation, settings.groups // 2, settings.kernels, len(series))
                seen = windows(values, dilation)
                parts.append(competing(made.hydra @ seen, made.kernels))
                parts.append(pooled(made.fixed @ seen, made.levels))
        levels = np.stack([np.arcsinh(mean), np.log10(spread + 1e-30) * (spread > 0), mean])
        parts += [into_slots(levels, LEVELS).reshape(-1), np.array([np.log2(len(signal.values))])]
        return {"features": np.concatenate(parts).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def changes(course: np.ndarray) -> np.ndarray:
    """``[length, C]`` to ``[C, length]``: differences between neighbours, brought to spread 1 in each channel (a flat one stays zero)."""
    shape, _, _ = standard(course)
    made, _, _ = standard(np.diff(shape, axis=0, prepend=shape[:1]))
    return made.T.astype(np.float32)
