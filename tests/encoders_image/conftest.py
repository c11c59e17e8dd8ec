"""A kind whose values are the decoded pictures themselves, and pictures of odd sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import CellError
from consilience.data.kinds import Cells, Evidence, Kind, Parsed, Profile


class Arrays(Kind):
    """Values are arrays; the text "broken" cannot be decoded."""

    modality = "image"
    media = True

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "a fake")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            raise CellError("It is not a picture.", found=value)
        return value

    def thumbnail(self, value: Any) -> str:
        return ""


def draw(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with edges and colours."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    return coarse.repeat(8 if height >= 8 else height, axis=0).repeat(8 if width >= 8 else width, axis=1)[:height, :width].copy()


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    return draw


@pytest.fixture
def odd_pictures() -> list[np.ndarray]:
    return [draw(1, 1), draw(1, 500), draw(2000, 3), draw(40, 56, 1), draw(224, 224, 2)]


@pytest.fixture
def cells() -> Callable[..., dict[str, Cells]]:
    """Pictures, None for absent, as the one column ``icon``."""

    def make(*pictures: np.ndarray | str | None) -> dict[str, Cells]:
        values = np.empty(len(pictures), dtype=object)
        values[:] = list(pictures)
        return {"icon": Cells("icon", Arrays(), values, np.array([part is not None for part in pictures], dtype=bool))}

    return make


@pytest.fixture
def alone() -> Callable[[Any, list[np.ndarray]], None]:
    """Checks that a frozen encoder gives the same vectors in a batch and one by one, finite, of its width, twice the same."""

    def check(encoder: Any, pictures: list[np.ndarray]) -> None:
        items = [encoder.prepare(part) for part in pictures]
        values, mask = encoder.encode(encoder.collate(items))
        assert values.dtype == np.float32
        assert mask.dtype == bool
        assert mask.all()
        assert values.shape[0] == len(pictures)
        assert values.shape[2] == encoder.width
        assert mask.shape == values.shape[:2]
        assert np.isfinite(values).all()
        again, _ = encoder.encode(encoder.collate(items))
        np.testing.assert_array_equal(values, again)
        for row, item in enumerate(items):
            one, _ = encoder.encode(encoder.collate([item]))
            np.testing.assert_allclose(one[0], values[row], rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(values[row]).max())))
        assert np.abs(values[3] - values[4]).max() > 1e-3 * np.abs(values[3]).max(), "two different pictures must not look alike"

    return check
