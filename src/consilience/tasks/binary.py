"""One of two classes. Source: Cox (1958), logistic regression; Lin et al. (2017), focal loss.

Use it when the target column holds two different values."""

from __future__ import annotations

from consilience.core.registry import Card
from consilience.tasks._classes import SingleLabel

__all__ = ["Binary"]

CARD = Card(summary="one of two classes", source="logistic regression: Cox (1958); focal loss: Lin et al. (2017)", claims=("classes",))


class Binary(SingleLabel):
    """One of two classes, as a softmax over two scores."""
