"""Points and their neighbourhoods, learned with the network. Source: Qi et al. (2017), PointNet; Wang et al. (2019), DGCNN.

When to use it: a thousand clouds or more, and classes that differ in detail. The order of the points does not matter.
When not: few clouds; then the fixed statistics of ``shape``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from consilience.core.registry import Card
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders._one_column import each_present, only_column, prepared_sample
from consilience.encoders.points._network import Network
from consilience.encoders.points._places import check, chosen, farthest, upright
from consilience.encoders.points._settings import FARTHEST, LOGS, PLACES, WHOLE, PointNetSettings

__all__ = ["PointNet"]

CARD = Card(
    summary="PointNet with neighbourhoods: clouds of points in any order, trained from nothing, turned and thinned as it learns.",
    source="Qi et al. (2017); Wang et al. (2019)",
    claims=("trained", "learned"),
    cost="medium",
)

POOL = 4096
"""Points from which those are taken that lie farthest apart."""

SAMPLE = 2000
"""Clouds that are looked at, at most, to learn the normalisation."""


class PointNet(TrainedEncoder):
    """Clouds to one token each.

    Shape:
        - prepare: ``points [N, S, 3 + F] int16`` (around the origin, of size ``PLACES``; then logarithms; zeros where absent), ``count [N, 1] int16``
          of points that are there, ``whole [N, 7] float32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.

    >>> PointNet(PointNetSettings(filters=4, width=24)).build().width
    24
    """

    prepares_alike = True
    Settings = PointNetSettings

    settings: PointNetSettings

    def __init__(self, settings: PointNetSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.mean, self.std = self.nothing()

    def nothing(self) -> tuple[np.ndarray, np.ndarray]:
        numbers = WHOLE + self.settings.extra
        return np.zeros(numbers, dtype=np.float32), np.ones(numbers, dtype=np.float32)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean.tolist(), "std": self.std.tolist()}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        arrays, there = prepared_sample(only_column(columns, "pointnet", "points"), self.prepare, seed, "pointnet", SAMPLE)
        self.mean, self.std = self.nothing()
        if len(there):
            whole = arrays["whole"][there].astype(np.float64)
            first = np.arange(arrays["points"].shape[1]) < arrays["count"][there]
            rest = arrays["points"][there][first][:, 3:].astype(np.float64) / LOGS
            self.mean = np.concatenate([whole.mean(axis=0), rest.mean(axis=0)]).astype(np.float32)
            self.std = np.maximum(np.concatenate([whole.std(axis=0), rest.std(axis=0)]), 0.02).astype(np.float32)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells, settings = only_column(columns, "pointnet", "points"), self.settings
        points = np.zeros((len(cells), 2 * settings.points, 3 + settings.extra), dtype=np.int16)
        count = np.zeros((len(cells), 1), dtype=np.int16)
        whole = np.zeros((len(cells), WHOLE), dtype=np.float32)

        def one(row: int, cell: Any) -> None:
            cloud = check(cell)
            cloud = cloud[chosen(cloud, POOL)]
            places = upright(cloud, settings.up)
            middle = places.mean(axis=0)
            size = max(float(np.sqrt(places.var(axis=0).sum())), 1e-12)
            scaled = np.clip((places - middle) / size, -FARTHEST, FARTHEST)  # in sizes of the cloud
            rows = farthest(scaled, 2 * settings.points)
            count[row] = len(rows)
            points[row, : len(rows), :3] = np.round(scaled[rows] * PLACES)
            rest = cloud[rows, 3 : 3 + settings.extra].astype(np.float64)
            points[row, : len(rows), 3 : 3 + rest.shape[1]] = np.clip(np.round(np.sign(rest) * np.log1p(np.abs(rest)) * LOGS), -32767, 32767)
            whole[row] = [np.log(size), *np.log(np.maximum(np.ptp(places, axis=0), 1e-12)), *(np.sign(middle) * np.log1p(np.abs(middle)))]

        each_present(cells, one)
        return {"points": points, "count": count, "whole": whole, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def build(self) -> nn.Module:
        return Network(self.settings, self.mean, self.std)

    def state(self) -> State:
        return State(arrays={"mean": self.mean, "std": self.std})

    def restore(self, state: State) -> None:
        self.mean, self.std = (np.asarray(state.arrays[name], dtype=np.float32) for name in ("mean", "std"))
