"""How much time is left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """A time limit that began when it was made; None is no limit.

    >>> Budget(None).left()
    inf
    """

    seconds: float | None = None
    began: float = field(default_factory=time.monotonic)

    def spent(self) -> float:
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds left; infinite without a limit, never below 0."""
        return float("inf") if self.seconds is None else max(0.0, self.seconds - self.spent())

    def share(self, part: float) -> Budget:
        """A budget of its own with ``part`` of what is left."""
        return Budget(None if self.seconds is None else self.left() * part)
