"""Moving pictures that Pillow reads: GIF, and PNG and WebP with several frames. See-through places are white, as in a still picture."""

from __future__ import annotations

from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from consilience.core.errors import CellError
from consilience.data.kinds._decode import DAMAGE, to_rgb
from consilience.data.kinds._film import Film

__all__ = ["decode_moving_picture", "is_animated", "is_moving_picture"]

FORMATS = ("GIF", "PNG", "WEBP")
MAX_PIXELS = 36_000_000
MOST_PIXELS = 2_000_000_000
"""Of all frames that are decoded; each frame of a GIF is drawn on the one before, so that none can be left out."""
MOST_FRAMES = 20_000
USUAL, SHORTEST = 0.1, 0.011
"""Seconds of a frame that says no length, or one so short that every program takes it for a mistake."""


def is_moving_picture(start: bytes) -> bool:
    """True for the first bytes of a format that is read here."""
    return start.startswith((b"GIF8", b"\x89PNG")) or (start.startswith(b"RIFF") and start[8:12] == b"WEBP")


def is_animated(file: IO[bytes]) -> bool:
    """True for a GIF with more than one frame; False also for one that is damaged."""
    try:
        with Image.open(file, formats=("GIF",)) as image:
            return bool(getattr(image, "is_animated", False))
    except DAMAGE:
        return False


def decode_moving_picture(file: IO[bytes], count: int, side: int, name: str | None) -> Film:
    """See ``decode_film``.

    Raises:
        CellError: It is damaged from its first frame on, or too large.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > MAX_PIXELS:
                what = f"A frame of the film has {image.width:,} x {image.height:,} pixels; more than {MAX_PIXELS // 10**6} million are not read."
                raise CellError(what, hint="Make it smaller.", file=name)
            number = min(frames_of(image), MOST_FRAMES, max(1, MOST_PIXELS // pixels))
            # All of a short film, with each frame's length; of a longer one first the lengths, then the frames for which the time has come.
            times = begins(image, number) if number > count else None
            places = np.arange(number) if times is None else chosen(times, count)
            frames: list[Image.Image] = []
            lengths, kept = [], []
            for place in places.tolist():
                try:
                    image.seek(place)
                    frames.append(small(image, side, frames[0].size if frames else None))
                except DAMAGE:
                    if not frames:
                        raise
                    break
                kept.append(place)
                lengths.append(seconds_of(image))
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise CellError("The film cannot be read, or its frames are too large.", file=name) from None
    except DAMAGE as error:
        raise CellError(f"The film is damaged: {str(error).rstrip('.') or type(error).__name__}.", file=name) from None
    starts = np.concatenate([[0.0], np.cumsum(lengths)]) if times is None else np.append(times[kept], times[-1])
    return Film(np.stack([np.asarray(frame) for frame in frames]), starts[:-1].astype(np.float32), float(starts[-1]))


def frames_of(image: Image.Image) -> int:
    try:
        return max(1, int(getattr(image, "n_frames", 1)))
    except DAMAGE:
        return 1


def begins(image: Image.Image, number: int) -> np.ndarray:
    """``[F + 1]``: when each frame begins, and when the last one ends; F is less than ``number`` where the film is cut off."""
    lengths = []
    for place in range(number):
        try:
            image.seek(place)
        except DAMAGE:
            break
        lengths.append(seconds_of(image))
    return np.concatenate([[0.0], np.cumsum(lengths)])


def chosen(times: np.ndarray, count: int) -> np.ndarray:
    """The places of the frames shown at ``count`` evenly spread moments."""
    moments = (np.arange(count) + 0.5) * (times[-1] / count)
    return np.unique(np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 2))


def seconds_of(image: Image.Image) -> float:
    """How long the frame is shown."""
    length = float(image.info.get("duration") or 0) / 1000
    return length if SHORTEST < length < 3600 else USUAL


def small(image: Image.Image, side: int, size: tuple[int, int] | None) -> Image.Image:
    """The frame, in the size of those before; the first one with its short side at most ``side``."""
    frame = to_rgb(image)
    if size is None:
        scale = min(1.0, side / min(frame.size))
        size = (min(8 * side, max(1, round(frame.width * scale))), min(8 * side, max(1, round(frame.height * scale))))
    return frame.copy() if frame.size == size else frame.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
