"""Scans as blocks of voxels: at most 256 along each axis, finite, with the distance between voxels. Formats: NIfTI, DICOM, NPY."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from consilience.core.errors import CellError

__all__ = ["GZIP", "MOST_SIDE", "MOST_VOXELS", "Volume", "every", "finished", "from_array", "is_dicom", "is_nifti"]

MOST_SIDE = 256
"""Voxels that are kept along an axis; of more every second, third ... is taken."""
MOST_VOXELS = 2**30
"""Voxels that a file may say it has."""
FARTHEST = 1e15
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan.

    Args:
        voxels: ``[D, H, W] float32``; where the file tells directions: D from the feet to the head, H from the front to the back, W from the
            person's right to the left.
        spacing: Millimetres between voxels along D, H and W; 1 where nothing is said.
        unit: ``"HU"`` for Hounsfield units (CT); empty where the numbers have no scale of their own.
    """

    voxels: np.ndarray
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    unit: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.voxels.shape

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Volume):
            return NotImplemented
        return self.spacing == other.spacing and self.unit == other.unit and np.array_equal(self.voxels, other.voxels, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]  # as of any thing that holds an array


def is_dicom(start: bytes) -> bool:
    """Whether a file that begins so is a DICOM file."""
    return start[128:132] == b"DICM"


def is_nifti(start: bytes) -> bool:
    """Whether a file that begins so, unpacked, is a NIfTI file of either version."""
    return start[344:348] in (b"n+1\0", b"ni1\0") or start[4:8] in (b"n+2\0", b"ni2\0")


def from_array(found: np.ndarray, file: str | None) -> Volume:
    """A 3-D array; of a 4-D array the first block."""
    if 0 in found.shape:
        raise CellError(f"The array has the shape {found.shape}, so there is no voxel.", file=file)
    if found.ndim > 3:
        found = found.reshape([length for length in found.shape if length > 1] or [1]) if 1 in found.shape else found
    while 3 < found.ndim <= 5:
        found = found[0]
    if found.ndim != 3:
        raise CellError(f"A scan is an array of depth x height x width; this has the shape {found.shape}.", file=file)
    depth, height, width = (every(length) for length in found.shape)
    spacing = (float(depth), float(height), float(width))
    with np.errstate(all="ignore"):
        return finished(np.array(found[::depth, ::height, ::width], dtype=np.float32), spacing, file)


def every(length: int) -> int:
    """The step at which at most ``MOST_SIDE`` of so many voxels are taken."""
    return -(-length // MOST_SIDE)


def finished(voxels: np.ndarray, spacing: tuple[float, float, float], file: str | None, *, steps: np.ndarray | None = None, unit: str = "") -> Volume:
    """A volume with finite numbers and the axes in order.

    Args:
        steps: ``[3, 3]``: column k is the direction of the array's axis k in the person's left, back and up; None where that is not known.

    Raises:
        CellError: No voxel is finite.
    """
    there = np.isfinite(voxels) & (np.abs(voxels) < FARTHEST)
    if not there.all():
        if not there.any():
            raise CellError("None of the voxels is a finite number.", file=file)
        voxels = np.where(there, voxels, voxels[there].min())
    sides = [float(side) if np.isfinite(side) and 1e-4 < side < 1e4 else 1.0 for side in spacing]
    if steps is not None and np.isfinite(steps).all():
        # The axes of an oblique scan go to the nearest of up, back and left.
        order = max(permutations(range(3)), key=lambda way: sum(abs(steps[2 - place, axis]) for place, axis in enumerate(way)))
        backwards = [steps[2 - place, axis] < 0 for place, axis in enumerate(order)]
        voxels = voxels.transpose(order)[tuple(slice(None, None, -1 if back else 1) for back in backwards)]
        sides = [sides[axis] for axis in order]
    return Volume(np.ascontiguousarray(voxels, dtype=np.float32), (sides[0], sides[1], sides[2]), unit)
