"""Small changes of a picture that mostly leave its meaning. Source: Cubuk et al. (2020), RandAugment; Zhong et al. (2020), random erasing.

Not all suit all pictures: left and right matter in writing, colour matters in a question about colours. Whoever takes one knows what it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

__all__ = ["AUGMENTATIONS", "randaugment"]

Operation = Callable[[Image.Image, float, np.random.Generator], Image.Image]


def crop(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A part with 80 to 100 % of each side."""
    height, width = (max(1, round(length * generator.uniform(0.8, 1.0))) for length in decoded.shape[:2])
    top = int(generator.integers(decoded.shape[0] - height + 1))
    left = int(generator.integers(decoded.shape[1] - width + 1))
    return np.ascontiguousarray(decoded[top : top + height, left : left + width])


def flip(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Left and right changed in half of the draws."""
    return np.ascontiguousarray(decoded[:, ::-1]) if generator.random() < 0.5 else decoded


def rotate(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turned by up to 15 degrees; what comes in at the corners is the picture itself, reflected."""
    return turned(decoded, float(generator.uniform(-15, 15)))


def colour(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Brightness, contrast and saturation by up to 30 %, hue by up to 5 % of the circle."""
    image = Image.fromarray(decoded)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(float(generator.uniform(0.7, 1.3)))
    return np.asarray(hued(image, float(generator.uniform(-0.05, 0.05))))


def blur(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A Gaussian blur with a radius of up to 1.5 % of the short side, or up to a pixel where that is more."""
    radius = float(generator.uniform(0, max(1.0, 0.015 * min(decoded.shape[:2]))))
    return np.asarray(Image.fromarray(decoded).filter(ImageFilter.GaussianBlur(radius)))


def erase(decoded: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A rectangle of 2 to 20 % of the picture filled with its mean colour."""
    area, tall = float(generator.uniform(0.02, 0.2)), float(np.exp(generator.uniform(-1, 1)))
    height = min(decoded.shape[0], max(1, round(decoded.shape[0] * (area * tall) ** 0.5)))
    width = min(decoded.shape[1], max(1, round(decoded.shape[1] * (area / tall) ** 0.5)))
    top = int(generator.integers(decoded.shape[0] - height + 1))
    left = int(generator.integers(decoded.shape[1] - width + 1))
    out = decoded.copy()
    out[top : top + height, left : left + width] = np.round(decoded.mean(axis=(0, 1))).astype(np.uint8)
    return out


def randaugment(decoded: np.ndarray, generator: np.random.Generator, count: int = 2, magnitude: float = 0.3) -> np.ndarray:
    """Some operations out of a list, one after another, each of the same strength. Source: Cubuk et al. (2020).

    Args:
        decoded: ``[H, W, 3] uint8``.
        count: How many operations; one can come twice.
        magnitude: 0 changes next to nothing, 1 as much as the paper's 10.

    >>> grey = np.full((4, 6, 3), 90, dtype=np.uint8)
    >>> randaugment(grey, np.random.default_rng(0)).shape
    (4, 6, 3)
    """
    image = Image.fromarray(decoded)
    for place in generator.integers(len(OPERATIONS), size=count).tolist():
        image = OPERATIONS[place](image, magnitude, generator)
    return np.ascontiguousarray(np.asarray(image))


def turned(decoded: np.ndarray, degrees: float) -> np.ndarray:
    height, width = decoded.shape[:2]
    across = round(0.5 * (height**2 + width**2) ** 0.5)
    edge = (min(across, max(0, height - 1)), min(across, max(0, width - 1)))
    # A reflected border needs another pixel to reflect; a line of one pixel is simply drawn out.
    wide = np.pad(decoded, ((edge[0], edge[0]), (0, 0), (0, 0)), mode="reflect" if edge[0] else "edge")
    wide = np.pad(wide, ((0, 0), (edge[1], edge[1]), (0, 0)), mode="reflect" if edge[1] else "edge")
    made = np.asarray(Image.fromarray(wide).rotate(degrees, Image.Resampling.BILINEAR))
    return np.ascontiguousarray(made[edge[0] : edge[0] + height, edge[1] : edge[1] + width])


def hued(image: Image.Image, share: float) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    moved = hue.point([(level + round(256 * share)) % 256 for level in range(256)])
    return Image.merge("HSV", (moved, saturation, value)).convert("RGB")


def sign(generator: np.random.Generator) -> float:
    return 1.0 if generator.random() < 0.5 else -1.0


def enhanced(enhancer: Callable[[Image.Image], Any]) -> Operation:
    def change(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
        made: Image.Image = enhancer(image).enhance(1 + 0.9 * magnitude * sign(generator))
        return made

    return change


def affine(image: Image.Image, matrix: tuple[float, float, float, float, float, float]) -> Image.Image:
    mean = tuple(round(float(part)) for part in np.asarray(image).mean(axis=(0, 1)))
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=mean)


def turn(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return Image.fromarray(turned(np.asarray(image), 30 * magnitude * sign(generator)))


def shear_x(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    by = 0.3 * magnitude * sign(generator)
    return affine(image, (1, by, -by * image.height / 2, 0, 1, 0))


def shear_y(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    by = 0.3 * magnitude * sign(generator)
    return affine(image, (1, 0, 0, by, 1, -by * image.width / 2))


def move_x(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return affine(image, (1, 0, 0.3 * magnitude * sign(generator) * image.width, 0, 1, 0))


def move_y(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return affine(image, (1, 0, 0, 0, 1, 0.3 * magnitude * sign(generator) * image.height))


def leave(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return image


def stretch(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return ImageOps.autocontrast(image)


def even(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return ImageOps.equalize(image)


def coarse(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return ImageOps.posterize(image, 8 - round(4 * magnitude))


def solar(image: Image.Image, magnitude: float, generator: np.random.Generator) -> Image.Image:
    return ImageOps.solarize(image, 256 - round(256 * magnitude))


OPERATIONS: tuple[Operation, ...] = (
    leave, stretch, even, turn, solar, coarse, shear_x, shear_y, move_x, move_y,
    enhanced(ImageEnhance.Color), enhanced(ImageEnhance.Contrast), enhanced(ImageEnhance.Brightness), enhanced(ImageEnhance.Sharpness),
)  # fmt: skip
"""The fourteen of the paper."""

AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {
    "crop": crop,
    "flip": flip,
    "rotate": rotate,
    "colour": colour,
    "blur": blur,
    "erase": erase,
    "randaugment": randaugment,
}
