"""Fixed statistics of a cloud's shape, in numpy. Source: Osada et al. (2002), Shape distributions; Weinmann et al. (2015) for the neighbourhoods.

When to use it: by default; a few hundred objects or scans are enough, and a turn about the vertical axis changes most of its numbers not at all.
When not: thousands of examples whose classes differ in fine detail; then train ``pointnet``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from consilience.core.registry import Card
from consilience.core.seeds import generator
from consilience.core.settings import Settings as AnySettings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.points._places import Up, check, chosen, upright

__all__ = ["Shape"]

CARD = Card(
    summary="Sizes, distances, heights, layers and neighbourhoods of a cloud of points; most of them do not change with a turn about the vertical.",
    source="Osada et al. (2002); Weinmann et al. (2015)",
    claims=("frozen", "default"),
    cost="low",
)

PAIRS = 8192
"""Pairs of points whose distances are measured."""
BINS = 16
LAYERS, RINGS, TURNS, WAVES = 8, 4, 16, 4
"""The drum around the vertical axis: layers of height, rings, parts of a turn; and how many waves around it are kept."""
NEIGHBOURS = 12
EXTRA = 4
"""Columns beyond x, y, z of which mean and spread are told."""


class ShapeSettings(AnySettings):
    """Settings of ``shape``.

    Args:
        points: Points that are looked at, at most; the work grows with it.
        up: The vertical axis.
    """

    points: int = Field(default=1024, ge=8, le=20_000)
    up: Up = "z"


class Shape(FrozenEncoder):
    """One vector per cloud.

    Shape:
        - cell: ``[P, 3 + F] float32``.
        - output: values ``[B, 1, D]``, all finite, mostly between -3 and 3.

    >>> encoder = Shape(ShapeSettings())
    >>> values, _ = encoder.encode(encoder.collate([encoder.prepare(np.zeros((1, 3), dtype=np.float32))]))
    >>> values.shape[2] == encoder.width, bool(np.isfinite(values).all())
    (True, True)
    """

    Settings = ShapeSettings

    settings: ShapeSettings

    @property
    def width(self) -> int:
        return WIDTH

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        cloud = check(cell)
        places = upright(cloud, self.settings.up)
        rows = chosen(cloud, self.settings.points)
        some = places[rows]
        middle = places.mean(axis=0)
        size = max(float(np.sqrt(places.var(axis=0).sum())), 1e-30)
        scaled = np.clip((some - middle) / size, -8, 8)  # spread of 1
        parts = (whole(places, middle, size), extras(cloud), spread(scaled), distances(scaled), heights(scaled), drum(scaled), near(scaled))
        return {"features": np.concatenate(parts).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def whole(places: np.ndarray, middle: np.ndarray, size: float) -> np.ndarray:
    """``[11]``: how many points, how large, where, as signed logarithms."""
    extents = np.ptp(places, axis=0)
    flat = np.sort(extents[:2])
    numbers = [len(places), size, *extents, *flat, *middle, float(places[:, 2].min())]
    return np.array([np.sign(number) * np.log1p(abs(number) * 100) / 4 for number in numbers])


def extras(cloud: np.ndarray) -> np.ndarray:
    """``[EXTRA * 2]``: mean and spread of what else is known of the points."""
    found = np.zeros((EXTRA, 2))
    rest = cloud[:, 3 : 3 + EXTRA].astype(np.float64)
    for column in range(rest.shape[1]):
        for place, number in enumerate((rest[:, column].mean(), rest[:, column].std())):
            found[column, place] = np.sign(number) * np.log1p(abs(number))
    return found.reshape(-1)


def spread(scaled: np.ndarray) -> np.ndarray:
    """``[16]``: main axes in space and on the ground, how far each stands up, and the lopsidedness along the vertical."""
    centred = scaled - scaled.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    values = np.sqrt(np.maximum(values, 0))
    flat = np.sqrt(np.maximum(np.linalg.eigvalsh(centred[:, :2].T @ centred[:, :2] / len(centred)), 0))
    up = abs(axes[2])  # [3]
    height = centred[:, 2]
    low, high = np.percentile(scaled[:, 2], (1, 99))
    rise = height.std()
    ground = np.linalg.norm(centred[:, :2], axis=1)
    return np.array(
        [
            *values,
            *(values[:2] / max(values[2], 1e-9)),
            *flat,
            flat[0] / max(flat[1], 1e-9),
            *up,
            rise,
            (height**3).mean() / max(rise, 0.05) ** 3 / 4,
            (height * ground).mean(),
            -low / max(high - low, 1e-9),
            ground.max(initial=0.0) / 3,
        ]
    )


@lru_cache(maxsize=1)
def drawn() -> np.ndarray:
    """``[2, PAIRS]`` numbers from 0 to 1, always the same."""
    return generator(0, "points", "pairs").random((2, PAIRS))


def distances(scaled: np.ndarray) -> np.ndarray:
    """``[3 * BINS]``: D2 of Osada et al.: distances between pairs; those along the ground; those of points from the middle."""
    first, second = np.minimum((drawn() * len(scaled)).astype(np.int64), len(scaled) - 1)
    apart = scaled[first] - scaled[second]
    kinds = (np.linalg.norm(apart, axis=1), np.linalg.norm(apart[:, :2], axis=1), np.linalg.norm(scaled, axis=1) * 1.6)
    return np.concatenate([shares(kind, 0.0, 4.0) for kind in kinds])


def heights(scaled: np.ndarray) -> np.ndarray:
    """``[BINS + 3 * BINS]``: shares of heights, then for each layer its longer and shorter side on the ground, and how full it is."""
    level = layer_of(scaled[:, 2], BINS)
    count = np.bincount(level, minlength=BINS)
    safe = np.maximum(count, 1)
    x, y = scaled[:, 0], scaled[:, 1]

    def mean(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.bincount(level, values, BINS) / safe
        return found

    across, along = mean(x), mean(y)
    first, second, both = mean(x * x) - across**2, mean(y * y) - along**2, mean(x * y) - across * along
    half, apart = (first + second) / 2, np.sqrt((first - second) ** 2 / 4 + both**2)  # eigenvalues of 2 x 2: half the trace, and how far from it
    sides = (np.sqrt(np.maximum(half - apart, 0)), np.sqrt(np.maximum(half + apart, 0)))
    return np.concatenate([np.sqrt(count / len(scaled)), *sides, mean(np.sqrt(x * x + y * y))])


def drum(scaled: np.ndarray) -> np.ndarray:
    """Shares of points in layers, rings and parts of a turn, as the strength of the waves around each ring, and how the layers' waves go together."""
    angle = np.arctan2(scaled[:, 1], scaled[:, 0]) / (2 * np.pi)
    part = np.floor(angle * TURNS).astype(np.int64) % TURNS
    ground = np.linalg.norm(scaled[:, :2], axis=1)
    ring = np.minimum((ground / 1.6 * RINGS).astype(np.int64), RINGS - 1)
    level = layer_of(scaled[:, 2], LAYERS)
    code = (level * RINGS + ring) * TURNS + part
    cells = np.sqrt(np.bincount(code, minlength=LAYERS * RINGS * TURNS) / len(scaled)).reshape(LAYERS, RINGS, TURNS)
    waves = np.fft.rfft(cells, axis=2)[:, :, :WAVES]  # [LAYERS, RINGS, WAVES]: a turn changes only the phases
    strength = np.abs(waves).reshape(-1)
    pairs = []
    for wave in (1, 2):
        layer = np.exp(-2j * np.pi * wave * angle) * np.minimum(ground, 3.0)
        sums = np.array([layer[level == height].sum() for height in range(LAYERS)]) / len(scaled)
        together = np.outer(sums, sums.conj()).real
        pairs.append((np.sign(together) * np.sqrt(np.abs(together)))[np.triu_indices(LAYERS)])
    return np.concatenate([strength, *pairs])


def near(scaled: np.ndarray) -> np.ndarray:
    """``[4 + 4 * 8]``: how close the next point is; and shares of lines, planes, heaps and of standing up among neighbourhoods."""
    if len(scaled) < 4:
        return np.zeros(4 + 32)
    count = min(NEIGHBOURS, len(scaled) - 1)
    apart, rows = cKDTree(scaled).query(scaled, count + 1)
    gaps = np.sqrt(np.minimum(apart[:, 1], 4))
    around = scaled[rows]  # [P, count + 1, 3]
    around = around - around.mean(axis=1, keepdims=True)
    values, axes = np.linalg.eigh(around.transpose(0, 2, 1) @ around)
    small, middle, large = np.sqrt(np.maximum(values, 0)).T
    large = np.maximum(large, 1e-9)
    kinds = ((large - middle) / large, (middle - small) / large, small / large, np.abs(axes[:, 2, 0]))
    return np.concatenate([[gaps.mean(), gaps.std(), *np.percentile(gaps, (10, 90))], *(shares(kind, 0.0, 1.0, 8) for kind in kinds)])


def layer_of(height: np.ndarray, layers: int) -> np.ndarray:
    """The layer of each height between the lowest and the highest but the outermost percent."""
    low, high = np.percentile(height, (1, 99))
    found: np.ndarray = np.clip((height - low) / max(high - low, 1e-9) * layers, 0, layers - 1).astype(np.int64)
    return found


def shares(values: np.ndarray, low: float, high: float, bins: int = BINS) -> np.ndarray:
    """Square roots of the shares of values in equal bins (roots, so that rare values count too)."""
    place = np.clip((values - low) / (high - low) * bins, 0, bins - 1).astype(np.int64)
    found: np.ndarray = np.sqrt(np.bincount(place, minlength=bins) / max(1, len(values)))
    return found


WIDTH = 11 + 2 * EXTRA + 16 + 3 * BINS + 4 * BINS + LAYERS * RINGS * WAVES + LAYERS * (LAYERS + 1) + 36
