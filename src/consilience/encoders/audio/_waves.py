"""What the encoders of sounds that learn with the network share: sounds of one rate and one length, as compact arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.signal import resample_poly

from consilience.core.errors import CellError, UsageError
from consilience.core.seeds import generator
from consilience.core.settings import Settings as AnySettings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder

__all__ = ["WaveEncoder", "WaveSettings", "at_rate", "loudest", "only", "sound_of"]

SAMPLE = 500
"""Sounds that are looked at, at most, to learn rate and length."""
LONGEST = 98
"""Percentile of the lengths that becomes the length of all."""
SHORTEST = 0.1
HISS = 1e-4
"""Share of a sound's energy above 4.4 kHz from which on 16 kHz are worth their price; files made of telephone sound have less."""
LOUDEST = 32_700


class WaveSettings(AnySettings):
    """What of a sound is heard.

    Args:
        rate: Samples a second: 8000 hears up to 4 kHz at half the work; ``auto`` takes 8000 if hardly any training sound has more than that.
        max_seconds: Longest part that is heard; of a longer sound the loudest part of that length.
        bands: Mel bands.
        hop: Milliseconds from one frame of the spectrogram to the next.
        width: Numbers per token.
        dropout: Share of the features before the last layer that are set to zero in training.
        augment: Change sounds in training: speed, shift, noise, loudness of bands, and SpecAugment.
        speed: Largest change of speed (and pitch), as a share.
        masks: SpecAugment: how many stripes of bands, and of frames, are hidden.
    """

    rate: Literal["auto", 8000, 16000] = "auto"
    max_seconds: float = Field(default=4.0, ge=SHORTEST, le=30)
    bands: int = Field(default=40, ge=16, le=256)
    hop: int = Field(default=10, ge=2, le=100)
    width: int = Field(default=128, ge=4, le=4096, multiple_of=4)
    dropout: float = Field(default=0.25, ge=0, lt=1)
    augment: bool = True
    speed: float = Field(default=0.15, ge=0, le=0.5)
    masks: int = Field(default=2, ge=0, le=8)


class WaveEncoder(TrainedEncoder):
    """``fit`` learns rate and length.

    Shape:
        - prepare: ``waves [N, L] int16`` at the learned rate, each as loud as can be, zeros behind its end and where absent;
          ``length [N, 1] int32``, samples that are filled; ``mask [N, 1] bool``.
    """

    Settings: ClassVar[type[AnySettings]] = WaveSettings
    settings: WaveSettings

    def __init__(self, settings: AnySettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.rate = 16_000 if self.settings.rate == "auto" else int(self.settings.rate)
        self.seconds = self.settings.max_seconds
        self.learned = False

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), **({"rate": self.rate, "seconds": self.seconds} if self.learned else {})}

    @property
    def samples(self) -> int:
        """L, samples of each prepared sound."""
        return max(1, round(self.rate * self.seconds))

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        cells = only(columns)
        rows = np.flatnonzero(cells.present)
        if len(rows) > SAMPLE:
            rows = np.sort(generator(seed, "waves", "length").choice(rows, SAMPLE, replace=False))
        found = [(len(sound.samples) / sound.rate, hiss(sound)) for sound in self.read(cells, rows)]
        seconds = np.array([length for length, _ in found] or [self.settings.max_seconds])
        # In steps of 0.05 s, so that folds with other rows mostly learn the same.
        longest = np.ceil(float(np.percentile(seconds, LONGEST)) * 20) / 20
        self.seconds = float(np.clip(longest, SHORTEST, self.settings.max_seconds))
        if self.settings.rate == "auto":
            self.rate = 16_000 if not found or np.mean([share > HISS for _, share in found]) > 0.05 else 8000
        self.learned = True

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells = only(columns)
        rows = np.flatnonzero(cells.present)
        waves = np.zeros((len(cells), self.samples), dtype=np.int16)
        length = np.zeros((len(cells), 1), dtype=np.int32)
        # In pieces: decoded sounds are four times and more as large as what is kept of them.
        for start in range(0, len(rows), 256):
            part = rows[start : start + 256]
            for row, sound in zip(part, self.read(cells, part), strict=True):
                wave = loudest(at_rate(sound.samples, sound.rate, self.rate), self.samples)
                peak = float(np.abs(wave).max())
                waves[row, : len(wave)] = np.round(wave * (LOUDEST / max(peak, 1e-4)))
                length[row] = len(wave)
        return {"waves": waves, "length": length, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def state(self) -> State:
        return State({"rate": self.rate, "seconds": self.seconds, "learned": self.learned})

    def restore(self, state: State) -> None:
        self.rate, self.seconds, self.learned = int(state.config["rate"]), float(state.config["seconds"]), bool(state.config["learned"])

    def read(self, cells: Cells, rows: np.ndarray) -> list[Any]:
        """Decoded sounds of the rows, in order, at most ``max_seconds`` of each twice over; decoding runs in threads."""

        def one(row: int) -> Any:
            try:
                return cells.read(row)
            except CellError as error:
                error.row, error.column = row, cells.name
                raise

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            return list(pool.map(one, rows.tolist()))


def only(columns: Mapping[str, Cells]) -> Cells:
    """The one column that an encoder of sounds gets.

    Raises:
        UsageError: There are more, or none.
    """
    if len(columns) != 1:
        raise UsageError(f"An encoder of sounds takes one audio column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    return next(iter(columns.values()))


def sound_of(cell: Any) -> tuple[np.ndarray, int]:
    """Samples ``[S] float32`` and rate of a decoded sound.

    Raises:
        CellError: The cell is no sound.
    """
    samples, rate = getattr(cell, "samples", None), getattr(cell, "rate", None)
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or not len(samples) or not isinstance(rate, int) or rate < 1000:
        raise CellError("The cell is no sound of one channel.", found=type(cell).__name__)
    return samples, rate


def loudest(wave: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` samples: the part with the most energy, to a tenth of its length."""
    if len(wave) <= most:
        return wave
    energy = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    starts = np.unique(np.append(np.arange(0, len(wave) - most + 1, max(1, most // 10)), len(wave) - most))
    start = int(starts[np.argmax(energy[starts + most] - energy[starts])])
    return wave[start : start + most]


def at_rate(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound with another number of samples a second."""
    if rate == wanted:
        return samples
    common = int(np.gcd(rate, wanted))
    made: np.ndarray = resample_poly(samples, wanted // common, rate // common).astype(np.float32)
    return made


def hiss(sound: Any) -> float:
    """Share of the energy that lies above 4.4 kHz, in up to four seconds."""
    samples = loudest(sound.samples, 4 * sound.rate)
    power = np.abs(np.fft.rfft(samples)) ** 2
    above = np.fft.rfftfreq(len(samples), 1 / sound.rate) > 4400
    return float(power[above].sum() / max(float(power.sum()), 1e-12))
