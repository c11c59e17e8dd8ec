"""Draws short films of emoji that move: which group the emoji is of, and which of eight motions it makes.

Each film shows one drawing on a coloured ground: it goes left, right, up or down, round with or against the clock, grows or shrinks, or shakes.
Pace, place, size, ground and noise change from film to film. No emoji of ``valid.csv`` or ``test.csv`` has a relative in ``train.csv``.
Drawings: OpenMoji (CC BY-SA 4.0). Films: MP4 (H.264), 64 to 96 pixels, 16 to 24 frames.

    python examples/moving_emoji.py --clips 4000 --out demo/moving_emoji
"""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import resvg_py
from PIL import Image

import openmoji

MOTIONS = ("left", "right", "up", "down", "clockwise", "anticlockwise", "zoom", "shake")
COLUMNS = ("clip", "group", "motion", "name")
SHARES = {"train": 0.65, "valid": 0.1, "test": 0.25}
SHARP = 96
"""Pixels in which a drawing is rendered; films show it smaller."""


class Clip(NamedTuple):
    """One film before it is drawn."""

    file: str
    row: openmoji.Row
    motion: str
    seed: int


def path_of(motion: str, number: int, draw: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Place (right, down; -1 to 1) and size (1 is usual) in each frame."""
    way, start, turns = draw.uniform(0.7, 1.3), draw.uniform(-0.3, 0.3), draw.uniform(0.8, 1.5)
    phase, radius, grows = draw.uniform(0, 2 * math.pi), draw.uniform(0.5, 0.9), 1 if draw.random() < 0.5 else -1
    still = draw.uniform(-0.3, 0.3, 2)
    jitter = draw.uniform(0.12, 0.3) * draw.normal(size=(number, 2))
    for step in range(number):
        share = step / (number - 1)
        along = (share - 0.5) * 2 * way
        if motion in ("left", "right"):
            yield (along if motion == "right" else -along), start, 1.0
        elif motion in ("up", "down"):
            yield start, (along if motion == "down" else -along), 1.0
        elif motion in ("clockwise", "anticlockwise"):
            angle = phase + 2 * math.pi * turns * share * (
                1 if motion == "clockwise" else -1
            )  # down is positive: a growing angle goes with the clock
            yield radius * math.cos(angle), radius * math.sin(angle), 1.0
        elif motion == "zoom":
            yield still[0], still[1], math.exp(grows * (share - 0.5) * 1.4 * way)
        else:
            yield still[0] + jitter[step, 0], still[1] + jitter[step, 1], 1.0


def frames_of(clip: Clip) -> list[np.ndarray]:
    """The film as ``[S, S, 3] uint8`` frames."""
    draw = np.random.default_rng(clip.seed)
    side, number = int(draw.integers(32, 49)) * 2, int(draw.integers(16, 25))
    png = resvg_py.svg_to_bytes(svg_string=clip.row.svg, width=SHARP, height=SHARP, skip_system_fonts=True)
    drawing = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    ground, size = draw.integers(150, 256, 3), draw.uniform(0.36, 0.52) * side
    noise = draw.uniform(0, 6)
    frames = []
    for right, down, scale in path_of(clip.motion, number, draw):
        length = max(4, round(size * scale))
        room = (side - size) / 2  # the drawing stays in sight, whatever the motion
        place = (round(side / 2 + right * room - length / 2), round(side / 2 + down * room - length / 2))
        frame = Image.new("RGB", (side, side), tuple(ground.tolist()))
        small = drawing.resize((length, length), Image.Resampling.BILINEAR, reducing_gap=2.0)
        frame.paste(small, place, small)
        pixels = np.asarray(frame, dtype=np.float32) + draw.normal(0, noise, (side, side, 1)).astype(np.float32)
        frames.append(np.clip(pixels, 0, 255).astype(np.uint8))
    return frames


def write_film(path: Path, frames: list[np.ndarray], rate: int = 12) -> None:
    """An MP4 file, written beside and then renamed."""
    beside = path.with_suffix(".new")
    with av.open(str(beside), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate, options={"crf": "23", "preset": "veryfast", "threads": "1"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    beside.rename(path)


def plan(clips: int, seed: int) -> dict[str, list[Clip]]:
    """Which emoji makes which motion: motions take turns, emoji too, each part with its own emoji."""
    draw = np.random.default_rng(seed)
    rows, planned, number = openmoji.split(openmoji.collect()), {}, 0
    for part, share in SHARES.items():
        count = round(clips * share)
        order = np.concatenate([draw.permutation(len(rows[part])) for _ in range(math.ceil(count / len(rows[part])))])[:count]
        motions = draw.permutation(np.arange(count) % len(MOTIONS))
        planned[part] = [
            Clip(f"clips/{number + place:05d}.mp4", rows[part][row], MOTIONS[motion], int(draw.integers(2**31)))
            for place, (row, motion) in enumerate(zip(order.tolist(), motions.tolist(), strict=True))
        ]
        number += count
    return planned


def build(folder: Path, clips: int = 4000, seed: int = 0) -> dict[str, int]:
    """Writes ``train.csv``, ``valid.csv``, ``test.csv`` and ``clips/`` unless they are there; gives the rows of each part."""
    planned = plan(clips, seed)
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    for part, chosen in planned.items():
        if (folder / f"{part}.csv").exists():
            continue
        with ThreadPoolExecutor() as threads:
            list(threads.map(partial(write_clip, folder), chosen))
        with open(folder / f"{part}.csv.new", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows((clip.file, clip.row.group, clip.motion, clip.row.name) for clip in chosen)
        (folder / f"{part}.csv.new").rename(folder / f"{part}.csv")
    return {part: len(chosen) for part, chosen in planned.items()}


def write_clip(folder: Path, clip: Clip) -> None:
    write_film(folder / clip.file, frames_of(clip))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4000, help="how many films in all")
    parser.add_argument("--out", type=Path, default=Path("demo/moving_emoji"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(build(chosen.out, chosen.clips, chosen.seed))
