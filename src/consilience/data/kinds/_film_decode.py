"""Bytes to frames, with bounded work and memory whatever the film: hours of it, damaged, or with a header that lies. Source: PyAV (FFmpeg)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from consilience.core.errors import CellError, MissingExtra, shorten
from consilience.data.kinds._film import Film
from consilience.data.kinds._film_moving import decode_moving_picture, is_moving_picture
from consilience.data.kinds._film_plan import plan, reduced
from consilience.data.kinds._paths import Outside

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["MOST_FRAMES", "SHORT_SIDE", "decode_film"]

MOST_FRAMES, SHORT_SIDE = 32, 256
MAX_PIXELS = 36_000_000
"""Of one frame: 8K has 33 million."""
LONG = 120.0
"""Seconds from which on only key frames are looked at, if there are enough of them."""
MOST_WORK = 1_500_000_000
"""Pixels that are decoded, at most, so that frames in between may be shown: about ten seconds of work."""
MOST_PACKETS = 1_000_000
LEAST_WORK, MOST_DECODED = 128, 4000
"""Frames that may be decoded, however large or small they are."""
ENOUGH = 8
"""Key frames that are enough for a long film."""
WORTH_A_SEEK = 8
"""Frames that have to be left out for a seek to cost less than decoding them."""
MOST_BROKEN = 2000
"""Packets in a row that give no frame, after which a film counts as over."""

# What holds films. The list keeps playlists and scripts, which name other files and addresses, from being followed.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flv,asf,mpeg,mpegts,mpegvideo,h264,hevc,ivf,m4v,mp3,wav"


def decode_film(value: Path | bytes | Outside, count: int = MOST_FRAMES, side: int = SHORT_SIDE) -> Film:
    """Frames of a film, evenly spread over its time; all frames of one that has few.

    Args:
        value: A path, the file's content, or what stands for a path that must not be followed.
        count: Frames at most.
        side: Short side at most, pixels; a smaller film keeps its size.

    Raises:
        CellError: The file is gone, empty, damaged, too large, without pictures, or where nothing may be read.
        MissingExtra: PyAV is not installed, and the film is no moving picture that Pillow reads (GIF).
    """
    if isinstance(value, Outside):
        raise value.error()
    name = str(value) if isinstance(value, Path) else None
    try:
        with BytesIO(value) if isinstance(value, bytes) else open(value, "rb") as file:
            start = file.read(64)
            file.seek(0)
            if not start:
                raise CellError(f"The {'file' if name else 'cell'} is empty (0 bytes), so there is no film.", file=name)
            if is_moving_picture(start):
                return decode_moving_picture(file, count, side, name)
            return decode_stream(file, start, count, side, name)
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=name) from None


def decode_stream(file: IO[bytes], start: bytes, count: int, side: int, name: str | None) -> Film:
    """A film that FFmpeg reads."""
    try:
        import av
    except ImportError:
        raise MissingExtra("A film other than a GIF", "av", "video") from None
    try:
        with ExitStack() as stack:
            film = Reader(file, stack, side, name).read(count)
        if film is None:
            raise CellError("Not one frame of the film can be decoded.", hint="Write it again with another program.", file=name)
        return film
    except (av.error.FFmpegError, ValueError, MemoryError, OverflowError, EOFError) as error:
        if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
            what = f"The {'file' if name else 'cell'} is a text, not a film; it begins with {shorten(start.decode('ascii'), 30)}."
            raise CellError(what, file=name) from None
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise CellError(f"The film cannot be read: {said.rstrip('.')}.", hint="It may be cut off, or be no film.", file=name) from None


class Reader:
    """One open film. Times are whole numbers of the stream's unit; a film without times is counted in frames.

    Raises:
        CellError: There are no moving pictures in it, or they are too large.
    """

    def __init__(self, file: IO[bytes], stack: ExitStack, side: int, name: str | None) -> None:
        from av.video.reformatter import VideoReformatter

        self.file, self.stack, self.side, self.name = file, stack, side, name
        self.open()
        self.unit = float(self.stream.time_base or Fraction(1, 25))
        self.scaler = VideoReformatter()
        self.size: tuple[int, int] | None = None
        self.turned = 0
        self.decoded = 0
        self.begin = self.end = 0.0

    def open(self) -> None:
        """From the first byte."""
        import av

        self.file.seek(0)
        # As an open file and not by its name: FFmpeg then opens nothing by itself.
        options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
        self.container: InputContainer = self.stack.enter_context(av.open(self.file, mode="r", options=options))
        self.stream = film_stream(self.container, self.name)
        self.context = self.stream.codec_context
        check_size(self.context.width, self.context.height, self.name)
        # The size that the header says need not be the size that the frames have.
        self.context.options = {"max_pixels": str(MAX_PIXELS)}
        self.context.thread_count = 1

    def read(self, count: int) -> Film | None:
        """Up to ``count`` frames; None where there is none."""
        length = self.said_seconds()
        found = self.key_frames(count, length) if length > LONG else {}
        if len(found) < min(count, ENOUGH):
            marks = self.scan()
            work = max(LEAST_WORK, min(MOST_DECODED, MOST_WORK // max(1, self.context.width * self.context.height)))
            found = self.decode(plan(marks, count, work), marks, 2 * work + 2 * count) if len(marks) else {}
        if not found:
            return None
        order = sorted(found)
        times = np.maximum(np.array(order, dtype=np.float64) * self.unit - self.begin, 0)
        frames = np.rot90(np.stack([found[time] for time in order]), self.turned, axes=(1, 2))
        seconds = max(self.end - self.begin, float(times[-1]))
        return Film(np.ascontiguousarray(frames), times.astype(np.float32), seconds)

    def said_seconds(self) -> float:
        """How long the header says that the film is; 0 where it does not."""
        if self.stream.duration:
            return float(self.stream.duration) * self.unit
        return float(self.container.duration or 0) / 1e6

    def key_frames(self, count: int, length: float) -> dict[int, np.ndarray]:
        """The key frames before ``count`` evenly spread moments, by time: a seek and one decoded frame each."""
        import av

        begin = (self.stream.start_time or 0) * self.unit
        self.begin, self.end = begin, begin + length
        self.context.skip_frame = "NONKEY"
        found: dict[int, np.ndarray] = {}
        for index in range(count):
            try:
                self.container.seek(round((begin + (index + 0.5) * length / count) / self.unit), stream=self.stream)
            except av.error.FFmpegError:
                continue
            frame = next(self.frames(), None)
            if frame is not None and frame.pts is not None and frame.pts not in found:
                found[frame.pts] = self.picture(frame)
        self.context.skip_frame = "DEFAULT"
        self.again()
        return found

    def scan(self) -> np.ndarray:
        """What the packets say, none of them decoded: ``[P, 2] int64``, when a frame is shown and whether decoding can begin with it."""
        import av

        marks, shown, timed = array("q"), array("q"), True
        try:
            for packet in self.container.demux(self.stream):
                if not packet.size or packet.is_discard:
                    continue
                time = packet.pts if packet.pts is not None else packet.dts
                timed = timed and time is not None
                marks.extend((time or 0, packet.is_keyframe))
                shown.append(packet.duration or 0)
                if len(shown) >= MOST_PACKETS:
                    break
        except (av.error.FFmpegError, EOFError):  # cut off: what came before is used
            pass
        self.again()
        table = np.array(marks, dtype=np.int64).reshape(-1, 2)
        if not timed:
            table = np.stack([np.arange(len(table)), np.arange(len(table)) == 0], axis=1).astype(np.int64)
        if len(table):
            times = np.unique(table[:, 0])
            step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
            last = float(shown[int(table[:, 0].argmax())])
            self.begin = float(times[0]) * self.unit
            # How long the last frame stays is believed only where it is like the film before it.
            self.end = (float(times[-1]) + (max(step, min(last, float(times[-1] - times[0]))) or last)) * self.unit
        return table

    def decode(self, wanted: list[tuple[int, int]], marks: np.ndarray, most: int) -> dict[int, np.ndarray]:
        """The frames shown at the wanted times; for one that is broken, the next.

        Args:
            wanted: Times of a key frame and of the frame after it that is wanted, rising.
            marks: What ``scan`` gave.
            most: Frames to decode, at most.
        """
        times = np.unique(marks[:, 0])
        found: dict[int, np.ndarray] = {}
        source, here, self.decoded = self.frames(), int(times[0]) - 1, 0
        for key, time in wanted:
            if time <= here:
                continue
            if np.searchsorted(times, key) - np.searchsorted(times, here) > WORTH_A_SEEK and self.seek(key):
                source = self.frames()
            for frame in source:
                stamp = frame.pts if frame.pts is not None else frame.dts
                here = here + 1 if stamp is None else stamp
                self.decoded += 1
                if here >= time:
                    found.setdefault(here, self.picture(frame))
                    break
                if self.decoded > most:
                    return found
        return found

    def frames(self) -> Iterator[VideoFrame]:
        """Decoded frames from where the container stands; broken packets are passed over."""
        import av

        broken = 0
        packets = self.container.demux(self.stream)
        while broken < MOST_BROKEN:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, EOFError):
                packet = None
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, ValueError, MemoryError):
                frames = []
            broken = 0 if frames else broken + 1
            for frame in frames:
                check_size(frame.width, frame.height, self.name)
                yield frame
            if not packet.size:
                return

    def seek(self, time: int) -> bool:
        """To the key frame at or before a time; False where the film knows no places."""
        import av

        try:
            self.container.seek(time, stream=self.stream)
        except av.error.FFmpegError:
            return False
        return True

    def again(self) -> None:
        """Back to the beginning."""
        if self.stream.start_time is None or not self.seek(self.stream.start_time):
            self.open()

    def picture(self, frame: VideoFrame) -> np.ndarray:
        """``[H, W, 3] uint8``; all frames of a film have one size."""
        if self.size is None:
            self.size = reduced(frame, self.stream, self.side)
            self.turned = round(frame.rotation / 90) % 4
        width, height = self.size
        return self.scaler.reformat(frame, width, height, "rgb24", interpolation="BILINEAR").to_ndarray()


def film_stream(container: InputContainer, name: str | None) -> VideoStream:
    """The first stream of moving pictures; the picture on a record's cover is none."""
    from av.stream import Disposition

    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        heard = " It holds sound only; read it as audio." if container.streams.audio else ""
        raise CellError(f"There are no moving pictures in it.{heard}", file=name)
    if streams[0].codec_context is None:
        raise CellError("The film is of a sort that this FFmpeg cannot decode.", hint="Write it again as H.264 in MP4.", file=name)
    return streams[0]


def check_size(width: int, height: int, name: str | None) -> None:
    if width * height > MAX_PIXELS:
        what = f"A frame of the film has {width:,} x {height:,} pixels; more than {MAX_PIXELS // 10**6} million are not read."
        raise CellError(what, hint="Make it smaller.", file=name)
