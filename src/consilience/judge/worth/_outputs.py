"""What the model says of the same rows under each pattern of present modalities, asked for once."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from consilience.core.seeds import generator
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Outputs", "sampled"]


class Outputs:
    """Pattern to output; a pattern is the set of modalities that are left, a modality that a row lacks stays absent in all of them.

    Args:
        pipeline: The model.
        scored: Rows as ``pipeline.score`` gives them.
    """

    def __init__(self, pipeline: Pipeline, scored: Scored) -> None:
        self.pipeline, self.scored = pipeline, scored
        self.names = pipeline.modalities
        # The very numbers of ``evaluate`` where nothing is taken away.
        self._known: dict[frozenset[str], np.ndarray] = {frozenset(self.names): scored.output}

    def __call__(self, pattern: Collection[str]) -> np.ndarray:
        """Probabilities ``[N, K]`` or numbers ``[N]`` when only these modalities are left."""
        key = frozenset(pattern)
        if key not in self._known:
            gone = [name for name in self.names if name not in key]
            self._known[key] = self.pipeline.without(self.scored, gone).output
        return self._known[key]


def sampled(scored: Scored, most: int, seed: int) -> Scored:
    """The rows themselves, or ``most`` of them drawn at random, in their order."""
    if len(scored.dataset) <= most:
        return scored
    return scored.take(np.sort(generator(seed, "worth rows").permutation(len(scored.dataset))[:most]))
