"""Pictures in snow, frost and fog, drawn from noise. Source: Hendrycks and Dietterich (2019), ImageNet-C; Perlin (1985), noise in octaves.

The picture's own snow is laid thicker from one severity to the next: flakes that are there at 2 are there at 3.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from consilience.data.kinds._damage_blur import filtered, line
from consilience.data.kinds._pictures import to_pixels

__all__ = ["fog", "frost", "snow"]


def snow(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Falling flakes over 3 % of the picture at severity 1, a third at 5, and paler colours."""
    if severity == 0:
        return decoded
    height, width = decoded.shape[:2]
    size = max(1.0, 0.012 * min(height, width))
    grid = generator.random((max(1, round(height / size)), max(1, round(width / size)))).astype(np.float32)
    angle = np.deg2rad(generator.uniform(50, 130))
    share = (0.03, 0.07, 0.13, 0.22, 0.34)[severity - 1]
    flakes = resized((grid > np.quantile(grid, 1 - share)).astype(np.float32), height, width)
    flakes = filtered((255 * np.clip(flakes, 0, 1)).astype(np.uint8)[:, :, None], line(max(2.0, 3 * size), angle))[:, :, 0] / 255
    pale = (0.1, 0.15, 0.22, 0.3, 0.4)[severity - 1]
    grey = decoded.mean(axis=2, keepdims=True)
    whitened = (1 - pale) * decoded + pale * np.maximum(decoded, 0.6 * grey + 102)
    cover = np.clip(1.6 * flakes, 0, 1)[:, :, None]
    return to_pixels(whitened * (1 - cover) + 250 * cover)


def fog(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Drifts of light grey over the whole picture: 25 % on average at severity 1, 75 % at 5."""
    if severity == 0:
        return decoded
    drifts = 0.5 + 0.5 * octaves(decoded.shape[0], decoded.shape[1], generator)
    cover = np.clip((0.33, 0.47, 0.62, 0.8, 1.0)[severity - 1] * drifts, 0, 0.97)[:, :, None]
    return to_pixels(decoded * (1 - cover) + 225 * cover)


def frost(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Ice in veins, thickest at the edges: 15 % cover at severity 1, 65 % at 5."""
    if severity == 0:
        return decoded
    height, width = decoded.shape[:2]
    veins = 1 - np.abs(2 * octaves(height, width, generator, coarsest=6, fade=0.75) - 1)
    rows, columns = np.abs(np.linspace(-1, 1, height))[:, None], np.abs(np.linspace(-1, 1, width))[None, :]
    ice = 0.65 * veins**2 + 0.35 * np.maximum(rows, columns) ** 2
    cover = np.clip((0.3, 0.5, 0.75, 1.0, 1.35)[severity - 1] * ice, 0, 0.95)[:, :, None]
    return to_pixels(decoded * (1 - cover) + np.array([222, 234, 245]) * cover)


def octaves(height: int, width: int, generator: np.random.Generator, coarsest: int = 2, fade: float = 0.5) -> np.ndarray:
    """``[H, W]`` from 0 to 1: random hills, and on them smaller ones, each time ``fade`` as high."""
    total = np.zeros((height, width), dtype=np.float32)
    high, cells = 1.0, coarsest
    for _ in range(6):
        # Drawn in any case, so that what comes after in the generator does not hang on the picture's size.
        hills = generator.random((cells + 1, cells + 1)).astype(np.float32)
        if cells <= max(coarsest, 0.5 * max(height, width)):
            total += high * resized(hills, height, width)
        high, cells = high * fade, cells * 2
    low, top = float(total.min()), float(total.max())
    return (total - low) / (top - low) if top > low else np.full_like(total, 0.5)


def resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC))
