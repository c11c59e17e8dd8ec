"""Changes of a film: five strengths of damage, and small changes that leave its meaning. Source: Hendrycks and Dietterich (2019), Yi et al. (2021).

The second paper: Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions. No change turns left into right, or forwards into
backwards: in a film a direction is often the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from consilience.data.kinds import _pictures
from consilience.data.kinds._film import Film

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]


def gaussian_noise(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """Noise of 8 % of the range at severity 1, 38 % at 5, other noise in each frame."""
    return each(decoded, severity, generator, _pictures.gaussian_noise)


def blur(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """Gaussian blur with a radius of 0.5 % of the short side at severity 1, 4 % at 5."""
    return each(decoded, severity, generator, _pictures.blur)


def compression(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """Each frame as a JPEG of quality 30 at severity 1, 2 at 5."""
    return each(decoded, severity, generator, squeeze)


def frame_drop(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """A tenth of the frames is lost at severity 1, eight tenths at 5; the frame before stays instead. The first one is never lost."""
    if severity == 0:
        return decoded
    kept = generator.random(len(decoded.frames)) >= (0.1, 0.25, 0.4, 0.6, 0.8)[severity - 1]
    kept[:1] = True
    return Film(decoded.frames[np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0))], decoded.times, decoded.seconds)


def speed(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """1.15 times as fast or as slow at severity 1, 3 times at 5: then the last frame stays, or the end is never reached."""
    if severity == 0:
        return decoded
    factor = (1.15, 1.35, 1.7, 2.2, 3.0)[severity - 1] ** (1 if generator.random() < 0.5 else -1)
    places = np.minimum(np.round(np.arange(len(decoded.frames)) * factor).astype(np.int64), len(decoded.frames) - 1)
    return Film(decoded.frames[places], decoded.times, decoded.seconds)


def brightness(decoded: Film, severity: int, generator: np.random.Generator) -> Film:
    """Brighter or darker by 10 % of the range at severity 1, 50 % at 5."""
    if severity == 0:
        return decoded
    shift = 25.5 * severity * (1 if generator.random() < 0.5 else -1)
    return Film(_pictures.to_pixels(decoded.frames + np.float32(shift)), decoded.times, decoded.seconds)


def crop(decoded: Film, generator: np.random.Generator) -> Film:
    """The same part of all frames, with 80 to 100 % of each side."""
    height, width = (max(1, round(length * generator.uniform(0.8, 1.0))) for length in decoded.frames.shape[1:3])
    top = int(generator.integers(decoded.frames.shape[1] - height + 1))
    left = int(generator.integers(decoded.frames.shape[2] - width + 1))
    part = decoded.frames[:, top : top + height, left : left + width]
    return Film(np.ascontiguousarray(part), decoded.times, decoded.seconds)


def light(decoded: Film, generator: np.random.Generator) -> Film:
    """Contrast of 80 to 125 %, and up to 10 % brighter or darker, alike in all frames."""
    contrast, shift = generator.uniform(0.8, 1.25), generator.uniform(-25.5, 25.5)
    values = (decoded.frames.astype(np.float32) - 127.5) * np.float32(contrast) + np.float32(127.5 + shift)
    return Film(_pictures.to_pixels(values), decoded.times, decoded.seconds)


def clip(decoded: Film, generator: np.random.Generator) -> Film:
    """A part of 80 to 100 % of the frames, in their order."""
    number = len(decoded.frames)
    length = max(1, round(number * generator.uniform(0.8, 1.0)))
    first = int(generator.integers(number - length + 1))
    times = decoded.times[first : first + length]
    end = float(decoded.times[first + length]) if first + length < number else decoded.seconds
    return Film(decoded.frames[first : first + length].copy(), times - times[0], max(end - float(times[0]), 0.0))


def squeeze(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """One frame, written and read again."""
    buffer = BytesIO()
    Image.fromarray(decoded).save(buffer, "JPEG", quality=(30, 18, 10, 5, 2)[severity - 1])
    return np.asarray(Image.open(buffer))


def each(film: Film, severity: int, generator: np.random.Generator, change: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]) -> Film:
    """A picture's change in every frame."""
    if severity == 0:
        return film
    return Film(np.stack([change(frame, severity, generator) for frame in film.frames]), film.times, film.seconds)


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "gaussian_noise": gaussian_noise,
    "blur": blur,
    "brightness": brightness,
    "compression": compression,
    "frame_drop": frame_drop,
    "speed": speed,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {"crop": crop, "light": light, "clip": clip}
