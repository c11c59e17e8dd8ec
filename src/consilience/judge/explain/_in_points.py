"""Groups of points. Source: Zheng et al. (2019), which points of a cloud matter."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.cluster import KMeans

from consilience.judge.explain._anatomy import Anatomy

__all__ = ["PointsAnatomy"]


class PointsAnatomy(Anatomy):
    """An atom is a point; a masked one is taken out. Groups are those of k-means over places."""

    unit: ClassVar[str] = "points"
    filled: ClassVar[str] = "taken out"
    rounds: ClassVar[int] = 1

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(np.asarray(decoded), generator)
        self.atoms = len(self.decoded)
        self.seed = int(generator.integers(2**31))

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        places = self.decoded[group, :3].astype(np.float64)
        into = min(into, len(np.unique(places, axis=0)))
        if into < 2:
            return [group]
        code = KMeans(into, n_init=1, random_state=self.seed).fit_predict(places)
        return [group[code == one] for one in np.unique(code)]

    def masked(self, kept: np.ndarray) -> Any:
        return self.decoded[kept]

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        centre = [round(float(value), 4) for value in self.decoded[group, :3].mean(axis=0)]
        return f"({', '.join(f'{value:.3g}' for value in centre)})", {"centre": centre, "points": group.tolist()}
