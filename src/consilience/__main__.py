"""``python -m consilience``."""

from __future__ import annotations

from consilience.cli import main

main()
