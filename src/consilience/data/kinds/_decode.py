"""Bytes to RGB pixels, whatever the file holds: palettes, 16 bit, CMYK, transparency, turned cameras, damage."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from consilience.core.errors import CellError

__all__ = ["MAX_PIXELS", "data_uri", "decode"]

MAX_PIXELS = 100_000_000

# What Pillow's readers raise on damaged files; warnings, where they are errors.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError, AttributeError,
    OverflowError, NotImplementedError, RuntimeError, MemoryError, Image.DecompressionBombError, Warning,
)  # fmt: skip


def decode(value: Path | bytes, size: int | None = None) -> np.ndarray:
    """``[H, W, 3] uint8`` RGB of a file or of bytes: upright, the first frame, transparency on white.

    Args:
        value: A path, or the file's content.
        size: If given, a JPEG may be read at a fraction of its size, its short side still at least ``size`` pixels.

    Raises:
        CellError: The file is gone, empty, damaged, too large or not a picture.
    """
    name = str(value) if isinstance(value, Path) else None
    try:
        content = value if isinstance(value, bytes) else value.read_bytes()
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=name) from None
    if not content:
        raise CellError("The picture has no bytes.", file=name)
    try:
        with Image.open(BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                size_found = f"{image.width:,} x {image.height:,} pixels"
                raise CellError(f"The picture has {size_found}; more than {MAX_PIXELS // 10**6} million are not read.", file=name)
            if size is not None:
                image.draft(None, (size, size))
            image.load()
            return np.asarray(to_rgb(upright(image)))
    except UnidentifiedImageError:
        raise CellError("The file is not a picture that can be read.", file=name) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CellError(f"The picture is too large; more than {MAX_PIXELS // 10**6} million pixels are not read.", file=name) from None
    except DAMAGE as error:
        raise CellError(f"The picture is damaged: {error}.", file=name) from None


def data_uri(value: Path | bytes, size: int = 96) -> str:
    """A small JPEG of the picture, at most ``size`` pixels wide and high, to stand in a page.

    Raises:
        CellError: As for ``decode``.
    """
    image = Image.fromarray(decode(value, size))
    image.thumbnail((size, size))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def upright(image: Image.Image) -> Image.Image:
    """The picture as the camera was held; as it lies where its notes on that are damaged."""
    try:
        return ImageOps.exif_transpose(image)
    except DAMAGE:
        return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Three channels of 8 bit."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(to_bytes(np.asarray(image, dtype=np.float64))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        whole = image.convert("RGBA")
        paper = Image.new("RGBA", whole.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, whole).convert("RGB")
    return image.convert("RGB")


def to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Grey values of any depth as 8 bit: 0..1, 0..255 and 0..65535 by their own scale, anything else by its extremes."""
    pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 65535:
        pixels = (pixels - low) * (255 / max(high - low, 1e-300))
    elif high > 255:
        pixels = pixels / 257
    elif 0 < high <= 1 and not np.all(pixels == np.round(pixels)):
        pixels = pixels * 255
    eight: np.ndarray = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    return eight
