"""How fast sounds and films are read, against bare loops over soundfile (and soxr) and PyAV that do the same work.

    [CONSILIENCE_DATA=FOLDER] python benchmarks/decoding.py [--only short resampled long films] [--rounds 15]

``short``: half a second of 16,000 samples a second, WAV. ``bytes``: the same, as cells that hold them. ``resampled``: half a second of 8,000,
FLAC, as recordings of single words come; those of the set ``fsdd`` where ``CONSILIENCE_DATA`` is set. ``long``: two minutes of stereo at 44,100.
``films``: six seconds of 320 x 240 at 25 frames a second, H.264, all frames decoded by the bare loop and 32 taken, scaled like ours; ours decodes
what it needs. The bare loop gives float32 of one channel at 16,000 samples a second; it checks nothing.

Both run in turns; CPU seconds of a round are compared, and the median of the ratios is printed with the smallest and largest: above 1 ours is
faster. All files are made here but those of ``fsdd``, and have been read once before they are measured.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from consilience.data.kinds import KINDS

RATE, FRAMES, SIDE = 16_000, 32, 256
Cell = Path | bytes


def sounds(folder: Path, count: int, seconds: float, rate: int, channels: int, suffix: str) -> list[Cell]:
    """Tones with noise."""
    made: list[Cell] = []
    for index in range(count):
        draw, moments = np.random.default_rng(index), np.arange(int(seconds * rate)) / rate
        tone = 0.3 * np.sin(2 * np.pi * draw.uniform(100, 2000) * moments)[:, None] + draw.normal(0, 0.05, (len(moments), channels))
        made.append(folder / f"{rate}-{channels}-{index}{suffix}")
        soundfile.write(made[-1], tone.astype(np.float32), rate)
    return made


def films(folder: Path, count: int) -> list[Cell]:
    """A bright square that moves over a grained ground."""
    made: list[Cell] = []
    for index in range(count):
        draw = np.random.default_rng(index)
        made.append(folder / f"{index}.mp4")
        ground = draw.integers(0, 120, (240, 320, 3)).astype(np.uint8)
        with av.open(str(made[-1]), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt, stream.time_base = 320, 240, "yuv420p", Fraction(1, 25)
            for place in range(150):
                picture = ground.copy()
                picture[60:120, 2 * place % 250 : 2 * place % 250 + 60] = 250
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
    return made


def bare_sound(cell: Cell) -> np.ndarray:
    """One channel at 16,000 samples a second."""
    samples, rate = soundfile.read(io.BytesIO(cell) if isinstance(cell, bytes) else cell, dtype="float32")
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="HQ")


def bare_film(cell: Cell) -> np.ndarray:
    """32 frames, evenly spread over those that a stream holds."""
    with av.open(str(cell)) as container:
        stream = container.streams.video[0]
        wanted = set(np.linspace(0, stream.frames - 1, FRAMES).round().astype(int).tolist())
        scale = min(1.0, SIDE / min(stream.width, stream.height))
        size = {"width": round(stream.width * scale), "height": round(stream.height * scale)}
        return np.stack([frame.to_ndarray(format="rgb24", **size) for place, frame in enumerate(container.decode(stream)) if place in wanted])


def spoken(data: Path | None, folder: Path) -> list[Cell]:
    """Recordings of ``fsdd``, or sounds like them."""
    if data is not None and (data / "fsdd" / "audio").is_dir():
        return [*sorted((data / "fsdd" / "audio").iterdir())[:200]]
    return sounds(folder, 200, 0.5, 8_000, 1, ".flac")


def compare(cells: Sequence[Cell], ours: Callable[[Any], Any], bare: Callable[[Any], Any], rounds: int) -> dict[str, Any]:
    """Bare CPU seconds over ours."""
    for cell in cells:
        ours(cell), bare(cell)
    ratios, times = [], []
    for turn in range(rounds):
        took = {}
        for work in (ours, bare) if turn % 2 else (bare, ours):
            began = time.process_time()
            for cell in cells:
                work(cell)
            took[work] = time.process_time() - began
        ratios.append(took[bare] / took[ours])
        times.append((1e3 * took[ours] / len(cells), 1e3 * took[bare] / len(cells)))
    ours_ms, bare_ms = np.median(times, axis=0)
    shown = {"cells": len(cells), "ours_ms": round(float(ours_ms), 3), "bare_ms": round(float(bare_ms), 3)}
    return {**shown, "ratio": round(float(np.median(ratios)), 3), "range": [round(min(ratios), 3), round(max(ratios), 3)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = ("short", "bytes", "resampled", "long", "films")
    parser.add_argument("--only", nargs="+", choices=cases, default=list(cases))
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    data = Path(os.environ["CONSILIENCE_DATA"]) if os.environ.get("CONSILIENCE_DATA") else None
    hear, watch = KINDS.get("audio")().read, KINDS.get("video")().read
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made: dict[str, Callable[[], Sequence[Cell]]] = {
            "short": lambda: sounds(folder, 200, 0.5, RATE, 1, ".wav"),
            "bytes": lambda: [Path(str(path)).read_bytes() for path in sounds(folder, 200, 0.5, RATE, 1, ".wav")],
            "resampled": lambda: spoken(data, folder),
            "long": lambda: sounds(folder, 2, 120.0, 44_100, 2, ".wav"),
            "films": lambda: films(folder, 3),
        }
        for case in given.only:
            one, other = (watch, bare_film) if case == "films" else (hear, bare_sound)
            print(json.dumps({"case": case, **compare(made[case](), one, other, given.rounds)}), flush=True)


if __name__ == "__main__":
    main()
