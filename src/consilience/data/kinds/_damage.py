"""Damage of a picture in five strengths, by family. Source: Hendrycks and Dietterich (2019), ImageNet-C.

With the same generator a severity draws the same noise, flakes and directions as the one before, only more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from consilience.data.kinds._damage_blur import defocus_blur, glass_blur, motion_blur, zoom_blur
from consilience.data.kinds._damage_weather import fog, frost, snow
from consilience.data.kinds._pictures import blur, brightness, gaussian_noise, occlusion, to_pixels

__all__ = ["DAMAGE"]


def shot_noise(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """As in too little light: 60 photons at white at severity 1, 3 at 5."""
    if severity == 0:
        return decoded
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return to_pixels(generator.poisson(decoded / 255 * photons) * (255 / photons))


def impulse_noise(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Black and white dots, each colour by itself: 3 % of the values at severity 1, 27 % at 5."""
    if severity == 0:
        return decoded
    hit = generator.random(decoded.shape) < (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    return np.where(hit, np.where(generator.random(decoded.shape) < 0.5, np.uint8(0), np.uint8(255)), decoded)


def contrast(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """40 % of the contrast left at severity 1, 5 % at 5."""
    if severity == 0:
        return decoded
    mean = decoded.mean(axis=(0, 1))
    return to_pixels((decoded - mean) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1] + mean)


def elastic(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Bent like rubber: places move by 1 % of the short side on average at severity 1, 6 % at 5. Source: Simard et al. (2003)."""
    if severity == 0:
        return decoded
    height, width = decoded.shape[:2]
    side = min(height, width)
    moves = [gaussian_filter(generator.standard_normal((height, width)), max(1.0, 0.1 * side), mode="wrap") for _ in range(2)]
    size = max(float(np.hypot(*moves).mean()), 1e-12)
    reach = max(0.2 * severity, (0.01, 0.02, 0.03, 0.045, 0.06)[severity - 1] * side)
    places = [grid + reach / size * move for grid, move in zip(np.indices((height, width)), moves, strict=True)]
    bent = [map_coordinates(decoded[:, :, colour].astype(np.float32), places, order=1, mode="nearest") for colour in range(3)]
    return to_pixels(np.stack(bent, axis=2))


def pixelate(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """In squares: 60 % of the pixels of each side left at severity 1, 8 % at 5."""
    if severity == 0:
        return decoded
    share = (0.6, 0.4, 0.25, 0.14, 0.08)[severity - 1]
    height, width = decoded.shape[:2]
    small = Image.fromarray(decoded).resize((max(1, round(share * width)), max(1, round(share * height))), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST))


def jpeg(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Written as a JPEG of quality 25 at severity 1, 3 at 5."""
    if severity == 0:
        return decoded
    buffer = BytesIO()
    Image.fromarray(decoded).save(buffer, "JPEG", quality=(25, 18, 12, 7, 3)[severity - 1])
    return np.asarray(Image.open(buffer))


def rotation(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Turned by 4 degrees at severity 1, 30 at 5, either way; the corners are filled with the mean colour of the border."""
    if severity == 0:
        return decoded
    degrees = (4, 8, 14, 21, 30)[severity - 1] * (1 if generator.random() < 0.5 else -1)
    return np.asarray(Image.fromarray(decoded).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=border(decoded)))


def translation(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Moved to the left, to the right, up or down, by 2 % of the side at severity 1, 14 % at 5; the border is drawn out."""
    if severity == 0:
        return decoded
    axis, way = int(generator.integers(2)), 1 if generator.random() < 0.5 else -1
    length = decoded.shape[axis]
    by = way * max(1, round((0.02, 0.04, 0.07, 0.1, 0.14)[severity - 1] * length))
    moved: np.ndarray = np.take(decoded, np.clip(np.arange(length) - by, 0, length - 1), axis=axis)
    return moved


def border(decoded: np.ndarray) -> tuple[int, ...]:
    """The mean colour of the outermost pixels."""
    edges = (decoded[0], decoded[-1], decoded[:, 0], decoded[:, -1])
    return tuple(round(float(part)) for part in np.concatenate(edges).mean(axis=0))


DAMAGE: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "blur": blur,
    "defocus_blur": defocus_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "snow": snow,
    "frost": frost,
    "fog": fog,
    "brightness": brightness,
    "contrast": contrast,
    "elastic": elastic,
    "pixelate": pixelate,
    "jpeg": jpeg,
    "rotation": rotation,
    "translation": translation,
    "occlusion": occlusion,
}
