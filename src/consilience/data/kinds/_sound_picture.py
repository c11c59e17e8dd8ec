"""A small drawing of a sound: its waveform, and below it which pitches sound when."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from consilience.data.kinds._sound import Sound

__all__ = ["sound_picture"]

WIDTH, HEIGHT = 120, 24
COLUMNS, BANDS, LEVELS = 60, 12, 4
FRAME = 512


def sound_picture(sound: Sound) -> str:
    """One ``<svg>`` in the colour of the text around it.

    >>> sound_picture(Sound(np.zeros(1, dtype=np.float32)))[:4]
    '<svg'
    """
    seconds = f"{sound.seconds:.3g} s"
    parts = [f'<path d="{waveform(sound.samples)}" fill="currentColor"/>']
    parts += [
        f'<path d="{path}" fill="currentColor" fill-opacity="{(level + 1) / LEVELS:g}"/>' for level, path in enumerate(spectrogram(sound)) if path
    ]
    size = f'width="{WIDTH}" height="{HEIGHT * 2 + 2}" viewBox="0 0 {WIDTH} {HEIGHT * 2 + 2}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="sound of {seconds}" {size}>{"".join(parts)}</svg>'


def waveform(samples: np.ndarray) -> str:
    """From the highest sample of each column back along the lowest, as one closed path."""
    edges = np.linspace(0, len(samples), WIDTH + 1).astype(int)
    pieces = [samples[low : max(high, low + 1)] for low, high in zip(np.minimum(edges[:-1], len(samples) - 1), edges[1:], strict=True)]
    peak = max(float(np.abs(samples).max()), 1e-4)
    middle = HEIGHT / 2
    above = [middle - 0.3 - float(piece.max()) / peak * (middle - 0.5) for piece in pieces]
    below = [middle + 0.3 - float(piece.min()) / peak * (middle - 0.5) for piece in pieces]
    points = [f"{x} {y:.1f}" for x, y in enumerate(above)] + [f"{x} {y:.1f}" for x, y in reversed(list(enumerate(below)))]
    return f"M{'L'.join(points)}z"


def spectrogram(sound: Sound) -> list[str]:
    """For each level of strength the path of its rectangles; low pitches lie below, on a scale that ears have."""
    samples = np.pad(sound.samples, (0, max(0, FRAME - len(sound.samples))))
    starts = np.linspace(0, len(samples) - FRAME, COLUMNS).astype(int)
    frames = samples[starts[:, None] + np.arange(FRAME)] * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2  # [COLUMNS, FRAME / 2 + 1]
    edges = np.unique(np.geomspace(2, FRAME // 2 + 1, BANDS + 1).astype(int))
    bands = np.stack([power[:, low:high].max(axis=1) for low, high in pairwise(edges)])  # [BANDS, COLUMNS]
    loud = 10 * np.log10(bands + 1e-10)
    share = np.clip((loud - loud.max()) / 60 + 1, 0, 1) if loud.max() > -60 else np.zeros_like(loud)
    level = np.minimum((share * (LEVELS + 1)).astype(int), LEVELS)  # 0 is not drawn
    high, wide = HEIGHT / len(bands), WIDTH // COLUMNS
    paths = [""] * LEVELS
    for band, row in enumerate(level):
        top = 2 * HEIGHT + 2 - (band + 1) * high
        borders = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), COLUMNS]
        for first, last in pairwise(borders):
            if row[first]:
                paths[row[first] - 1] += f"M{first * wide} {top:g}h{(last - first) * wide}v{high:g}H{first * wide}z"
    return paths
