"""Clouds of points from files, bytes and nested lists: bounded, finite, at most 100,000 points. Formats: NPY, PLY, text, KITTI sweeps, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from consilience.core.errors import CellError, shorten
from consilience.core.seeds import generator
from consilience.data.kinds._mapped import NPY, first_bytes, map_npy, named
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._ply import map_ply
from consilience.data.kinds._rows_of_numbers import read_rows

__all__ = ["MOST_COLUMNS", "MOST_POINTS", "like_points", "peek_cloud", "read_cloud"]

MOST_POINTS = 100_000
"""Points that are kept of one cloud."""
MOST_COLUMNS = 16
"""Columns that are kept: three of place and 13 of whatever else is known of a point."""
MOST_JSON = 64 * 2**20
"""Bytes of a list in a cell that is read."""
FARTHEST = 1e15
"""A coordinate beyond this is no place, and its square would leave single precision."""
FAR = 1e4
"""A cloud that lies so many of its own sizes from the origin is moved there, or single precision would lose its shape."""


def read_cloud(value: Path | bytes | str | Outside) -> np.ndarray:
    """``[P, 3 + F] float32``, P from 1 to 100,000: x, y, z, then what else the file says of a point (normals, colour, intensity).

    Of a larger cloud one point is taken from each of 100,000 equal parts, drawn with a fixed seed. Points without a finite place are dropped. A
    cloud that lies more than 10,000 times its size away from the origin (map coordinates) is moved to it.

    Args:
        value: A path, a file's content, a list of points as JSON text, or what stands for a path that must not be followed.

    Raises:
        CellError: It is no cloud, damaged, or without a point.

    >>> read_cloud("[[0, 0, 0], [1, 2, NaN], [1, 2, 3]]").tolist()
    [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]
    """
    try:
        return finish(source(value), named(value))
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=named(value)) from None


def peek_cloud(value: Path | bytes) -> np.ndarray | None:
    """Up to 1,000 points of a file, for telling clouds from other arrays; None where it holds no cloud."""
    try:
        found = source(value, most=1000)
    except (CellError, OSError):
        return None
    return found[:: max(1, len(found) // 1000)].astype(np.float64) if found.ndim == 2 and len(found) else None


def like_points(array: np.ndarray) -> bool:
    """True if rows of numbers look like points: three columns, or more of which the others look like intensity, colours or normals.

    >>> like_points(np.zeros((100, 3))), like_points(np.random.default_rng(0).normal(size=(100, 6)))
    (True, False)
    """
    if array.ndim != 2 or array.shape[1] < 3 or array.shape[1] > MOST_COLUMNS or len(array) < 8:
        return False
    if array.shape[1] == 3:
        return True
    rest = array[:, 3:]
    if len(array) < 32 or not np.isfinite(rest).all():
        return False
    if array.shape[1] == 4:
        return bool(rest.min() >= 0 and rest.max() <= 255)
    normals = abs(np.linalg.norm(rest[:, :3], axis=1) - 1).max() < 0.02
    colours = rest[:, :3].min() >= 0 and rest[:, :3].max() <= 255 and (rest.max() <= 1 or bool(np.all(rest[:, :3] == np.round(rest[:, :3]))))
    return bool(normals or colours)


def source(value: Path | bytes | str | Outside, most: int = MOST_POINTS) -> np.ndarray:
    """``[N, C]`` as the file has it, maybe still on the disk."""
    if isinstance(value, str):
        return from_json(value)
    start, file = first_bytes(value), named(value)
    if isinstance(value, Outside):
        raise value.error()
    if start.startswith(NPY):
        return map_npy(value)
    if start.startswith((b"ply\n", b"ply\r")):
        return map_ply(value, most)
    if isinstance(value, Path) and value.name.lower().endswith(".bin"):
        return sweep(value)
    if start.lstrip()[:1] == b"[" and isinstance(value, bytes):
        return from_json(value.decode(errors="replace"))
    if b"\0" in start:
        raise CellError(f"The {'file' if file else 'cell'} is no cloud of points that can be read (NPY, PLY, text or lidar sweep).", file=file)
    return read_rows(value, most)


def sweep(path: Path) -> np.ndarray:
    """A lidar sweep of float32: x, y, z, intensity (KITTI), and the ring with ``.pcd.bin`` (nuScenes)."""
    width = 5 if path.name.lower().endswith(".pcd.bin") else 4
    size = path.stat().st_size
    if size % (4 * width):
        raise CellError(f"The lidar sweep is cut off: {size:,} bytes are no whole number of points of {4 * width}.", file=str(path))
    return np.memmap(path, np.dtype("<f4"), "r", shape=(size // (4 * width), width))


def from_json(text: str) -> np.ndarray:
    """A list of lists of numbers; null is no number."""
    if len(text) > MOST_JSON:
        raise CellError(f"The list has {len(text):,} characters; more than {MOST_JSON:,} are not read.", hint="Write it to an NPY file.")
    try:
        return np.array(json.loads(text), dtype=np.float64)
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise CellError("It is not a list of points of equal length.", found=shorten(text, 30)) from None


def finish(found: np.ndarray, file: str | None) -> np.ndarray:
    """The points that count, as float32."""
    if found.ndim != 2 or (len(found) and found.shape[1] < 3):
        hint = "Turn the array: a row is a point." if found.ndim == 2 and found.shape[0] in (2, 3) else ""
        raise CellError(f"A cloud is an array of points x (x, y, z, ...); this has the shape {found.shape}.", hint=hint, file=file)
    if not len(found):
        raise CellError("The cloud has no points.", file=file)
    rows = spread(len(found)) if len(found) > MOST_POINTS else slice(None)
    with np.errstate(all="ignore"):
        points = np.asarray(found[:, :MOST_COLUMNS][rows], dtype=np.float64)
    place = points[:, :3]
    there = np.isfinite(place).all(axis=1) & (abs(np.where(np.isfinite(place), place, 0.0)) < FARTHEST).all(axis=1)
    if not there.any():
        raise CellError(f"None of the {len(points):,} points has a place (all are NaN, infinite or beyond {FARTHEST:g}).", file=file)
    points = points[there]
    points[:, 3:] = np.clip(np.nan_to_num(points[:, 3:], nan=0.0, posinf=0.0, neginf=0.0), -FARTHEST, FARTHEST)
    middle = np.median(points[:, :3], axis=0)
    size = float(abs(points[:, :3] - middle).max())
    if size > 0 and float(abs(middle).max()) > FAR * size:
        points[:, :3] -= middle
    return np.ascontiguousarray(points, dtype=np.float32)


def spread(count: int) -> np.ndarray:
    """One row of each of ``MOST_POINTS`` equal parts of ``count`` rows: the same for every cloud of that size."""
    edges = np.arange(MOST_POINTS + 1) * count // MOST_POINTS
    drawn = generator(0, "points", count).random(MOST_POINTS)
    rows: np.ndarray = edges[:-1] + (drawn * np.diff(edges)).astype(np.int64)
    return rows
