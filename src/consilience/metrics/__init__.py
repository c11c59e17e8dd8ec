"""Metrics: pure numpy functions with a declared direction and bounds, and intervals for them.

The functions themselves are in ``classification``, ``regression`` and ``multilabel``; a family's dict gives them by name, in the order of reports.
"""

from __future__ import annotations

from consilience.metrics._types import Interval, Metric
from consilience.metrics.bootstrap import bootstrap, paired_bootstrap, paired_difference
from consilience.metrics.by_class import by_class, by_label, confusion
from consilience.metrics.classification import CLASSIFICATION
from consilience.metrics.multilabel import MULTILABEL
from consilience.metrics.regression import REGRESSION, REGRESSION_LOG

__all__ = [
    "CLASSIFICATION",
    "MULTILABEL",
    "REGRESSION",
    "REGRESSION_LOG",
    "Interval",
    "Metric",
    "bootstrap",
    "by_class",
    "by_label",
    "confusion",
    "paired_bootstrap",
    "paired_difference",
]
