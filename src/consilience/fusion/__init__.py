"""Fusions: each public file is one way to make one vector of several modalities."""

from __future__ import annotations

from consilience.core.registry import Registry

__all__ = ["FUSIONS"]

FUSIONS: Registry[object] = Registry("fusion", __name__)
