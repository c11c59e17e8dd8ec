"""DICOM: a folder of slices, a single slice, or a file of many frames. Source: pydicom. Only what places and scales the voxels is read."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from consilience.core.errors import CellError, MissingExtra
from consilience.data.kinds._mapped import first_bytes, named
from consilience.data.kinds._volume import MOST_VOXELS, Volume, every, finished, is_dicom
from consilience.data.table._confined import Confined, inside

__all__ = ["read_dicom", "read_folder", "slices_in"]

MOST_FILES = 4096
MOST_BYTES = 2**30
"""Of one file."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Files that are packed as a whole: a small one could unpack to any size."""
SUFFIXES = (".dcm", ".dicom", ".ima")
TAGS = [
    "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices",
    "SliceThickness", "Rows", "Columns", "NumberOfFrames", "Modality", "SamplesPerPixel",
]  # fmt: skip


@dataclass
class Slice:
    """A file of a series, without its pixels."""

    path: Path
    head: Any
    place: float | None = None
    order: tuple[float, str] = field(default=(0.0, ""))


def slices_in(folder: Path) -> list[Path]:
    """The DICOM files of a folder, by name; files without a known ending count if they begin as DICOM files do.

    Raises:
        CellError: The folder cannot be read, has too many files, or a link in it leads where nothing may be read.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith(".") and entry.is_file())
    except OSError as error:
        raise CellError(f"The folder cannot be read: {error.strerror or error}.", file=str(folder)) from None
    found = []
    for name in names:
        path = folder / name
        if isinstance(folder, Confined) and inside(folder, name) is None:
            raise CellError(f"The link {name!r} leads out of the folder of the scan, where nothing may be read.", file=str(folder))
        known = name.lower().endswith(SUFFIXES)
        plain = "." not in name or name.rpartition(".")[2].isdigit()
        if known or (plain and name.upper() != "DICOMDIR" and path.stat().st_size > 132 and is_dicom(first_bytes(path, 132))):
            found.append(path)
    if len(found) > MOST_FILES:
        raise CellError(f"The folder has {len(found):,} slices; more than {MOST_FILES:,} are not read.", file=str(folder))
    return found


def read_folder(folder: Path) -> Volume:
    """The series in a folder, by place; of several series the longest.

    Raises:
        CellError: There are no slices, some are missing, or they do not fit together.
        MissingExtra: pydicom is not installed.
    """
    paths = slices_in(folder)
    if not paths:
        raise CellError("The folder has no DICOM files, so there is no scan.", file=str(folder))
    series: dict[str, list[Slice]] = {}
    for path in paths:
        head = load(path, pixels=False)
        series.setdefault(str(head.get("SeriesInstanceUID", "")), []).append(Slice(path, head))
    slices = max(series.values(), key=len)
    if len(slices) == 1:
        return read_dicom(slices[0].path)
    shapes = {(int(one.head.get("Rows") or 0), int(one.head.get("Columns") or 0)) for one in slices}
    if len(shapes) > 1:
        listed = " and ".join(f"{rows} x {columns}" for rows, columns in sorted(shapes)[:3])
        raise CellError(f"The slices of the scan have different shapes: {listed}.", file=str(folder))
    slices, gap = in_order(slices, folder)
    step = every(len(slices))
    down, across, _ = spacing_of(slices[0].head)
    take = every(max(*shapes.pop(), 1))
    # A copy of each, so that of large slices nothing stays but what is taken.
    planes = [scaled(load(one.path), 0, str(one.path))[::take, ::take].copy() for one in slices[::step]]
    if len({plane.shape for plane in planes}) > 1:
        raise CellError("The slices of the scan have different shapes.", file=str(folder))
    block = np.stack(planes)
    return finished(block, (gap * step, down * take, across * take), str(folder), steps=steps_of(slices[0].head), unit=unit_of(slices[0].head))


def read_dicom(value: Path | bytes) -> Volume:
    """A single file: one slice, or as many as it has frames."""
    file = named(value)
    found = load(value)
    frames = whole_number(found, "NumberOfFrames", 1)
    step = every(frames)
    take = every(max(whole_number(found, "Rows", 0), whole_number(found, "Columns", 0), 1))
    planes = [scaled(found, frame, file)[::take, ::take].copy() for frame in range(0, frames, step)]
    down, across, apart = spacing_of(found)
    return finished(np.stack(planes), (apart * step, down * take, across * take), file, steps=steps_of(found), unit=unit_of(found))


def load(value: Path | bytes, *, pixels: bool = True) -> Any:
    """What pydicom reads of a file, checked for its size.

    Raises:
        CellError: It is no DICOM file, or one that lies.
    """
    dicom, file = package("pydicom"), named(value)
    size = len(value) if isinstance(value, bytes) else value.stat().st_size
    if size > MOST_BYTES:
        raise CellError(f"The file has {size:,} bytes; more than {MOST_BYTES:,} are not read.", file=file)
    if DEFLATED in first_bytes(value, 2048):
        raise CellError("The DICOM file is packed as a whole, which is not read.", hint="Unpack it first.", file=file)
    content = BytesIO(value) if isinstance(value, bytes) else value
    try:
        found = dicom.dcmread(content) if pixels else dicom.dcmread(content, stop_before_pixels=True, specific_tags=TAGS)
    except damage() as error:
        raise CellError(f"The DICOM file is damaged: {said(error)}.", file=file) from None
    rows, columns = whole_number(found, "Rows", 0), whole_number(found, "Columns", 0)
    frames, samples = whole_number(found, "NumberOfFrames", 1), whole_number(found, "SamplesPerPixel", 1)
    if min(rows, columns, frames) < 1:
        raise CellError("The DICOM file has no picture.", file=file)
    if rows * columns > 2**26 or rows * columns * frames * samples > MOST_VOXELS:
        raise CellError(f"The DICOM file says that it has {frames:,} x {rows:,} x {columns:,} voxels, which is not read.", file=file)
    return found


def scaled(found: Any, frame: int, file: str | None) -> np.ndarray:
    """``[H, W] float32``: the pixels of one frame in the file's own unit."""
    pixels = package("pydicom.pixels")
    try:
        plane = np.asarray(pixels.pixel_array(found, index=frame))
        slope, shift = float(found.get("RescaleSlope", 1) or 1), float(found.get("RescaleIntercept", 0) or 0)
    except damage() as error:
        raise CellError(f"The pixels of the DICOM file cannot be read: {said(error)}.", file=file) from None
    plane = plane.mean(axis=-1) if plane.ndim == 3 else plane  # colour, as in ultrasound
    if plane.ndim != 2:
        raise CellError(f"A slice is a picture of height x width; this has the shape {plane.shape}.", file=file)
    values = plane.astype(np.float32) * np.float32(slope) + np.float32(shift)
    return -values if found.get("PhotometricInterpretation") == "MONOCHROME1" else values


def in_order(slices: list[Slice], folder: Path) -> tuple[list[Slice], float]:
    """Slices from one end to the other, one for each place, and the millimetres between two; by number where no places are told."""
    normal = normal_of(slices[0].head)
    for one in slices:
        where = numbers(one.head, "ImagePositionPatient", 3)
        one.place = None if where is None or normal is None else float(where @ normal)
        one.order = (one.place if one.place is not None else float(whole_number(one.head, "InstanceNumber", 0)), one.path.name)
    if any(one.place is None for one in slices):
        slices = sorted(slices, key=lambda one: (whole_number(one.head, "InstanceNumber", 0), one.path.name))
        return slices, spacing_of(slices[0].head)[2]
    slices = sorted(slices, key=lambda one: one.order)
    kept = [slices[0]]
    for one in slices[1:]:  # several takes of one place: the first by name
        if (one.place or 0.0) - (kept[-1].place or 0.0) > 1e-3:
            kept.append(one)
    gaps = np.diff([one.place or 0.0 for one in kept])
    usual = float(np.median(gaps)) if len(gaps) else spacing_of(slices[0].head)[2]
    if len(gaps) > 2 and gaps.max() > 1.5 * usual:
        place = int(gaps.argmax())
        what = f"Slices are missing: between {kept[place].path.name!r} and {kept[place + 1].path.name!r} there are {gaps[place]:.3g} mm"
        raise CellError(f"{what}, elsewhere {usual:.3g} mm.", file=str(folder))
    return kept, usual


def normal_of(head: Any) -> np.ndarray | None:
    """The direction in which slices follow one another, towards the head where they lie across."""
    along = numbers(head, "ImageOrientationPatient", 6)
    return None if along is None else np.cross(along[:3], along[3:])


def steps_of(head: Any) -> np.ndarray | None:
    along = numbers(head, "ImageOrientationPatient", 6)
    return None if along is None else np.stack([np.cross(along[:3], along[3:]), along[3:], along[:3]], axis=1)


def spacing_of(head: Any) -> tuple[float, float, float]:
    """Millimetres between rows, columns and slices."""
    pixel = numbers(head, "PixelSpacing", 2)
    apart = [float(found[0]) for name in ("SpacingBetweenSlices", "SliceThickness") if (found := numbers(head, name, 1)) is not None and found[0] > 0]
    return (*((1.0, 1.0) if pixel is None else (float(pixel[0]), float(pixel[1]))), apart[0] if apart else 1.0)


def unit_of(head: Any) -> str:
    return "HU" if head.get("Modality") == "CT" else ""


def numbers(head: Any, name: str, count: int) -> np.ndarray | None:
    """A field of so many finite numbers; None where it is not there or says something else."""
    try:
        found = np.array(head.get(name), dtype=np.float64).reshape(-1)
    except damage():
        return None
    return found if len(found) == count and np.isfinite(found).all() else None


def whole_number(head: Any, name: str, default: int) -> int:
    found = numbers(head, name, 1)
    return default if found is None else int(found[0])


def package(name: str) -> Any:
    """A module of pydicom, which is loaded only where a DICOM file is.

    Raises:
        MissingExtra: It is not installed, or too old.
    """
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra("The kind 'volume'", "pydicom", "volume") from None


def said(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__


def damage() -> tuple[type[Exception], ...]:
    """What pydicom raises on damaged files, each seen or named in its sources: a list, so that a fault of ours still shows."""
    invalid: type[Exception] = package("pydicom.errors").InvalidDicomError
    return (
        invalid, OSError, ValueError, KeyError, AttributeError, NotImplementedError, EOFError, struct.error, zlib.error, RuntimeError, TypeError,
        IndexError, OverflowError, MemoryError, RecursionError, Warning,
    )  # fmt: skip
