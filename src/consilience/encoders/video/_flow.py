"""Optical flow of small frames: as a whole (shift, growing, turning), and by place. Source: Lucas & Kanade (1981)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["FLOW", "flow_numbers"]

BLOCKS, DIRECTIONS, PARTS = 4, 8, 4
FLOW = 6 * (2 + PARTS) + DIRECTIONS + 2 * 4 + 3
SMOOTH = 1.5
"""Pixels by which frames are blurred, so that their slopes reach as far as things move from frame to frame."""


def flow_numbers(grey: np.ndarray) -> np.ndarray:
    """``FLOW`` numbers of a film.

    Shape:
        - grey: ``[T, S, S]``, 0 to 1, T at least 2; S is a multiple of 4.
    """
    smooth = gaussian_filter(grey, (0, SMOOTH, SMOOTH))
    down, right = np.gradient((smooth[1:] + smooth[:-1]) / 2, axis=(1, 2))
    later = smooth[1:] - smooth[:-1]
    whole = affine(down, right, later) * len(later)  # [T - 1, 6] by film, not by frame, so that the frame rate does not count
    whole = np.sign(whole) * np.log1p(np.abs(whole))
    parts = np.stack([part.mean(axis=0) if len(part) else np.zeros(6) for part in np.array_split(whole, PARTS)])
    local = blocks(down, right, later) * len(later)  # [T - 1, BLOCKS, BLOCKS, 2]
    speed = np.linalg.norm(local, axis=-1)
    angle = np.arctan2(local[..., 0], local[..., 1]) % (2 * np.pi) * (DIRECTIONS / (2 * np.pi))
    low = np.floor(angle).astype(np.int64)
    shares = np.bincount((low % DIRECTIONS).ravel(), (speed * (1 - (angle - low))).ravel(), DIRECTIONS)
    shares = shares + np.bincount(((low + 1) % DIRECTIONS).ravel(), (speed * (angle - low)).ravel(), DIRECTIONS)
    quarters = local.mean(axis=0).reshape(2, BLOCKS // 2, 2, BLOCKS // 2, 2).mean(axis=(1, 3)).reshape(-1)
    speeds = np.log1p(np.array([speed.mean(), speed.std(), speed.max()]))
    quarters = np.sign(quarters) * np.log1p(np.abs(quarters))
    return np.concatenate([whole.mean(axis=0), whole.std(axis=0), parts.reshape(-1), shares / (shares.sum() + 1.0), quarters, speeds])


def affine(down: np.ndarray, right: np.ndarray, later: np.ndarray) -> np.ndarray:
    """``[T - 1, 6]``: the shift (down, right), growing, turning with the clock, and two ways of being sheared, that explain each step best."""
    size = down.shape[1]
    axis = ((np.arange(size) + 0.5) * (2 / size) - 1).astype(down.dtype)
    y, x = axis[:, None], axis[None, :]
    # Of a point at (y, x): shift, growing (y, x), turning (x, -y), shears (y, -x) and (x, y).
    bases = np.stack([down, right, down * y + right * x, down * x - right * y, down * y - right * x, down * x + right * y], axis=-1)
    rows = bases.reshape(len(down), -1, 6)
    turned = rows.transpose(0, 2, 1)
    square, goal = (turned @ rows).astype(np.float64), -(turned @ later.reshape(len(later), -1, 1)).astype(np.float64)
    # A floor on the diagonal: where there is nothing to see, nothing moves.
    return np.asarray(np.linalg.solve(square + (1e-3 * size) * np.eye(6), goal)[..., 0])


def blocks(down: np.ndarray, right: np.ndarray, later: np.ndarray) -> np.ndarray:
    """``[T - 1, BLOCKS, BLOCKS, 2]``: the shift of each block, pixels."""

    def summed(values: np.ndarray) -> np.ndarray:
        step = values.shape[1] // BLOCKS
        return np.asarray(values.reshape(len(values), BLOCKS, step, BLOCKS, step).sum(axis=(2, 4)))

    a, b, c = summed(down * down) + 1e-2, summed(down * right), summed(right * right) + 1e-2
    p, q = -summed(down * later), -summed(right * later)
    span = a * c - b * b
    return np.stack([(c * p - b * q) / span, (a * q - b * p) / span], axis=-1)
