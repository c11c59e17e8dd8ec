"""Changes of a sound: five strengths of damage, and small changes that leave its meaning. Source: Ko et al., Audio Augmentation (2015)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.signal import butter, sosfilt

from consilience.data.kinds._sound import Sound

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]

QUIET = 1e-3
"""Strength that a silent sound counts as having, so that noise can be mixed into it."""


def noise(decoded: Sound, severity: int, generator: np.random.Generator) -> Sound:
    """White noise 20 dB below the sound at severity 1, as loud as the sound at 5."""
    return decoded if severity == 0 else with_noise(decoded, (20, 15, 10, 5, 0)[severity - 1], generator)


def clipping(decoded: Sound, severity: int, generator: np.random.Generator) -> Sound:
    """Overdriven: cut at 60 % of the peak at severity 1, at 3 % at 5, then as loud as before."""
    if severity == 0:
        return decoded
    peak = float(np.abs(decoded.samples).max())
    level = (0.6, 0.35, 0.18, 0.08, 0.03)[severity - 1]
    return changed(decoded, np.clip(decoded.samples, -peak * level, peak * level) / level)


def low_pass(decoded: Sound, severity: int, generator: np.random.Generator) -> Sound:
    """As through a wall: little above 25 % of the rate at severity 1 (4 kHz), above 3 % (500 Hz) at 5."""
    if severity == 0:
        return decoded
    cut = (0.5, 0.3, 0.18, 0.11, 0.0625)[severity - 1]  # shares of half the rate
    return changed(decoded, sosfilt(butter(6, cut, output="sos"), decoded.samples))


def drop_outs(decoded: Sound, severity: int, generator: np.random.Generator) -> Sound:
    """Pieces of 20 milliseconds fall silent: 5 % of them at severity 1, 60 % at 5."""
    if severity == 0:
        return decoded
    piece = max(1, decoded.rate // 50)
    kept = generator.random(-(-len(decoded.samples) // piece)) >= (0.05, 0.12, 0.25, 0.4, 0.6)[severity - 1]
    return changed(decoded, decoded.samples * np.repeat(kept, piece)[: len(decoded.samples)])


def speed(decoded: Sound, severity: int, generator: np.random.Generator) -> Sound:
    """Faster and higher, or slower and deeper, by 8 % at severity 1, by 60 % at 5."""
    if severity == 0:
        return decoded
    factor = 1 + (0.08, 0.16, 0.25, 0.4, 0.6)[severity - 1]
    return at_speed(decoded, factor if generator.random() < 0.5 else 1 / factor)


def gain(decoded: Sound, generator: np.random.Generator) -> Sound:
    """Louder or softer by up to 6 dB, never beyond the range."""
    peak = float(np.abs(decoded.samples).max())
    factor = min(10 ** (generator.uniform(-6, 6) / 20), 1 / max(peak, 1e-6))
    return changed(decoded, decoded.samples * np.float32(factor))


def shift(decoded: Sound, generator: np.random.Generator) -> Sound:
    """Earlier or later by up to 10 % of its length; silence moves in."""
    by = int(generator.integers(-(len(decoded.samples) // 10), len(decoded.samples) // 10 + 1))
    moved = np.roll(decoded.samples, by)
    moved[:by] = 0
    if by < 0:
        moved[:] = np.roll(decoded.samples, by)
        moved[by:] = 0
    return changed(decoded, moved)


def faint_noise(decoded: Sound, generator: np.random.Generator) -> Sound:
    """White noise 15 to 40 dB below the sound."""
    return with_noise(decoded, float(generator.uniform(15, 40)), generator)


def slight_speed(decoded: Sound, generator: np.random.Generator) -> Sound:
    """Faster or slower by up to 10 %."""
    return at_speed(decoded, float(generator.uniform(0.9, 1.1)))


def with_noise(decoded: Sound, decibels: float, generator: np.random.Generator) -> Sound:
    strength = max(float(np.sqrt(np.mean(np.square(decoded.samples, dtype=np.float64)))), QUIET) * 10 ** (-decibels / 20)
    return changed(decoded, decoded.samples + strength * generator.standard_normal(len(decoded.samples), dtype=np.float32))


def at_speed(decoded: Sound, factor: float) -> Sound:
    length = max(1, round(len(decoded.samples) / factor))
    where = np.minimum(np.arange(length) * factor, len(decoded.samples) - 1)
    return changed(decoded, np.interp(where, np.arange(len(decoded.samples)), decoded.samples))


def changed(decoded: Sound, samples: np.ndarray) -> Sound:
    """Another sound of the same rate, within the range."""
    return Sound(np.clip(samples, -1, 1).astype(np.float32), decoded.rate)


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "noise": noise,
    "clipping": clipping,
    "low_pass": low_pass,
    "drop_outs": drop_outs,
    "speed": speed,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {
    "gain": gain,
    "shift": shift,
    "noise": faint_noise,
    "speed": slight_speed,
}
