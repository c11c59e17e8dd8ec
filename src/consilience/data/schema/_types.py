"""What is known of a table: a schema that a person can read, check and override."""

from __future__ import annotations

from typing import Literal

from consilience.core.settings import Settings

__all__ = ["Alternative", "ColumnSchema", "Finding", "Schema", "TargetSchema"]


class Alternative(Settings):
    """A kind that the column might have been."""

    kind: str
    score: float
    reason: str


class ColumnSchema(Settings):
    """One column: what it is taken for, and why.

    ``role``: feature (used), target, group (rows that share its value stay together), ignored (left out, ``reason`` says why).
    ``confidence``: 0 to 1; 1 where a person said it.
    """

    name: str
    kind: str
    role: Literal["feature", "target", "group", "ignored"]
    reason: str
    confidence: float
    alternatives: tuple[Alternative, ...] = ()
    missing: int = 0
    distinct: int = 0
    unreadable: int = 0
    examples: tuple[str, ...] = ()


class TargetSchema(Settings):
    """What is to be learned.

    ``classes``: sorted names for binary, multiclass and multilabel; empty for regression.
    ``log``: the number is learned as its logarithm (positive and skewed).
    """

    name: str
    task: str
    reason: str
    confidence: float
    classes: tuple[str, ...] = ()
    log: bool = False


class Finding(Settings):
    """Something to know before trusting a model.

    ``topic``: leak, identifier, group, constant, duplicate, missing, unreadable or drift.
    """

    topic: str
    column: str
    message: str


class Schema(Settings):
    """All of it."""

    columns: tuple[ColumnSchema, ...]
    target: TargetSchema | None = None
    findings: tuple[Finding, ...] = ()
    num_rows: int = 0

    def features(self) -> list[ColumnSchema]:
        """The columns that are used, in the table's order."""
        return [column for column in self.columns if column.role == "feature"]

    def group(self) -> str | None:
        """The name of the group column, if there is one."""
        return next((column.name for column in self.columns if column.role == "group"), None)
