"""Clouds of points. Source: PLY (Turk, 1994), NPY, text, KITTI sweeps (Geiger et al., 2012). When cells name or hold scans, shapes, lidar sweeps."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import clean_sample, filled
from consilience.data.kinds._cloud import like_points, peek_cloud, read_cloud
from consilience.data.kinds._clouds import AUGMENTATIONS, CORRUPTIONS
from consilience.data.kinds._media import content_key, parse_files, sample_files, sniff_files

__all__ = ["PointsKind"]

CARD = Card(
    summary="Clouds of points: paths (npy, ply, xyz, pts, csv, txt, lidar bin), bytes, or lists of points; read as rows of x, y, z and more.",
    source="PLY (Turk, 1994); corruptions after Ren et al. (2022)",
    cost="medium",
)

OWN = (".ply", ".xyz", ".pts", ".pcd.bin")
SHARED = (".npy", ".csv", ".txt", ".bin")
"""Endings that other things have too: some of the files are looked into."""
SHOWN = 150
"""Points of each view of a thumbnail."""


class PointsKind(Kind):
    """Clouds: the value is a ``Path``, ``bytes``, or the JSON text of a list of points; ``read`` gives ``[P, 3 + F] float32``.

    >>> kind = PointsKind()
    >>> kind.read(kind.parse(pl.Series(["[[0, 0, 1], [2, 3, 4]]"])).values[0]).shape
    (2, 3)
    """

    modality = "points"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if isinstance(dtype, pl.List | pl.Array):
            return listed(nested(profile.sample[:50]))
        texts = clean_sample(profile.sample[:200]) if dtype == pl.String else []
        if texts and sum(text.startswith("[[") for text in texts) > 0.5 * len(texts):
            return listed(texts[:50])
        own = sniff_files(profile, "point cloud", OWN, is_ply)
        wide = sniff_files(profile, "point cloud", OWN + SHARED, lambda cell: True)
        if wide.score <= own.score:
            return own
        files = sample_files(profile, OWN + SHARED)
        clouds = sum(is_cloud(file) for file in files)
        if not clouds:
            return own if own.score else Evidence(0.0, "no cell names or holds a cloud of points")
        share = clouds / len(files)
        return Evidence(max(own.score, wide.score * share**2), f"{clouds} of {len(files)} files that were looked into hold points (x, y, z and more)")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        if isinstance(column.dtype, pl.List | pl.Array):
            values = np.empty(len(column), dtype=object)
            values[:] = [None if cell is None else as_json(cell) for cell in column.to_list()]
            return Parsed(values, filled(column))
        if column.dtype != pl.String:
            return parse_files(column, base, "point cloud")
        lists = {row: cell.strip() for row, cell in enumerate(column.to_list()) if cell is not None and cell.lstrip().startswith("[")}
        if not lists:
            return parse_files(column, base, "point cloud")
        names = pl.Series(column.name, [None if row in lists else cell for row, cell in enumerate(column.to_list())], dtype=pl.String)
        parsed = parse_files(names, base, "point cloud")
        for row, text in lists.items():
            parsed.values[row], parsed.present[row] = text, True
        return parsed

    def read(self, value: Any) -> Any:
        """The cloud as ``[P, 3 + F] float32``, P from 1 to 100,000."""
        return read_cloud(value)

    def key(self, value: Any) -> bytes:
        """The same file has the same key wherever it lies; a list has that of its text."""
        return hash_bytes(b"list", value.encode()) if isinstance(value, str) else content_key(value)

    def thumbnail(self, value: Any) -> str:
        """Two views: from the front (x to the right, z up), and from above (x to the right, y up)."""
        try:
            return views(read_cloud(value))
        except CellError as error:
            return escape(f"no points: {error.what}")

    def draw(self, decoded: Any) -> str:
        return views(decoded)


def is_ply(cell: bytes) -> bool:
    return cell.startswith((b"ply\n", b"ply\r"))


def is_cloud(file: Path | bytes) -> bool:
    """True if a file or the content of one holds points."""
    if is_ply(file) if isinstance(file, bytes) else file.name.lower().endswith(OWN):
        return True
    if isinstance(file, bytes) and not file.startswith(b"\x93NUMPY"):
        return False
    found = peek_cloud(file)
    return found is not None and like_points(found)


def listed(texts: list[str]) -> Evidence:
    """How sure it is that lists in cells are points."""
    clouds = 0
    for text in texts:
        try:
            clouds += like_points(read_cloud(text))
        except CellError:
            continue
    share = clouds / max(1, len(texts))
    return Evidence(0.99 * share**2, f"{share:.0%} of the cells are lists of points (x, y, z and more)")


def nested(cells: list[Any]) -> list[str]:
    return [as_json(cell) for cell in cells if cell is not None]


def as_json(cell: Any) -> str:
    return json.dumps(cell.to_list() if isinstance(cell, pl.Series) else cell, default=str)


def views(cloud: np.ndarray) -> str:
    """An SVG of two squares of 96; every point is a small square."""
    some = cloud[:: max(1, -(-len(cloud) // SHOWN)), :3].astype(np.float64)
    middle = (some.max(axis=0) + some.min(axis=0)) / 2
    side = max(float(np.ptp(some, axis=0).max()), 1e-12)
    right, back, up = ((some - middle) / side * 84).T
    paths = []
    for left, across, down in ((48, right, -up), (152, right, -back)):
        marks = "".join(f"M{left + x:.0f} {48 + y:.0f}h2v2h-2z" for x, y in zip(across, down, strict=True))
        paths.append(f'<path d="{marks}" fill="currentColor" fill-opacity="0.7"></path>')
    line = '<line x1="100" y1="4" x2="100" y2="92" stroke="currentColor" stroke-opacity="0.3"></line>'
    return f'<svg class="strip" viewBox="0 0 200 96" width="200" height="96">{paths[0]}{line}{paths[1]}</svg>'
