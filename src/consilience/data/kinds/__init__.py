"""Kinds of column: each public file is one. A kind reads cells; it encodes nothing."""

from __future__ import annotations

from consilience.core.registry import Registry
from consilience.data.kinds._base import Cells, Evidence, Kind, Parsed, Profile

__all__ = ["KINDS", "Cells", "Evidence", "Kind", "Parsed", "Profile"]

KINDS: Registry[Kind] = Registry("kind", __name__)
