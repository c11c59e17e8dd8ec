"""One of several classes. Source: Bridle (1990), softmax; Lin et al. (2017), focal loss.

Use it when the target column holds few, repeating values."""

from __future__ import annotations

from consilience.core.registry import Card
from consilience.tasks._classes import SingleLabel

__all__ = ["Multiclass"]

CARD = Card(summary="one of several classes", source="softmax: Bridle (1990); focal loss: Lin et al. (2017)", claims=("classes",))


class Multiclass(SingleLabel):
    """One of K classes, as a softmax over K scores."""
