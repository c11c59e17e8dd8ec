"""One self-contained HTML page of a model and its data."""

from __future__ import annotations

from consilience.report.page import write_report

__all__ = ["write_report"]
