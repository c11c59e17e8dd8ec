"""The two readers of sound files: libsndfile by soundfile, and everything that FFmpeg knows by PyAV. Both give blocks of one channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from consilience.core.errors import CellError, MissingExtra

__all__ = ["LOUDEST", "blocks_of_av", "blocks_of_soundfile"]

Windows = Iterator[tuple[int, Iterable[np.ndarray], bool]]
"""For each window the rate (samples a second), blocks ``[S] float32``, and whether all of them are finite and within -1 and 1 for certain."""

SLOWEST, FASTEST = 50, 10_000_000
LOUDEST = 1e10
"""What a sample is cut to before it is brought to another rate: above the range of 32 bit written as floats, and far from the end of float32."""
BLOCK = 1 << 16
"""Samples of all channels that are read at a time."""
WHOLE_NUMBERS = ("PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8")
"""Sample formats that libsndfile brings to -1 to 1, whatever a file holds."""
BAD_PACKETS = 200
"""So many packets in a row that cannot be decoded, and the rest of a file is given up."""

CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,eac3,flac,flv,gsm,m4v,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,"
    "rm,tta,voc,w64,wav,wv"
)
"""What FFmpeg may open. It knows play lists too, and those name other files and addresses, which a cell must not reach."""


def blocks_of_soundfile(source: Any, plan: Callable[[float | None], Any]) -> Windows:
    """Windows of a file that libsndfile reads: WAV, FLAC, MP3, Ogg, AIFF and more.

    Args:
        source: A path or a file in memory.
        plan: From the seconds that the header says to what is read.

    Raises:
        CellError: It is no such file.
    """
    try:
        soundfile = import_module("soundfile")
    except ImportError:
        raise MissingExtra("The kind 'audio'", "soundfile", "audio") from None
    failures = (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError, OSError, MemoryError, OverflowError)
    try:
        file = soundfile.SoundFile(source)
    except failures as error:
        raise CellError(f"It is no sound that libsndfile reads: {str(error).rstrip('.')}.") from None
    with file:
        rate, channels = int(file.samplerate), int(file.channels)
        check_rate(rate)
        wanted = plan(file.frames / rate if 0 <= file.frames < 2**62 else None)
        size, tame = max(1, BLOCK // channels), file.subtype in WHOLE_NUMBERS

        def block_of(frames: int) -> tuple[np.ndarray, bool]:
            """At most so many samples of one channel, and whether there may be more."""
            block = np.zeros(frames if channels == 1 else (frames, channels), dtype=np.float32)
            try:
                count, more = len(file.read(out=block)), True
            except failures:
                # What came before the damage lies in the block; the rest is zero.
                count, more = int(np.flatnonzero(block.reshape(frames, -1).any(axis=1))[-1:].sum()) + 1 if block.any() else 0, False
            return block[:count] if channels == 1 else mean(block[:count]), more and count > 0

        def read(frames: int) -> Iterator[np.ndarray]:
            more = True
            while more and frames > 0:
                block, more = block_of(min(size, frames))
                frames -= len(block)
                yield block

        frames = int(wanted.seconds * rate)
        if wanted.starts is None:
            frames = min(frames, file.frames)
            yield rate, (block_of(frames)[0],) if 0 < frames <= size else read(frames), tame  # most sounds are short, and there are many
            return
        for start in wanted.starts:
            try:
                file.seek(int(start * rate))
            except failures:
                yield rate, (), tame
            else:
                yield rate, read(frames), tame


def blocks_of_av(source: Any, plan: Callable[[float | None], Any]) -> Windows:
    """Windows of the first sound track of a file that FFmpeg reads: M4A, MP4, WebM, WMA, AMR and more.

    Raises:
        CellError: It is no such file, or there is no sound in it.
    """
    try:
        av = import_module("av")
    except ImportError:
        raise MissingExtra("The kind 'audio', for this file,", "av", "audio") from None
    failures = (av.error.FFmpegError, ValueError, OSError, EOFError, IndexError, RuntimeError, MemoryError, OverflowError, TypeError)
    try:
        container = av.open(source, metadata_errors="ignore", options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"})
    except failures as error:
        raise CellError(f"It is no sound that FFmpeg reads: {getattr(error, 'strerror', None) or type(error).__name__}.") from None
    with container:
        if not container.streams.audio:
            shown = " a film without" if any(stream.type == "video" for stream in container.streams) else " without"
            raise CellError(f"The file is{shown} sound.")
        stream = container.streams.audio[0]
        rate = int(getattr(stream.codec_context, "sample_rate", 0) or 0)
        check_rate(rate)
        length = stream.duration * stream.time_base if stream.duration and stream.time_base else (container.duration or 0) / 1_000_000
        wanted = plan(float(length) if length > 0 else None)

        def read(start: float) -> Iterator[np.ndarray]:
            left, bad = int(wanted.seconds * rate), 0
            frames = container.demux(stream)
            while left > 0 and bad < BAD_PACKETS:
                try:
                    packet = next(frames, None)
                    if packet is None:
                        return
                    decoded = packet.decode()
                except failures:
                    bad += 1
                    continue
                bad = 0
                for frame in decoded:
                    if int(frame.sample_rate) != rate:
                        continue
                    block = samples_of(frame)
                    if start > 0 and frame.time is not None and frame.time < start:
                        block = block[int((start - frame.time) * rate) :]
                    block = block[:left]
                    left -= len(block)
                    yield block

        if wanted.starts is None:
            yield rate, read(0.0), False
            return
        for start in wanted.starts:
            with suppress(*failures):
                container.seek(int(start * 1_000_000))
                yield rate, read(start), False
                continue
            yield rate, (), False


def samples_of(frame: Any) -> np.ndarray:
    """One channel ``[S] float32`` of a decoded frame of any sample format."""
    values = frame.to_ndarray()
    kind = values.dtype
    values = values.astype(np.float32)
    if kind == np.uint8:
        values = (values - 128) / 128
    elif kind.kind == "i":
        values = values / float(np.iinfo(kind).max + 1)
    if not frame.format.is_planar:
        values = values.reshape(-1, max(1, len(frame.layout.channels))).T
    return values[0] if len(values) == 1 else mean(values.T)


def mean(block: np.ndarray) -> np.ndarray:
    """``[S, C]`` to the mean of the channels ``[S]``; a sample that is no number counts as silence."""
    share = np.full(block.shape[1], 1 / block.shape[1], dtype=np.float32)
    with np.errstate(all="ignore"):  # numbers near the end of float32 may sum to infinity
        found: np.ndarray = block @ share
    if not np.isfinite(found).all():
        found = np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST) @ share
    return found


def check_rate(rate: int) -> None:
    """Raises CellError for a rate that no recording has."""
    if not SLOWEST <= rate <= FASTEST:
        raise CellError(f"The header says {rate:,} samples a second; sounds with {SLOWEST} to {FASTEST:,} are read.")
