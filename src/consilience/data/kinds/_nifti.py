"""NIfTI files, packed or not, read plane by plane, so that neither a large scan nor a packed bomb fills the memory. Source: nibabel."""

from __future__ import annotations

import gzip
import zlib
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from consilience.core.errors import CellError, MissingExtra
from consilience.data.kinds._mapped import first_bytes, named
from consilience.data.kinds._volume import GZIP, MOST_SIDE, MOST_VOXELS, Volume, every, finished, is_nifti

__all__ = ["read_nifti"]

PIECE = 1 << 20
LONGEST_HEAD = 1 << 26
"""Bytes before the first voxel, at most."""


def read_nifti(value: Path | bytes) -> Volume:
    """The scan; of several volumes the first, for their number is mostly time.

    Raises:
        CellError: It is damaged, cut off, too large, or of numbers that are not real.
        MissingExtra: nibabel is not installed.
    """
    file = named(value)
    packed = first_bytes(value, 2) == GZIP
    try:
        with BytesIO(value) if isinstance(value, bytes) else open(value, "rb") as plain:
            stream: IO[bytes] = gzip.GzipFile(fileobj=plain) if packed else plain  # type: ignore[assignment]
            return read_stream(stream, file)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise CellError("The packed file is cut off or damaged.", file=file) from None


def read_stream(stream: IO[bytes], file: str | None) -> Volume:
    start = stream.read(540)
    if not is_nifti(start):
        raise CellError("It is no NIfTI file.", file=file)
    header = header_of(start, file)
    shape = tuple(int(length) for length in header.get_data_shape())
    dtype, offset = header.get_data_dtype(), float(header["vox_offset"])
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) < 3 or any(length < 1 for length in shape):
        raise CellError(f"A scan has depth, height and width; this has the shape {shape}.", file=file)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CellError(f"The voxels are {dtype}, not real numbers.", file=file)
    columns, rows, planes = shape[:3]
    if columns * rows * planes > MOST_VOXELS:
        raise CellError(f"The scan says that it has {columns:,} x {rows:,} x {planes:,} voxels; more than {MOST_VOXELS:,} are not read.", file=file)
    if not 0 <= offset <= LONGEST_HEAD:
        raise CellError(f"The voxels would begin at byte {offset:,.0f}; the header is damaged.", file=file)
    head = max(int(offset), 352 if start[344:348] == b"n+1\0" else 544)
    needed = columns * rows * dtype.itemsize
    take = (every(columns), every(rows), every(planes))
    kept: list[np.ndarray] = []
    skip(stream, head - len(start), file) if head >= len(start) else stream.seek(head)
    for plane in range(planes):
        if plane % take[2]:
            skip(stream, needed, file)
            continue
        # By columns: the first axis runs fastest.
        content = np.frombuffer(exactly(stream, needed, file), dtype).reshape(rows, columns)
        with np.errstate(all="ignore"):
            kept.append(content[:: take[1], :: take[0]].astype(np.float32))
    assert len(kept) <= MOST_SIDE  # every() promises it
    voxels = np.stack(kept)  # [D, H, W] as the file has its axes z, y, x
    slope, shift = header.get_slope_inter()
    if slope is not None and np.isfinite((slope, shift)).all():
        with np.errstate(all="ignore"):
            voxels = (voxels * np.float32(slope) + np.float32(shift)).astype(np.float32)
    zooms = [float(zoom) * step for zoom, step in zip(header.get_zooms()[:3], take, strict=True)]
    return finished(voxels, (zooms[2], zooms[1], zooms[0]), file, steps=steps_of(header))


def header_of(start: bytes, file: str | None) -> Any:
    second = start[4:7] in (b"n+2", b"ni2")
    try:
        cls: Any = import_module("nibabel.nifti2").Nifti2Header if second else import_module("nibabel.nifti1").Nifti1Header
        damage: type[Exception] = import_module("nibabel.spatialimages").HeaderDataError
    except ImportError:
        raise MissingExtra("The kind 'volume'", "nibabel", "volume") from None
    try:
        header = cls(start[: 540 if second else 348], check=False)
        header.get_data_shape(), header.get_data_dtype(), header.get_slope_inter(), header.get_zooms()
    except (damage, ValueError, KeyError, TypeError, IndexError, OverflowError, Warning) as error:
        raise CellError(f"The header of the NIfTI file is damaged: {str(error).rstrip('.')}.", file=file) from None
    if b"ni1\0" in start[344:348] or b"ni2\0" in start[4:8]:
        raise CellError("The file is the header of a NIfTI pair; its voxels lie in another file.", hint="Write one .nii file.", file=file)
    return header


def steps_of(header: Any) -> np.ndarray | None:
    """``[3, 3]`` for the axes z, y, x of the array: where they point, as left, back, up; None where the file does not say."""
    try:
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)[:3, :3]
    except (ValueError, ArithmeticError, np.linalg.LinAlgError, Warning):
        return None
    lengths = np.linalg.norm(affine, axis=0)
    if not np.isfinite(affine).all() or lengths.min() <= 0:
        return None
    steps: np.ndarray = (affine / lengths * np.array([[-1.0], [-1.0], [1.0]]))[:, ::-1]  # NIfTI says right, front, up
    return steps


def exactly(stream: IO[bytes], count: int, file: str | None) -> bytes:
    """So many bytes; asked for in pieces, so that what is not there is not paid for."""
    pieces, left = [], count
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise CellError("The scan is cut off: there are fewer voxels than its header says.", file=file)
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def skip(stream: IO[bytes], count: int, file: str | None) -> None:
    while count > 0:
        piece = stream.read(min(count, PIECE))
        if not piece:
            raise CellError("The scan is cut off: there are fewer voxels than its header says.", file=file)
        count -= len(piece)
