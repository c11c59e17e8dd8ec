"""Learners: each public file is one way to learn from examples. All of them see the same rows and folds; nobody sees the test rows."""

from __future__ import annotations

from consilience.core.registry import Registry
from consilience.learn.learners._base import Combiner, Fitted, Learner, Situation

__all__ = ["LEARNERS", "Combiner", "Fitted", "Learner", "Situation"]

LEARNERS: Registry[Learner | Combiner] = Registry("learner", __name__)
