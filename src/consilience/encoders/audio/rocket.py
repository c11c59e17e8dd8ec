"""Random convolutions over the cepstra of a sound. Source: Davis and Mermelstein (1980), mel cepstra; Dempster et al. (2023), Hydra.

When to use it: beside ``stats``, which it completes: it hears what follows what. On spoken digits of voices that were never heard a linear
model of both was right in 88 of 100, of ``stats`` alone in 85.
When not: long recordings in which something happens once: the course is brought to one length first.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.core.settings import parse_settings
from consilience.data.kinds._signal import Signal
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.audio._mel import Mel, cepstra, mel_power
from consilience.encoders.audio._trim import fourier, loud
from consilience.encoders.audio._waves import sound_of

__all__ = ["Rocket"]

CARD = Card(
    summary="Random convolutions over the course of mel cepstra; beside stats the default for sounds.",
    source="Davis and Mermelstein (1980); Dempster et al. (2023); Tan et al. (2022)",
    extra="audio",
    claims=("frozen", "default"),
    cost="low",
)

FLOOR = 1e-5
"""Power under the loudest band that counts as silence."""


class RocketSettings(AnySettings):
    """Settings of ``rocket``.

    Args:
        length: Points that the course of the cepstra is brought to.
        cepstra: How many.
        bands: Mel bands.
        trim: Frames so many decibels below the loudest are left out at both ends.
    """

    length: int = Field(default=64, ge=16, le=1024)
    cepstra: int = Field(default=13, ge=2, le=40)
    bands: int = Field(default=40, ge=16, le=128)
    trim: float = Field(default=30.0, ge=5, le=120)


class Rocket(FrozenEncoder):
    """A sound to the answers of some hundred random kernels.

    Shape:
        - cell: a ``Sound``.
        - output: values ``[B, 1, D]``, all finite.
    """

    Settings = RocketSettings
    settings: RocketSettings

    @cached_property
    def inner(self) -> Any:
        """The encoder of series that does the work."""
        from consilience.encoders import ENCODERS

        cls: Any = ENCODERS.get("series/rocket")
        return cls(parse_settings(cls.Settings, {"length": self.settings.length}, "The encoder 'series/rocket'"))

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "inner": self.inner.identity()}

    @cached_property
    def width(self) -> int:
        return int(self.inner.width)

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        samples, rate = sound_of(cell)
        mel = Mel(rate=rate, window=rate // 40, hop=rate // 100, size=fourier(rate // 40), bands=self.settings.bands)
        power = mel_power(samples, mel)  # [T, bands]
        first, last = loud(power, self.settings.trim)
        logs = np.log(power[first:last] / max(float(power.max()), 1e-12) + np.float32(FLOOR))
        frames = cepstra(logs, self.settings.cepstra).astype(np.float64)
        # What a room or a microphone adds to every frame is gone; a sound that does not change keeps zeros.
        frames = (frames - frames.mean(axis=0)) / (frames.std() + 1e-6)
        made: dict[str, np.ndarray] = self.inner.prepare(Signal(frames.astype(np.float32)))
        return made

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        made: tuple[np.ndarray, np.ndarray] = self.inner.encode(batch)
        return made
