"""One explained row as a self-contained HTML page."""

from __future__ import annotations

from consilience.report.explanation.page import render_explanation, write_explanation

__all__ = ["render_explanation", "write_explanation"]
