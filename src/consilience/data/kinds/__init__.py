"""Kinds of column: each public file is one. A kind reads cells; it encodes nothing."""

from __future__ import annotations

from consilience.core.registry import Registry
from consilience.data.kinds._base import Cells, Evidence, Kind, Parsed, Profile
from consilience.data.kinds._changed import Change, Made, changeable, changed

__all__ = ["KINDS", "Cells", "Change", "Evidence", "Kind", "Made", "Parsed", "Profile", "changeable", "changed"]

KINDS: Registry[Kind] = Registry("kind", __name__)
