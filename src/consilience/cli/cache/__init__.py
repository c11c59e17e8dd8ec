"""What the feature store keeps, and how to make it smaller."""

from __future__ import annotations

__all__: list[str] = []

PANEL, ORDER = "Keep house", 80
