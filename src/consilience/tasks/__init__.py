"""Tasks: each public file is one thing that can be learned of a target column."""

from __future__ import annotations

from consilience.core.registry import Registry
from consilience.tasks._base import Task

__all__ = ["TASKS", "Task"]

TASKS: Registry[Task] = Registry("task", __name__)
