"""Sounds by path or as bytes. Source: libsndfile, soxr, FFmpeg. When cells name sound files or hold them; nothing is fetched over a network."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from consilience.core.errors import CellError, MissingExtra
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._media import content_key, parse_files, sniff_files
from consilience.data.kinds._sound_decode import decode_sound
from consilience.data.kinds._sound_picture import sound_picture
from consilience.data.kinds._sounds import AUGMENTATIONS, CORRUPTIONS

__all__ = ["AudioKind"]

CARD = Card(
    summary="Sounds: paths (wav, flac, mp3, ogg, m4a, aiff ...) or bytes; read as one channel of 16 kHz.",
    source="libsndfile (soundfile), soxr, FFmpeg (PyAV)",
    extra="audio",
    cost="medium",
)

SUFFIXES = (
    ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".aifc", ".au", ".snd", ".wma", ".amr", ".caf",
    ".w64", ".mka", ".weba",
)  # fmt: skip
MAGIC = (b"fLaC", b"OggS", b"ID3", b".snd", b"#!AMR", b"caff")
FRAMES = (0xFB, 0xF3, 0xF2, 0xFA, 0xF1, 0xF9)
"""Second bytes of an MP3 or AAC frame, after 0xFF."""


class AudioKind(Kind):
    """Sounds: the value is a ``Path`` or ``bytes``; ``read`` gives a ``Sound`` of one channel, 16,000 samples a second, at most ten minutes.

    >>> parsed = AudioKind().parse(pl.Series(["gone.wav"]), Path("/nowhere"))
    >>> parsed.present.tolist(), parsed.problems[0]
    ([False], "The file 'gone.wav' is not there.")
    """

    modality = "audio"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        return sniff_files(profile, "sound", SUFFIXES, is_sound)

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return parse_files(column, base, "sound")

    def read(self, value: Any) -> Any:
        """The sound as a ``Sound``."""
        return decode_sound(value)

    def key(self, value: Any) -> bytes:
        """The same file has the same key, whether it lies in a folder or in memory."""
        return content_key(value)

    def thumbnail(self, value: Any) -> str:
        try:
            return sound_picture(decode_sound(value))
        except (CellError, MissingExtra) as error:
            return escape(f"no sound: {error.what}")

    def draw(self, decoded: Any) -> str:
        return sound_picture(decoded)


def is_sound(cell: bytes) -> bool:
    """Whether bytes begin as sound files do; RIFF alone is not enough, since films and pictures begin with it too."""
    if cell.startswith((b"RIFF", b"RF64", b"FORM")):
        return cell[8:12] in (b"WAVE", b"AIFF", b"AIFC")
    if cell[4:8] == b"ftyp":
        return cell[8:12] in (b"M4A ", b"M4B ")
    return cell.startswith(MAGIC) or (len(cell) > 2 and cell[0] == 0xFF and cell[1] in FRAMES)
