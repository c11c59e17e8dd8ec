"""Scans in three dimensions. Source: pydicom, nibabel. When cells name folders of DICOM slices, NIfTI files or 3-D arrays, or hold them."""

from __future__ import annotations

import base64
import os
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from consilience.core.errors import CellError, MissingExtra
from consilience.core.hashing import hash_bytes
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import clean, clean_sample
from consilience.data.kinds._dicom import slices_in
from consilience.data.kinds._mapped import NPY, map_npy
from consilience.data.kinds._media import content_key, parse_files, sample_files, sniff_files
from consilience.data.kinds._volume import Volume, is_dicom, is_nifti
from consilience.data.kinds._volume_read import read_volume
from consilience.data.kinds._volumes import AUGMENTATIONS, CORRUPTIONS
from consilience.data.table._confined import Confined, inside

__all__ = ["VolumeKind"]

CARD = Card(
    summary="Scans, CT and MRI: folders of DICOM slices, DICOM and NIfTI files, 3-D npy, or bytes; read as voxels with their spacing.",
    source="pydicom, nibabel; corruptions after Hendrycks and Dietterich (2019)",
    extra="volume",
    cost="high",
)

OWN = (".nii", ".nii.gz", ".dcm", ".dicom", ".ima")
SHARED = (".npy",)
"""Endings that other things have too: some of the files are looked into."""
SIDE = 96
"""Pixels of the longest side in a thumbnail."""


class VolumeKind(Kind):
    """Scans: the value is a ``Path`` of a file or of a folder of slices, or ``bytes``; ``read`` gives a ``Volume``.

    >>> parsed = VolumeKind().parse(pl.Series(["gone.nii.gz"]), Path("/nowhere"))
    >>> parsed.present.tolist(), parsed.problems[0]
    ([False], "The file 'gone.nii.gz' is not there.")
    """

    modality = "volume"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        own = sniff_files(profile, "scan", OWN, is_scan)
        if own.score > 0.9 or profile.column.dtype not in (pl.String, pl.Categorical, pl.Enum):
            return own
        wide = sniff_files(profile, "scan", OWN + SHARED, is_scan)
        files = sample_files(profile, OWN + SHARED) if wide.score > own.score else []
        scans = sum(is_volume_file(file) for file in files)
        if scans:
            share = scans / len(files)
            return Evidence(max(own.score, wide.score * share**2), f"{scans} of {len(files)} files that were looked into are scans or 3-D arrays")
        texts = clean_sample(profile.sample)
        texts = texts[:: max(1, len(texts) // 20)][:20]
        folders = sum(has_slices(text, profile.base) for text in texts)
        if folders:
            return Evidence(0.98 * folders / len(texts), f"{folders} of {len(texts)} cells that were looked at name folders of DICOM slices")
        return own

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        if column.dtype == pl.Binary:
            return parse_files(column, base, "scan")
        folders = {row: found for row, name in enumerate(clean(column)) if name is not None and (found := folder_of(name, base)) is not None}
        if not folders:
            return parse_files(column, base, "scan")
        others = pl.Series(column.name, [None if row in folders else cell for row, cell in enumerate(clean(column))], dtype=pl.String)
        parsed = parse_files(others, base, "scan")
        for row, folder in folders.items():
            parsed.values[row], parsed.present[row] = folder, True
        return parsed

    def read(self, value: Any) -> Any:
        """The scan as a ``Volume``; of several volumes in one file (4-D) the first."""
        return read_volume(value)

    def key(self, value: Any) -> bytes:
        """The same content has the same key; that of a folder is made of all its slices."""
        if isinstance(value, Path) and value.is_dir():
            return hash_bytes(b"folder", *(content_key(path) for path in slices_in(value)))
        return content_key(value)

    def thumbnail(self, value: Any) -> str:
        """The middle slices from above, from the front and from the side."""
        try:
            return f'<img alt="" src="{data_uri(read_volume(value))}" class="strip">'
        except (CellError, MissingExtra) as error:
            return escape(f"no scan: {error.what}")

    def draw(self, decoded: Any) -> str:
        return f'<img alt="" src="{data_uri(decoded)}" class="strip">'


def folder_of(name: str, base: Path | None) -> Path | None:
    """The folder that a cell names; None where it names none, or one that may not be read (which the search for files then says)."""
    for spelled in (name, name.replace("\\", "/")):
        spelled = spelled.removeprefix("file://")
        try:
            if isinstance(base, Confined):
                place = inside(base, spelled)
                if place is not None and place.is_dir():
                    return Confined(place)  # the mark goes along, so that links in it are not followed out either
            elif (path := Path(os.path.abspath(Path(base or ".") / spelled))).is_dir():
                return path
        except (ValueError, OSError):  # a zero byte in the name, a name that is too long
            return None
    return None


def has_slices(name: str, base: Path | None) -> bool:
    folder = folder_of(name, base)
    try:
        return folder is not None and bool(slices_in(folder))
    except CellError:
        return False


def is_scan(cell: bytes) -> bool:
    if cell.startswith(NPY):
        return is_block(cell)
    return is_dicom(cell) or is_nifti(cell) or cell.startswith(b"\x1f\x8b")


def is_volume_file(file: Path | bytes) -> bool:
    if isinstance(file, bytes):
        return is_scan(file)
    return file.name.lower().endswith(OWN) or is_block(file)


def is_block(file: Path | bytes) -> bool:
    """True for NPY files of three axes, none of them as short as the colours of a picture."""
    try:
        shape = map_npy(file).shape
    except CellError:
        return False
    return len(shape) in (3, 4) and min(shape[-3:]) >= 5


def data_uri(volume: Volume) -> str:
    """A small JPEG of three slices side by side, in their true proportions."""
    voxels, sides = volume.voxels, np.array(volume.spacing) * volume.shape
    low, high = np.percentile(voxels.reshape(-1)[:: max(1, voxels.size // 100_000)], (1, 99))
    depth, height, width = (max(1, round(SIDE * side / sides.max())) for side in sides)
    middle = [length // 2 for length in volume.shape]
    planes = ((voxels[middle[0]], height, width), (voxels[::-1, middle[1]], depth, width), (voxels[::-1, :, middle[2]], depth, height))
    strip = Image.new("L", (sum(across for _, _, across in planes) + 4, max(down for _, down, _ in planes)), 0)
    left = 0
    for plane, down, across in planes:
        grey = np.clip((plane - low) / max(high - low, 1e-12) * 255, 0, 255).astype(np.uint8)
        strip.paste(Image.fromarray(np.ascontiguousarray(grey)).resize((across, down), Image.Resampling.BILINEAR), (left, 0))
        left += across + 2
    buffer = BytesIO()
    strip.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
