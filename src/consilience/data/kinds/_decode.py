"""Bytes to RGB pixels, whatever the file holds: palettes, 16 bit, CMYK, transparency, turned cameras, damage."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from consilience.core.errors import CellError, shorten
from consilience.data.kinds._paths import Outside

__all__ = ["MAX_PIXELS", "data_uri", "decode", "pixels_uri"]

MAX_PIXELS = 89_000_000
"""Just below where Pillow begins to warn."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "ICO", "AVIF")
"""What is read. Pillow knows more; PostScript would be handed to another program, and the rest are hardly ever pictures of a table."""

# What Pillow's readers raise on damaged files, each seen or named in their sources: a list, so that a fault of ours still shows. Warnings, where
# they are errors. NotImplementedError is Pillow's own for a layout of pixels or a compression that it does not know.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError, AttributeError,
    OverflowError, NotImplementedError, RuntimeError, MemoryError, Image.DecompressionBombError, Warning,
)  # fmt: skip


def decode(value: Path | bytes | Outside, size: int | None = None) -> np.ndarray:
    """``[H, W, 3] uint8`` RGB of a file or of bytes: upright, the first frame, transparency on white.

    Args:
        value: A path, the file's content, or what stands for a path that must not be followed.
        size: If given, a JPEG may be read at a fraction of its size, its short side still at least ``size`` pixels.

    Raises:
        CellError: The file is gone, empty, damaged, too large, not a picture, or where nothing may be read.
    """
    if isinstance(value, Outside):
        raise value.error()
    name = str(value) if isinstance(value, Path) else None
    try:
        content = value if isinstance(value, bytes) else value.read_bytes()
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=name) from None
    if not content:
        raise CellError(f"The {'file' if name else 'cell'} is empty (0 bytes), so there is no picture.", file=name)
    try:
        with Image.open(BytesIO(content), formats=known_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise too_large(f"{image.width:,} x {image.height:,}", name)
            if size is not None:
                image.draft(None, (size, size))
            image.load()
            return np.asarray(to_rgb(upright(image)))
    except UnidentifiedImageError:
        raise no_picture(content, name) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\d+", str(error))
        raise too_large(f"{int(found.group()):,}" if found else "too many", name) from None
    except DAMAGE as error:
        raise CellError(f"The picture is damaged: {str(error).rstrip('.') or type(error).__name__}.", file=name) from None


@cache
def known_formats() -> list[str]:
    """Those of ``FORMATS`` that this Pillow can read."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def too_large(pixels: str, name: str | None) -> CellError:
    return CellError(f"The picture has {pixels} pixels; more than {MAX_PIXELS // 10**6} million are not read.", hint="Make it smaller.", file=name)


def no_picture(content: bytes, name: str | None) -> CellError:
    """What bytes are that no reader of pictures takes, where that is easily told."""
    start = content[:60]
    if name is None and len(content) < 1024 and content.isascii() and b"." in content and content.decode().isprintable():
        what = f"The cell names {content.decode()!r} where others hold pictures; there is no such file, or it may not be read."
        return CellError(what, hint="Give the picture itself.")
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return CellError(f"The {'file' if name else 'cell'} is a text, not a picture; it begins with {shorten(start.decode(), 30)}.", file=name)
    return CellError(f"The {'file' if name else 'cell'} is no picture that can be read.", file=name)


def data_uri(value: Path | bytes | Outside, size: int = 96) -> str:
    """A small JPEG of the picture, at most ``size`` pixels wide and high, to stand in a page.

    Raises:
        CellError: As for ``decode``.
    """
    return pixels_uri(decode(value, size), size)


def pixels_uri(pixels: np.ndarray, size: int = 96) -> str:
    """The same for pixels ``[H, W, 3] uint8``."""
    image = Image.fromarray(pixels)
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
    if image.mode.startswith("I;16"):  # by a table of all 65,536 values: a large picture would be half a GB and more as fractions
        grey = np.asarray(image)
        scale = np.arange(65536) / 257 if grey.size and grey.max() > 255 else np.minimum(np.arange(65536), 255)
        return Image.fromarray(np.round(scale).astype(np.uint8)[grey]).convert("RGB")
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
