"""Pictures out of focus, shaken, and through thick glass. Source: Hendrycks and Dietterich (2019), ImageNet-C.

Lengths are parts of the short side, so that a picture of any size is damaged alike.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy.ndimage import correlate
from scipy.signal import oaconvolve

from consilience.data.kinds._pictures import to_pixels

__all__ = ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"]

SMALL = 81
"""Entries of a kernel up to which it is laid on the picture as it is; beyond, Fourier transforms are faster."""


def defocus_blur(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Each point becomes a disc with a radius of 1 % of the short side at severity 1, 5 % at 5."""
    if severity == 0:
        return decoded
    radius = max(0.7 + 0.3 * severity, (0.01, 0.017, 0.026, 0.037, 0.05)[severity - 1] * min(decoded.shape[:2]))
    reach = int(np.ceil(radius))
    across = np.arange(-reach, reach + 1)
    distance = np.hypot(across[:, None], across[None, :])
    return filtered(decoded, np.clip(radius + 0.5 - distance, 0, 1))  # the rim covers its pixels in part


def motion_blur(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Smeared along a line of 4 % of the short side at severity 1, 20 % at 5; up to 45 degrees from level."""
    if severity == 0:
        return decoded
    angle = np.deg2rad(generator.uniform(-45, 45))
    length = max(1.0 + severity, (0.04, 0.07, 0.1, 0.15, 0.2)[severity - 1] * min(decoded.shape[:2]))
    return filtered(decoded, line(length, angle))


def zoom_blur(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """The mean of the picture while it is drawn nearer, by up to 8 % at severity 1, 40 % at 5."""
    if severity == 0:
        return decoded
    image, (height, width) = Image.fromarray(decoded), decoded.shape[:2]
    total = decoded.astype(np.float32)
    factors = np.linspace(1, (1.08, 1.14, 1.21, 1.3, 1.4)[severity - 1], 10)[1:]
    for factor in factors.tolist():
        left, top = width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2
        total += np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, width - left, height - top)), dtype=np.float32)
    return to_pixels(total / (1 + len(factors)))


def glass_blur(decoded: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Each pixel comes from up to 0.8 % of the short side away at severity 1, 5 % at 5, between two light blurs."""
    if severity == 0:
        return decoded
    side = min(decoded.shape[:2])
    reach = max(float(severity), (0.008, 0.014, 0.022, 0.034, 0.05)[severity - 1] * side)
    radius = max(0.4, 0.004 * side)
    height, width = decoded.shape[:2]
    shifts = generator.uniform(-1, 1, size=(2, height, width)) * reach
    places = np.clip(np.rint(np.indices((height, width)) + shifts).astype(np.int64), 0, np.array([height - 1, width - 1])[:, None, None])
    soft = np.asarray(Image.fromarray(decoded).filter(ImageFilter.GaussianBlur(radius)))
    return np.asarray(Image.fromarray(soft[places[0], places[1]]).filter(ImageFilter.GaussianBlur(radius)))


def line(length: float, angle: float) -> np.ndarray:
    """A kernel that is a line of this length, drawn in fine steps."""
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    steps = np.linspace(-length / 2, length / 2, 4 * (2 * reach + 1))
    rows, columns = reach + steps * np.sin(angle), reach + steps * np.cos(angle)
    for along in (0, 1):  # each step is shared by the four pixels around it
        for across in (0, 1):
            row, column = np.floor(rows).astype(int) + along, np.floor(columns).astype(int) + across
            weight = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
            inside = (row < kernel.shape[0]) & (column < kernel.shape[1])
            np.add.at(kernel, (row[inside], column[inside]), weight[inside])
    return kernel


def filtered(decoded: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The picture under a kernel, which need not sum to 1; at the border the picture is mirrored."""
    kernel = (kernel / kernel.sum()).astype(np.float32)
    values = decoded.astype(np.float32)
    if kernel.size <= SMALL:
        return to_pixels(correlate(values, kernel[:, :, None], mode="reflect"))
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    wide = np.pad(values, ((rows, rows), (columns, columns), (0, 0)), mode="symmetric")
    return to_pixels(oaconvolve(wide, kernel[:, :, None], mode="valid", axes=(0, 1)))
