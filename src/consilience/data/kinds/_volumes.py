"""Changes of a scan: five strengths of damage, and small changes that leave its meaning. Source: after Hendrycks and Dietterich (2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from consilience.data.kinds._volume import Volume

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]


def noise(decoded: Volume, severity: int, generator: np.random.Generator) -> Volume:
    """Noise of 5 % of the range at severity 1, 45 % at 5."""
    if severity == 0:
        return decoded
    drawn = generator.standard_normal(decoded.shape, dtype=np.float32)
    return changed(decoded, decoded.voxels + drawn * np.float32(span(decoded)[1] * (0.05, 0.1, 0.18, 0.3, 0.45)[severity - 1]))


def blur(decoded: Volume, severity: int, generator: np.random.Generator) -> Volume:
    """A blur of 1 % of the shortest side at severity 1, 8 % at 5; half a voxel at least."""
    if severity == 0:
        return decoded
    width = max(0.5, (0.01, 0.02, 0.035, 0.055, 0.08)[severity - 1] * min(decoded.shape))
    return changed(decoded, gaussian_filter(decoded.voxels, width, mode="nearest", truncate=3.0))


def bias(decoded: Volume, severity: int, generator: np.random.Generator) -> Volume:
    """A shade across the scan, as of an uneven coil: 15 % of the range at severity 1, 90 % at 5."""
    if severity == 0:
        return decoded
    knots = generator.uniform(-1, 1, (3, 3, 3))
    field = smooth(knots, decoded.shape)
    return changed(decoded, decoded.voxels + field * np.float32(span(decoded)[1] * (0.15, 0.3, 0.5, 0.7, 0.9)[severity - 1]))


def thick_slices(decoded: Volume, severity: int, generator: np.random.Generator) -> Volume:
    """2 slices become one of their mean at severity 1, 16 at 5; as many as before, each many times."""
    if severity == 0:
        return decoded
    thick = (2, 3, 5, 9, 16)[severity - 1]
    starts = np.arange(0, len(decoded.voxels), thick)
    counts = np.diff(np.append(starts, len(decoded.voxels)))
    means = np.add.reduceat(decoded.voxels, starts, axis=0) / counts[:, None, None].astype(np.float32)
    return changed(decoded, np.repeat(means, counts, axis=0))


def occlusion(decoded: Volume, severity: int, generator: np.random.Generator) -> Volume:
    """A block of the lowest value over 5 % of the scan at severity 1, 50 % at 5."""
    if severity == 0:
        return decoded
    side = (0.05, 0.12, 0.2, 0.33, 0.5)[severity - 1] ** (1 / 3)
    out = decoded.voxels.copy()
    out[block(decoded.shape, side, generator)] = span(decoded)[0]
    return changed(decoded, out)


def crop(decoded: Volume, generator: np.random.Generator) -> Volume:
    """A part with 85 to 100 % of each side."""
    return changed(decoded, decoded.voxels[block(decoded.shape, generator.uniform(0.85, 1.0), generator)])


def shift(decoded: Volume, generator: np.random.Generator) -> Volume:
    """Moved by up to 8 % of each side; what comes in has the value of the edge."""
    moves = [round(generator.uniform(-0.08, 0.08) * length) for length in decoded.shape]
    rows = [np.clip(np.arange(length) - move, 0, length - 1) for length, move in zip(decoded.shape, moves, strict=True)]
    return changed(decoded, decoded.voxels[np.ix_(*rows)])


def contrast(decoded: Volume, generator: np.random.Generator) -> Volume:
    """10 % more or less contrast and brightness."""
    low, size = span(decoded)
    factor, more = np.float32(generator.uniform(0.9, 1.1)), np.float32(generator.uniform(-0.1, 0.1) * size)
    return changed(decoded, (decoded.voxels - np.float32(low)) * factor + np.float32(low) + more)


def grain(decoded: Volume, generator: np.random.Generator) -> Volume:
    """Noise of 2 % of the range."""
    return changed(decoded, decoded.voxels + generator.standard_normal(decoded.shape, dtype=np.float32) * np.float32(0.02 * span(decoded)[1]))


def span(decoded: Volume) -> tuple[float, float]:
    """The lowest value and the size of the range, without the outermost percent; of a large scan by part of its voxels."""
    low, high = np.percentile(decoded.voxels.reshape(-1)[:: max(1, decoded.voxels.size // 100_000)], (1, 99))
    return float(low), max(float(high - low), 1e-6)


def block(shape: tuple[int, ...], side: float, generator: np.random.Generator) -> tuple[slice, ...]:
    """A part with this share of each side, anywhere."""
    lengths = [max(1, round(side * length)) for length in shape]
    starts = [int(generator.integers(whole - length + 1)) for whole, length in zip(shape, lengths, strict=True)]
    return tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True))


def smooth(knots: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A few numbers spread over a whole block, in straight lines between."""
    field: np.ndarray = knots.astype(np.float32)
    for axis, length in enumerate(shape):
        place = np.linspace(0, knots.shape[axis] - 1, length) if length > 1 else np.zeros(1)
        low = np.minimum(place.astype(np.int64), knots.shape[axis] - 2)
        share = (place - low).astype(np.float32).reshape([-1 if other == axis else 1 for other in range(3)])
        field = np.take(field, low, axis) * (1 - share) + np.take(field, low + 1, axis) * share
    return field


def changed(decoded: Volume, voxels: np.ndarray) -> Volume:
    return replace(decoded, voxels=np.ascontiguousarray(voxels, dtype=np.float32))


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "noise": noise,
    "blur": blur,
    "bias": bias,
    "thick_slices": thick_slices,
    "occlusion": occlusion,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {"crop": crop, "shift": shift, "contrast": contrast, "grain": grain}
