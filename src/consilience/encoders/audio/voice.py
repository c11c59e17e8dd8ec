"""Statistics of mel cepstra of the band in which speech lies. Source: Davis and Mermelstein (1980); the band ends as the telephone's (ITU-T G.712).

When to use it: beside ``stats`` and ``rocket``, which hear all frequencies: what voices and microphones do above 4 kHz differs most and says
least. On spoken digits of voices that were never heard, a pool of linear models is right more often with it than without.
When not: birds, machines, cymbals: what matters there lies higher.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.core.settings import parse_settings
from consilience.encoders._base import FrozenEncoder

__all__ = ["Voice"]

CARD = Card(
    summary="The statistics of stats, of the band in which speech lies; beside stats and rocket a default for sounds.",
    source="Davis and Mermelstein (1980); ITU-T G.712",
    claims=("frozen", "default"),
    cost="low",
)


class VoiceSettings(AnySettings):
    """``high``: Hz up to which it hears."""

    high: float = Field(default=3900.0, ge=500)


class Voice(FrozenEncoder):
    """One vector per sound, as ``stats`` makes it.

    Shape:
        - cell: a ``Sound``.
        - output: values ``[B, 1, 266]``, all finite.
    """

    Settings = VoiceSettings
    settings: VoiceSettings

    @cached_property
    def inner(self) -> Any:
        """The encoder that does the work."""
        from consilience.encoders import ENCODERS

        cls: Any = ENCODERS.get("audio/stats")
        return cls(parse_settings(cls.Settings, {"high": self.settings.high}, "The encoder 'audio/stats'"))

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "inner": self.inner.identity()}

    @property
    def width(self) -> int:
        return int(self.inner.width)

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = self.inner.prepare(cell)
        return made

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        made: tuple[np.ndarray, np.ndarray] = self.inner.encode(batch)
        return made
