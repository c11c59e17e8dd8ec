"""Films as decoded cells, and a kind whose values are films."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Cells, Evidence, Kind, Parsed, Profile
from consilience.data.kinds._film import Film
from consilience.testing._fake_video import fake_video_column


class Films(Kind):
    """Values are films; the text "broken" cannot be decoded."""

    modality = "video"
    media = True

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "a fake")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            raise CellError("It is not a film.", found=value)
        return value

    def thumbnail(self, value: Any) -> str:
        return ""


MOTIONS = ("left", "right", "up", "down", "clockwise", "anticlockwise", "zoom", "shake")


def draw(motion: str, seed: int = 0, number: int = 16, side: int = 64) -> Film:
    """A striped square of some colour that moves over another."""
    random = np.random.default_rng(seed)
    ground, ink = random.integers(120, 256, 3), random.integers(0, 110, (2, 3))
    length, phase, start = random.integers(14, 20), random.uniform(0, 2 * np.pi), random.uniform(-6, 6)
    number += int(random.integers(0, 8))
    pace = random.uniform(0.8, 1.3)
    frames = np.empty((number, side, side, 3), dtype=np.uint8)
    frames[...] = ground
    for step in range(number):
        share = step / (number - 1)
        along, angle = (share - 0.5) * 36 * pace, phase + 2 * np.pi * pace * share
        down, right, size = start, start, length
        if motion in ("left", "right"):
            right = along if motion == "right" else -along
        elif motion in ("up", "down"):
            down = along if motion == "down" else -along
        elif motion in ("clockwise", "anticlockwise"):
            turn = angle if motion == "clockwise" else -angle
            down, right = 18 * np.sin(turn), 18 * np.cos(turn)
        elif motion == "zoom":
            size = int(length * np.exp((share - 0.5) * 1.4))
        else:
            down, right = start + random.normal(0, 4), start + random.normal(0, 4)
        top, left = (int(np.clip(round(side / 2 + place - size / 2), 0, side - size)) for place in (down, right))
        frames[step, top : top + size, left : left + size] = ink[0]
        frames[step, top + size // 3 : top + 2 * size // 3, left : left + size] = ink[1]
    return Film(frames, np.arange(number, dtype=np.float32) / 12, number / 12)


@pytest.fixture
def motions() -> tuple[str, ...]:
    return MOTIONS


@pytest.fixture
def moving() -> Callable[..., Film]:
    return draw


@pytest.fixture
def odd_films() -> list[Film]:
    """One pixel, one frame, two equal times, no length, a strip, nothing but black, noise that never stops."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 40, 30, 3), dtype=np.uint8)
    shapes = ((1, 1, 1), (1, 30, 40), (2, 20, 20), (3, 9, 9), (5, 2, 300), (32, 16, 16))
    films = [Film(np.zeros((*shape, 3), dtype=np.uint8), np.zeros(shape[0], dtype=np.float32), 0.0) for shape in shapes]
    return [*films, Film(noise, np.arange(32, dtype=np.float32) ** 2, 1e9)]


@pytest.fixture
def cells() -> Callable[..., dict[str, Cells]]:
    """Films, None for absent, as the one column ``clip``."""

    def make(*films: Any) -> dict[str, Cells]:
        values = np.empty(len(films), dtype=object)
        values[:] = list(films)
        return {"clip": Cells("clip", Films(), values, np.array([film is not None for film in films], dtype=bool))}

    return make


@pytest.fixture
def column() -> dict[str, Cells]:
    """A column as read, row 0 absent."""
    kind = KINDS.get("video")()
    parsed = kind.parse(fake_video_column(14))
    return {"clip": Cells("clip", kind, parsed.values, parsed.present)}
