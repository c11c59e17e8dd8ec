"""Encoders: a folder per kind, a file per encoder. Key ``kind/stem``; for a column of that kind the stem is enough."""

from __future__ import annotations

from consilience.core.registry import Registry
from consilience.encoders._base import Encoder, FittedEncoder, FrozenEncoder, ModuleEncoder, SteeredEncoder, TrainedEncoder

__all__ = ["ENCODERS", "Encoder", "FittedEncoder", "FrozenEncoder", "ModuleEncoder", "SteeredEncoder", "TrainedEncoder"]

ENCODERS: Registry[Encoder] = Registry("encoder", __name__)
