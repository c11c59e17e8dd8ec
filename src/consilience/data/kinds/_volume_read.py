"""A scan from a file, a file's content or a folder, whatever its format."""

from __future__ import annotations

from pathlib import Path

from consilience.core.errors import CellError
from consilience.data.kinds._dicom import read_dicom, read_folder
from consilience.data.kinds._mapped import NPY, first_bytes, map_npy, named
from consilience.data.kinds._nifti import read_nifti
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._volume import GZIP, Volume, from_array, is_dicom, is_nifti

__all__ = ["read_volume"]


def read_volume(value: Path | bytes | Outside) -> Volume:
    """The scan in a file, a file's content, or a folder of DICOM slices. Of several volumes (4-D) the first is taken.

    Raises:
        CellError: It is no scan, damaged, cut off, too large or without a voxel.
        MissingExtra: The package that reads the format is not installed.
    """
    if isinstance(value, Outside):
        raise value.error()
    try:
        if isinstance(value, Path) and value.is_dir():
            return read_folder(value)
        start = first_bytes(value, 600)
        if start.startswith(NPY):
            return from_array(map_npy(value), named(value))
        if is_dicom(start):
            return read_dicom(value)
        if start.startswith(GZIP) or is_nifti(start):
            return read_nifti(value)
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=named(value)) from None
    raise CellError(f"The {'file' if named(value) else 'cell'} is no scan that can be read (NIfTI, DICOM, NPY).", file=named(value))
