"""Damage of a picture in five strengths. Source: Hendrycks and Dietterich (2019). The small changes that leave its meaning stand beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from consilience.data.kinds._picture_changes import AUGMENTATIONS

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]


def gaussian_noise(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Noise of 8 % of the range at severity 1, 38 % at 5."""
    if severity == 0:
        return decoded
    noise = generator.normal(0.0, 255 * (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], size=decoded.shape)
    return to_pixels(decoded + noise)


def blur(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Gaussian blur with a radius of 0.5 % of the short side at severity 1, 4 % at 5."""
    if severity == 0:
        return decoded
    radius = max(0.5, (0.005, 0.01, 0.016, 0.025, 0.04)[severity - 1] * min(decoded.shape[:2]))
    return np.asarray(Image.fromarray(decoded).filter(ImageFilter.GaussianBlur(radius)))


def brightness(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Brighter or darker by 10 % of the range at severity 1, 50 % at 5."""
    if severity == 0:
        return decoded
    return to_pixels(decoded + 25.5 * severity * (1 if generator.random() < 0.5 else -1))


def occlusion(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """A grey square over 5 % of the picture at severity 1, 50 % at 5."""
    if severity == 0:
        return decoded
    side = (0.05, 0.12, 0.2, 0.33, 0.5)[severity - 1] ** 0.5
    height, width = (max(1, round(side * length)) for length in decoded.shape[:2])
    top = int(generator.integers(decoded.shape[0] - height + 1))
    left = int(generator.integers(decoded.shape[1] - width + 1))
    out = decoded.copy()
    out[top : top + height, left : left + width] = 127
    return out


def to_pixels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "gaussian_noise": gaussian_noise,
    "blur": blur,
    "brightness": brightness,
    "occlusion": occlusion,
}
