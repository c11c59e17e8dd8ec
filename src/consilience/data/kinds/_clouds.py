"""Changes of a cloud: five strengths of damage, and small changes that leave its meaning. Source: Ren et al. (2022), ModelNet-C.

Damage keeps the number of points: those that are lost are replaced by copies of points that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]


def jitter(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Every place moved by noise of 1 % of the cloud's size at severity 1, 9 % at 5."""
    if severity == 0:
        return decoded
    noise = generator.normal(0.0, 1.0, (len(decoded), 3))
    return placed(decoded, decoded[:, :3] + noise * size_of(decoded) * (0.01, 0.02, 0.035, 0.06, 0.09)[severity - 1])


def sparse(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """25 % of the points are lost at severity 1, 95 % at 5, evenly."""
    if severity == 0:
        return decoded
    order = generator.permutation(len(decoded))
    kept = order[: max(1, round(len(decoded) * (0.75, 0.55, 0.35, 0.15, 0.05)[severity - 1]))]
    return refilled(decoded, kept)


def occlusion(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """The side towards a place that is drawn is hidden: 10 % of the points at severity 1, 65 % at 5."""
    if severity == 0:
        return decoded
    towards = generator.normal(size=3)
    towards[2] *= 0.3  # mostly from the sides, as things hide one another
    order = np.argsort(decoded[:, :3].astype(np.float64) @ towards, kind="stable")
    return refilled(decoded, order[: max(1, round(len(decoded) * (0.9, 0.78, 0.65, 0.5, 0.35)[severity - 1]))])


def outliers(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """3 % of the points are somewhere in a box half again as large as the cloud at severity 1, 40 % at 5."""
    if severity == 0:
        return decoded
    order, share = generator.permutation(len(decoded)), generator.random((len(decoded), 3))
    rows = order[: max(1, round(len(decoded) * (0.03, 0.08, 0.15, 0.25, 0.4)[severity - 1]))]
    places = decoded[:, :3].astype(np.float64)
    middle, side = (places.max(axis=0) + places.min(axis=0)) / 2, max(float(np.ptp(places, axis=0).max()), 1e-6)
    places[rows] = middle + (share[rows] - 0.5) * 1.5 * side
    return placed(decoded, places)


def tilt(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Tipped over by 7 degrees at severity 1, 60 at 5, towards a side that is drawn."""
    if severity == 0:
        return decoded
    towards, angle = generator.uniform(0, 2 * np.pi), np.deg2rad((7, 15, 25, 40, 60)[severity - 1])
    return moved(decoded, turned(np.array([np.cos(towards), np.sin(towards), 0.0]), angle))


def turn(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turned about the vertical axis z by any angle."""
    return moved(decoded, turned(np.array([0.0, 0.0, 1.0]), generator.uniform(0, 2 * np.pi)))


def scale(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each axis longer or shorter by up to 15 %."""
    return moved(decoded, np.diag(generator.uniform(0.85, 1.15, 3)))


def shake(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Every place moved by noise of 0.5 % of the cloud's size."""
    return placed(decoded, decoded[:, :3] + generator.normal(0.0, 1.0, (len(decoded), 3)) * size_of(decoded) * 0.005)


def thin(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """50 to 100 % of the points."""
    share = generator.uniform(0.5, 1.0)
    rows = generator.permutation(len(decoded))[: max(1, round(len(decoded) * share))]
    return np.ascontiguousarray(decoded[np.sort(rows)])


def size_of(decoded: np.ndarray) -> float:
    """Root of the mean squared distance from the middle."""
    places = decoded[:, :3].astype(np.float64)
    return max(float(np.sqrt(places.var(axis=0).sum())), 1e-6)


def moved(decoded: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Places around their middle, multiplied by a matrix; normals and colours stay as they are."""
    places = decoded[:, :3].astype(np.float64)
    middle = places.mean(axis=0)
    return placed(decoded, (places - middle) @ matrix.T + middle)


def turned(axis: np.ndarray, angle: float) -> np.ndarray:
    """The matrix of a turn about an axis of length 1 (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    made: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return made


def placed(decoded: np.ndarray, places: np.ndarray) -> np.ndarray:
    out = decoded.copy()
    out[:, :3] = places
    return out


def refilled(decoded: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """As many points as before, all of them copies of those that are kept."""
    return np.ascontiguousarray(decoded[np.sort(np.resize(kept, len(decoded)))])


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "jitter": jitter,
    "sparse": sparse,
    "occlusion": occlusion,
    "outliers": outliers,
    "tilt": tilt,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {"turn": turn, "scale": scale, "shake": shake, "thin": thin}
