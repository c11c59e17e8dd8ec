"""Which frames of a film to decode, and how large to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["plan", "reduced"]


def reduced(frame: VideoFrame, stream: VideoStream, side: int) -> tuple[int, int]:
    """Width and height to which a frame is brought: pixels that are not square become so, and the short side ``side`` at most."""
    width, height = float(frame.width), float(frame.height)
    ratio = float(stream.sample_aspect_ratio or 1)
    if 0.2 < ratio < 5:
        width *= ratio
    scale = min(1.0, side / max(1.0, min(width, height)))
    # A strip of 4 x 30,000 pixels keeps its proportions only as far as that is any use.
    most = 8 * side
    return max(1, min(most, round(width * scale))), max(1, min(most, round(height * scale)))


def plan(marks: np.ndarray, count: int, work: int) -> list[tuple[int, int]]:
    """Which frames to decode, and from which key frame on.

    Args:
        marks: ``[P, 2] int64``: when each frame is shown, and whether decoding can begin with it.
        count: Frames at most.
        work: Frames at most that may be decoded for that.

    >>> marks = np.array([[0, 1], [1, 0], [2, 0], [3, 1], [4, 0], [5, 0]])
    >>> plan(marks, 2, 100), plan(marks, 2, 2)
    ([(0, 1), (3, 4)], [(0, 0), (3, 3)])
    """
    times = np.unique(marks[:, 0])
    keys = np.unique(np.concatenate([times[:1], marks[marks[:, 1] != 0, 0]]))  # something has to be the first
    if len(times) <= count:
        chosen = times
    else:
        first, last = float(times[0]), float(times[-1])
        step = (last - first) / (len(times) - 1)
        moments = first + (np.arange(count) + 0.5) * ((last - first + step) / count)
        chosen = np.unique(times[np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 1)])
    places = np.searchsorted(times, chosen)
    starts = np.searchsorted(times, keys)
    group = np.searchsorted(starts, places, side="right") - 1
    offsets = places - starts[group]
    needed = sum(int(offsets[group == one].max()) + 1 for one in np.unique(group))
    if needed > work:  # frames in between cost too much: those near their key frame stand for them
        room = max(0, work // len(np.unique(group)) - 1)
        for one in np.unique(group):
            mine = np.flatnonzero(group == one)
            if offsets[mine].max() > room:
                offsets[mine] = np.linspace(0, room, len(mine) + 1)[:-1].astype(np.int64)
        places = starts[group] + offsets
    return sorted({(int(keys[one]), int(times[place])) for one, place in zip(group.tolist(), places.tolist(), strict=True)})
