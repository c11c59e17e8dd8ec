"""The logarithmic mel spectrogram in torch: the twin of ``_mel.py``, and the network's ear, which changes sounds while it trains.

Sources: Park et al., SpecAugment (2019); Ko et al., Audio Augmentation for Speech Recognition (2015), for changes of speed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from consilience.encoders.audio._mel import Mel, filters, hann

__all__ = ["Ear", "mel_at", "mel_power"]

FLOOR = 1e-6
"""Power under the loudest band that counts as silence."""
SHIFT, TILT, NOISE = 0.1, 1.0, (1e-5, 1e-2)
"""Largest shift as a share of the length; loudness of bands in units of the logarithm; power of the noise under the loudest band."""
STRIPE = 0.2
"""Widest stripe that SpecAugment hides, as a share of the bands or frames."""


def mel_at(rate: int, hop: int, bands: int) -> Mel:
    """Frames of 25 milliseconds, every ``hop`` milliseconds, up to 7.6 kHz."""
    window = rate // 40
    return Mel(rate, window, max(1, rate * hop // 1000), 1 << (window - 1).bit_length(), bands, high=min(rate / 2, 7600.0))


def mel_power(waves: Tensor, mel: Mel, window: Tensor, triangles: Tensor) -> Tensor:
    """``[B, S]`` to ``[B, T, bands]``, T = 1 + S // hop; as in numpy.

    Args:
        window: ``hann(mel.window)``.
        triangles: ``filters(mel)``.
    """
    frames = functional.pad(waves, (mel.window // 2, mel.window)).unfold(1, mel.window, mel.hop)[:, : mel.count(waves.shape[1])]
    spectrum = torch.fft.rfft(frames * window, n=mel.size)
    power: Tensor = (spectrum.real.square() + spectrum.imag.square()) @ triangles.T
    return power


class Ear(nn.Module):
    """Waves to two channels: the logarithms of the mel powers with their mean taken away, and with the mean of each band taken away.

    The first keeps the timbre as it is, the second hears through any microphone. Both are divided by the sound's own spread. In training, if asked,
    sounds are made faster or slower, moved, drowned in noise, coloured, and striped. The draws do not depend on what is in the batch.

    Shape:
        - batch: ``waves [B, L] int16``, ``length [B, 1]``; rows ``[P]``, those that are present.
        - output: features ``[P, 2, T, bands]``, zero where nothing is; there ``[P, T] bool``, frames within the sound.

    Args:
        mel: Its rate must be that of the waves.
        augment: Change sounds in training.
        speed: Largest change of speed, as a share.
        masks: Stripes of bands, and of frames.
    """

    window: Tensor
    triangles: Tensor

    def __init__(self, mel: Mel, augment: bool, speed: float, masks: int) -> None:
        super().__init__()
        self.mel, self.augment, self.speed, self.masks = mel, augment, speed, masks
        self.register_buffer("window", torch.from_numpy(np.array(hann(mel.window))), persistent=False)
        self.register_buffer("triangles", torch.from_numpy(np.array(filters(mel))), persistent=False)

    def forward(self, batch: Mapping[str, Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
        waves = batch["waves"]
        with torch.autocast(waves.device.type, enabled=False):  # powers of sounds span more than half precision holds
            changed = self.training and self.augment
            count, frames = len(waves), self.mel.count(waves.shape[1])
            drawn = torch.rand(count, 6 + 4 * self.masks, device=waves.device)[rows] if changed else None
            sound = waves.index_select(0, rows).float() / 32768
            length = batch["length"].index_select(0, rows).float()  # [P, 1]
            where = torch.arange(frames, device=waves.device) * float(self.mel.hop)  # [T]
            if drawn is not None:
                sound, where = self.move(sound, length, where, drawn)
            there = (where >= 0) & (where <= length)
            there[:, 0] |= ~there.any(dim=1)
            power = mel_power(sound, self.mel, self.window, self.triangles)  # [P, T, bands]
            power = power / power.amax(dim=(1, 2), keepdim=True).clamp(min=1e-10)
            if drawn is not None:
                grain = torch.rand(count, frames, self.mel.bands, device=waves.device)[rows]
                power = self.drown(power, grain, drawn)
            logs = torch.log(power + FLOOR)
            if drawn is not None:
                logs = logs + self.colour(drawn)
            features = both(logs, there)
            if drawn is not None:
                features = self.stripe(features, drawn)
        return features, there

    def move(self, sound: Tensor, length: Tensor, where: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Another speed and another start, by linear interpolation; and the place in the old sound of each new frame."""
        most = sound.shape[1]
        speed = torch.exp((2 * drawn[:, :1] - 1) * float(np.log1p(self.speed)))  # [P, 1]
        # The sound's middle stays within its window; what is pushed out is lost.
        offset = length / 2 - speed * (length / 2 + (2 * drawn[:, 1:2] - 1) * SHIFT * most)
        old = torch.arange(most, device=sound.device) * speed + offset  # [P, L]
        low = old.floor()
        inside = (low >= 0) & (low < most - 1)
        index = low.clamp(0, max(0, most - 2)).long()
        share = old - low
        moved = sound.gather(1, index) * (1 - share) + sound.gather(1, (index + 1).clamp(max=most - 1)) * share
        return torch.where(inside, moved, torch.zeros_like(moved)), where * speed + offset

    def drown(self, power: Tensor, grain: Tensor, drawn: Tensor) -> Tensor:
        """Noise of a random strength and slope over the bands; its power in each place is that of a random sum, an exponential draw."""
        low, high = np.log(NOISE[0]), np.log(NOISE[1])
        slope = torch.linspace(-1, 1, self.mel.bands, device=power.device)
        level = torch.exp(low + (high - low) * drawn[:, 2:3] + 2 * (2 * drawn[:, 3:4] - 1) * slope)  # [P, bands]
        return power - level.unsqueeze(1) * torch.log(1 - grain * 0.9999)

    def colour(self, drawn: Tensor) -> Tensor:
        """``[P, 1, bands]``: bands made louder or softer along half a wave."""
        phase = torch.linspace(0, float(np.pi), self.mel.bands, device=drawn.device) + drawn[:, 4:5] * (2 * float(np.pi))
        return (TILT * (2 * drawn[:, 5:6] - 1) * torch.cos(phase)).unsqueeze(1)

    def stripe(self, features: Tensor, drawn: Tensor) -> Tensor:
        """Hides stripes of bands and of frames: zero, the mean."""
        size = features.shape[2:]
        for axis, total in enumerate(size):
            place = torch.arange(total, device=features.device)
            for mask in range(self.masks):
                at = 6 + 4 * mask + 2 * axis
                wide = drawn[:, at : at + 1] * STRIPE * total
                start = drawn[:, at + 1 : at + 2] * (total - wide)
                hidden = (place >= start) & (place < start + wide)  # [P, total]
                features = features.masked_fill(hidden[:, None, :, None] if axis == 0 else hidden[:, None, None, :], 0.0)
        return features


def both(logs: Tensor, there: Tensor) -> Tensor:
    """``[P, T, bands]`` to ``[P, 2, T, bands]``: means and spread are those of the frames that are there."""
    weight = there.unsqueeze(-1).to(logs.dtype)  # [P, T, 1]
    count = weight.sum(dim=1, keepdim=True)  # [P, 1, 1]
    bands = (logs * weight).sum(dim=1, keepdim=True) / count  # [P, 1, bands]
    mean = bands.mean(dim=2, keepdim=True)
    spread = (((logs - mean).square() * weight).sum(dim=(1, 2), keepdim=True) / (count * logs.shape[2])).sqrt().clamp(min=0.1)
    return torch.stack([(logs - mean) / spread, (logs - bands) / spread], dim=1) * weight.unsqueeze(1)
