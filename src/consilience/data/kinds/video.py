"""Films by path or as bytes. Source: PyAV (FFmpeg), Pillow for GIF. When cells name film files or hold them; nothing is fetched."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from consilience.core.errors import CellError, MissingExtra
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._film import Film
from consilience.data.kinds._film_decode import MOST_FRAMES, decode_film
from consilience.data.kinds._film_moving import is_animated
from consilience.data.kinds._films import AUGMENTATIONS, CORRUPTIONS
from consilience.data.kinds._media import content_key, parse_files, sample_files, sniff_files

__all__ = ["VideoKind"]

CARD = Card(
    summary="Films: paths (mp4, webm, mov, avi, mkv, moving gif) or bytes; up to 32 frames, evenly spread, upright.",
    source="PyAV (FFmpeg); Pillow for GIF; corruptions after Hendrycks and Dietterich (2019)",
    extra="video",
    cost="high",
)

SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".3gp")
MOVING = ".gif"
SOUND = (b"M4A ", b"M4B ", b"M4P ")
STILL = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
STRIP, HEIGHT, GAP = 5, 56, 2
MOST_LETTERS = 19_000


class VideoKind(Kind):
    """Films: the value is a ``Path`` or ``bytes``; ``read`` gives a ``Film`` of at most 32 frames, the short side at most 256 pixels.

    A column of ``.gif`` files is one of films if most of them move. A film's sound is another modality: the same column, read as audio.

    >>> parsed = VideoKind().parse(pl.Series(["gone.mp4"]), Path("/nowhere"))
    >>> parsed.present.tolist(), parsed.problems[0]
    ([False], "The file 'gone.mp4' is not there.")
    """

    modality = "video"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        plain = sniff_files(profile, "film", SUFFIXES, is_film)
        if profile.column.dtype == pl.Binary:
            return above(plain)
        gifs = sample_files(profile, (MOVING,))
        moving = sum(moves(path) for path in gifs)
        if 2 * moving <= len(gifs):
            return plain
        both = sniff_files(profile, "film", (*SUFFIXES, MOVING), is_film)
        return above(Evidence(both.score, f"{both.reason}; of {len(gifs)} GIF files {moving} move"))

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return parse_files(column, base, "film")

    def read(self, value: Any) -> Film:
        """The film as up to 32 frames.

        Raises:
            CellError: It cannot be decoded.
            MissingExtra: PyAV is not installed, and it is no GIF.
        """
        return decode_film(value)

    def read_at(self, value: Any, size: int, count: int = MOST_FRAMES) -> Film:
        """The film, maybe smaller: its short side ``size`` pixels unless it was shorter, ``count`` frames at most. Faster, and takes less memory."""
        return decode_film(value, min(count, MOST_FRAMES), size)

    def key(self, value: Any) -> bytes:
        """The same film has the same key, whether it lies in a file or in memory."""
        return content_key(value)

    def thumbnail(self, value: Any) -> str:
        try:
            film = decode_film(value, STRIP, HEIGHT)
        except (CellError, MissingExtra) as error:
            return escape(f"no film: {error.what}")
        return f'<img alt="" title="{film.seconds:.1f} s" src="{strip_uri(film.frames)}" class="strip">'

    def draw(self, decoded: Any) -> str:
        return f'<img alt="" src="{strip_uri(decoded.frames[:: max(1, len(decoded.frames) // STRIP)])}" class="strip">'


def is_film(cell: bytes) -> bool:
    """True if a cell's bytes begin like a film; sound and still pictures begin alike."""
    if cell[4:8] == b"ftyp":
        return cell[8:12] not in SOUND + STILL
    if cell.startswith(b"GIF8"):
        return is_animated(BytesIO(cell))
    return cell.startswith((b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"FLV\1")) or (cell.startswith(b"RIFF") and cell[8:12] == b"AVI ")


def moves(path: Path | bytes) -> bool:
    """True for a GIF with more than one frame."""
    try:
        with BytesIO(path) if isinstance(path, bytes) else open(path, "rb") as file:
            return is_animated(file)
    except OSError:
        return False


def above(evidence: Evidence) -> Evidence:
    """A little more than what the same share of pictures scores: a GIF that moves is a picture too."""
    return Evidence(min(0.995, 1.01 * evidence.score), evidence.reason)


def strip_uri(frames: np.ndarray) -> str:
    """The frames side by side as one small JPEG, to stand in a page."""
    height, width = frames.shape[1:3]
    scale = min(HEIGHT / height, 2 * HEIGHT / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    strip = Image.new("RGB", (len(frames) * (size[0] + GAP) - GAP, size[1]), (128, 128, 128))
    for place, frame in enumerate(frames):
        strip.paste(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR), (place * (size[0] + GAP), 0))
    uri = ""
    for quality in (75, 50, 25, 5):
        buffer = BytesIO()
        strip.save(buffer, "JPEG", quality=quality)
        uri = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        if len(uri) < MOST_LETTERS:
            break
    return uri
