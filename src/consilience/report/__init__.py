"""One self-contained HTML page of a model and its data, and the same as JSON."""

from __future__ import annotations

from consilience.report.content import write_content
from consilience.report.explanation import write_explanation
from consilience.report.page import write_report

__all__ = ["write_content", "write_explanation", "write_report"]
