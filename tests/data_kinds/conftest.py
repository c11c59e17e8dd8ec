"""Properties are checked without a clock: a busy machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", settings.get_profile("same"), deadline=None, max_examples=60, database=None)
settings.load_profile("untimed")
