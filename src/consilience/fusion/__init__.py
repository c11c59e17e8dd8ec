"""Fusions: each public file is one way to make one vector of several modalities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.core.registry import Registry

if TYPE_CHECKING:
    from consilience.fusion._base import Fusion

__all__ = ["FUSIONS"]

FUSIONS: Registry[Fusion] = Registry("fusion", __name__)
