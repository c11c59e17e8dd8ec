"""From a table to what it means: schema, data set, splits."""

from __future__ import annotations

from consilience.data.schema._types import Alternative, ColumnSchema, Finding, Schema, TargetSchema
from consilience.data.schema.dataset import Dataset, Quarantined, build_dataset
from consilience.data.schema.infer import infer_schema
from consilience.data.schema.splits import Fold, make_folds, make_holdout

__all__ = [
    "Alternative",
    "ColumnSchema",
    "Dataset",
    "Finding",
    "Fold",
    "Quarantined",
    "Schema",
    "TargetSchema",
    "build_dataset",
    "infer_schema",
    "make_folds",
    "make_holdout",
]
