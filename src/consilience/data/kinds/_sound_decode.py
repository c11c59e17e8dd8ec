"""Files and bytes to one channel of 16,000 samples a second, in blocks, so that an hour costs no more memory than ten minutes.

A recording of up to ten minutes is read whole. Of a longer one 60 windows of 10 seconds are read, evenly spread, by seeking. A file that ends too
early, or breaks off in the middle, counts as what can be read of it; it is damaged only where that is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from consilience.core.errors import CellError, MissingExtra, shorten
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._sound import RATE, Sound
from consilience.data.kinds._sound_files import LOUDEST, blocks_of_av, blocks_of_soundfile

__all__ = ["MAX_SECONDS", "decode_sound"]

MAX_SECONDS = 600
WINDOWS, WINDOW_SECONDS = 60, 10
OVERSHOOT = 1.5
"""Peaks up to here come from compression and resampling and are cut; a higher one says that the file has another scale."""


class Memory(BytesIO):
    """A file in memory that takes any place to go to: readers of damaged files ask for places before the start, inside calls from C."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(offset if whence or offset >= 0 else 0, whence)  # from where it is, and from the end, it stops at the start by itself


@dataclass
class Plan:
    """What is to be read of a recording: from the start on, or windows.

    Args:
        starts: Seconds at which the windows begin; None to read on from the start.
        seconds: How long each window is.
    """

    starts: list[float] | None
    seconds: float


def plan(seconds: float | None) -> Plan:
    """For a recording as long as its header says, in seconds; None where it does not say."""
    if seconds is None or seconds <= MAX_SECONDS:
        return Plan(None, MAX_SECONDS)
    return Plan(np.linspace(0.0, seconds - WINDOW_SECONDS, WINDOWS).tolist(), WINDOW_SECONDS)


def decode_sound(value: Path | bytes | Outside) -> Sound:
    """The sound of a file or of a cell's bytes; films give their sound track.

    Raises:
        CellError: The file is gone, empty, damaged, without sound, or where nothing may be read.
        MissingExtra: soundfile, soxr or av is not installed and needed.
    """
    if isinstance(value, Outside):
        raise value.error()
    name = None if isinstance(value, bytes) else str(value)
    reasons: list[str] = []
    for read in (blocks_of_soundfile, blocks_of_av):
        source = Memory(value) if isinstance(value, bytes) else str(value)
        try:
            found = whole(read, source)
        except CellError as error:
            reasons.append(error.what)
            continue
        if found is not None:
            return Sound(found)
        reasons.append("The sound has no samples.")
    start = first_bytes(value, name)
    if not start:
        raise CellError(f"The {'file' if name else 'cell'} is empty (0 bytes), so there is no sound.", file=name)
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        raise CellError(f"The {'file' if name else 'cell'} is a text, not a sound; it begins with {shorten(start[:30].decode(), 34)}.", file=name)
    told = [reason for reason in reasons if not reason.startswith("It is no sound")]
    raise CellError(told[-1] if told else f"The {'file' if name else 'cell'} is no sound that can be read.", file=name)


def first_bytes(value: Path | bytes, name: str | None) -> bytes:
    if isinstance(value, bytes):
        return value[:60]
    try:
        with Path(value).open("rb") as file:
            return file.read(60)
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=name) from None


def whole(read: Callable[..., Iterable[Any]], source: Any) -> np.ndarray | None:
    """Samples ``[S]`` of one reader, or None where it finds none."""
    seek = plan
    for _ in range(2):
        gathered = gather(read(source, seek), MAX_SECONDS * RATE)
        if gathered is None:
            return None
        samples, tame, lied = gathered
        if not lied:
            return samples if tame else finish(samples)
        # Windows that lie behind the end: the header lies about the length, so nobody knows it, and the file is read from its start.
        seek = from_the_start
        if isinstance(source, BytesIO):
            source.seek(0)
    return finish(samples)


def from_the_start(seconds: float | None) -> Plan:
    return Plan(None, MAX_SECONDS)


def gather(blocks: Iterable[Any], most: int) -> tuple[np.ndarray, bool, bool] | None:
    """Blocks of one channel at their own rate, joined at ``RATE``.

    Returns:
        The samples, whether they are within -1 and 1 for certain, and whether most of the windows that were asked for held nothing.
    """
    parts: list[np.ndarray] = []
    count, windows, filled = 0, 0, 0
    something, within = False, True
    for rate, window, tame in blocks:
        windows += 1
        within = within and tame and rate == RATE  # another rate overshoots
        before, first = count, None
        for block in window if rate == RATE else resampled(window, rate, tame):
            if not len(block):
                continue
            first = block if first is None else first
            parts.append(block[: most - count])
            count += len(parts[-1])
            if count >= most:
                break
        filled += count > before
        something = something or first is not None
        if count >= most:
            break
    if not something:
        return None
    return parts[0] if len(parts) == 1 else np.concatenate(parts), within, windows > 1 and filled < windows / 2


def resampled(blocks: Iterable[np.ndarray], rate: int, tame: bool = False) -> Iterator[np.ndarray]:
    """Blocks ``[S] float32`` at ``RATE``; at least one sample if there was one. ``tame``: they are finite for certain."""
    try:
        soxr = import_module("soxr")
    except ImportError:
        raise MissingExtra("The kind 'audio'", "soxr", "audio") from None
    filled = (block if tame else clean(block) for block in blocks if len(block))
    first, second = next(filled, None), next(filled, None)
    if first is not None and second is None:  # the same as below, with less ado for the many short sounds that there are
        made = soxr.resample(first, rate, RATE, quality="HQ")
        yield made if len(made) else first[-1:]
        return
    if first is None or second is None:
        return
    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    for block in chain((first, second), filled):
        made = stream.resample_chunk(block)
        if len(made):
            yield made
    made = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if len(made):
        yield made


def clean(block: np.ndarray) -> np.ndarray:
    """Finite float32."""
    return block if peak_of(block) <= LOUDEST else repaired(block)  # False where there is a NaN


def repaired(block: np.ndarray) -> np.ndarray:
    """Zeros for what is not finite."""
    found: np.ndarray = np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST)
    return found


def finish(samples: np.ndarray) -> np.ndarray:
    """Finite samples within -1 and 1: cut if they stick out a little, scaled if they are of another scale."""
    peak = peak_of(samples)
    if not peak <= LOUDEST:
        samples = repaired(samples)
        peak = peak_of(samples)
    if peak > OVERSHOOT:
        samples = samples / np.float32(peak)
    return samples if peak <= 1 else np.clip(samples, -1.0, 1.0)


def peak_of(samples: np.ndarray) -> float:
    """The largest distance from 0; NaN if there is one."""
    high, low = float(np.maximum.reduce(samples)), float(np.minimum.reduce(samples))
    return max(high, -low)
