"""The filterbank against the formulas and another library's Fourier transform; the torch twin against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch

from consilience.encoders.audio import _mel_torch
from consilience.encoders.audio._mel import Mel, cepstra, filters, hann, hz_to_mel, log_mel, mel_power, mel_to_hz

MELS = [
    Mel(),
    Mel(scale="htk", equal_area=False),
    Mel(rate=8000, window=200, hop=80, size=256, bands=26, low=0.0),
    Mel(rate=22_050, window=551, hop=220, size=1024, bands=64, low=50.0, high=8000.0, scale="htk"),
]
EVERY = pytest.mark.parametrize("mel", MELS)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)


def reference_scale(hz: float, scale: str) -> float:
    """Slaney, Auditory Toolbox (1998): 200/3 Hz a mel up to 1 kHz, then 27 mels from 1 kHz to 6.4 kHz; HTK book, equation 5.13."""
    if scale == "htk":
        return 2595 * np.log10(1 + hz / 700)
    return hz / (200 / 3) if hz < 1000 else 1000 / (200 / 3) + np.log(hz / 1000) / (np.log(6.4) / 27)


def reference_hz(mel: float, scale: str) -> float:
    low, high = 0.0, 50_000.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if reference_scale(middle, scale) < mel else (low, middle)
    return low


def reference_filters(mel: Mel) -> np.ndarray:
    """Triangle by triangle, bin by bin."""
    top = mel.rate / 2 if mel.high is None else mel.high
    first, last = reference_scale(mel.low, mel.scale), reference_scale(top, mel.scale)
    edges = [reference_hz(first + (last - first) * step / (mel.bands + 1), mel.scale) for step in range(mel.bands + 2)]
    made = np.zeros((mel.bands, mel.size // 2 + 1))
    for band in range(mel.bands):
        left, middle, right = edges[band : band + 3]
        for place in range(mel.size // 2 + 1):
            hz = place * mel.rate / mel.size
            height = 0.0
            if left < hz <= middle:
                height = (hz - left) / (middle - left)
            elif middle < hz < right:
                height = (right - hz) / (right - middle)
            made[band, place] = height * (2 / (right - left) if mel.equal_area else 1)
    return made


def reference_power(samples: np.ndarray, mel: Mel) -> np.ndarray:
    """By scipy's short-time Fourier transform, undone its scaling; frames around every hop-th sample."""
    window = scipy.signal.get_window("hann", mel.window, fftbins=True)
    padded = np.concatenate([np.zeros(mel.window // 2), samples.astype(np.float64), np.zeros(2 * mel.size)])
    _, _, spectrum = scipy.signal.stft(padded, mel.rate, window, mel.window, mel.window - mel.hop, nfft=mel.size, boundary=None, padded=False)
    power = np.abs(spectrum * window.sum()) ** 2  # [size / 2 + 1, frames]
    return (reference_filters(mel) @ power).T[: 1 + len(samples) // mel.hop]


@EVERY
def test_the_filterbank_equals_the_formulas(mel: Mel) -> None:
    wanted = reference_filters(mel)
    np.testing.assert_allclose(filters(mel), wanted, atol=1e-4 * wanted.max())


@EVERY
@pytest.mark.parametrize("length", [1, 300, 5000, 16_123])
def test_the_spectrogram_equals_the_reference(mel: Mel, length: int) -> None:
    samples = noise(length)
    wanted = reference_power(samples, mel)
    found = mel_power(samples, mel)
    assert found.shape == wanted.shape == (mel.count(length), mel.bands)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * wanted.max())
    np.testing.assert_allclose(log_mel(samples, mel), np.log(wanted + mel.floor), atol=1e-3, rtol=1e-4)


@EVERY
def test_the_torch_twin_equals_numpy(mel: Mel) -> None:
    samples = np.stack([noise(9000), noise(9000, 1)])
    found = _mel_torch.mel_power(
        torch.from_numpy(samples), mel, torch.from_numpy(np.array(hann(mel.window))), torch.from_numpy(np.array(filters(mel)))
    )
    wanted = np.stack([mel_power(part, mel) for part in samples])
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-4 * wanted.max())
    np.testing.assert_allclose(np.log(found.numpy() + mel.floor), np.log(wanted + mel.floor), atol=1e-4)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_scales(scale: str) -> None:
    hz = np.array([0.0, 20, 440, 999.9, 1000, 1000.1, 6400, 8000, 22_050])
    mels = hz_to_mel(hz, scale)
    np.testing.assert_allclose(mels, [reference_scale(value, scale) for value in hz], rtol=1e-6)
    np.testing.assert_allclose(mel_to_hz(mels, scale), hz, rtol=1e-9, atol=1e-9)
    assert hz_to_mel(np.array([1000.0]), "htk")[0] == pytest.approx(1000, abs=0.1)


def test_long_sounds_are_cut_into_chunks_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    from consilience.encoders.audio import _mel

    samples = noise(40_000)
    whole = mel_power(samples, Mel())
    monkeypatch.setattr(_mel, "CHUNK", 7)
    np.testing.assert_allclose(mel_power(samples, Mel()), whole, rtol=1e-5, atol=1e-9)


def test_cepstra_are_the_cosine_transform() -> None:
    logs = noise(400).reshape(10, 40)
    np.testing.assert_allclose(cepstra(logs, 13), scipy.fft.dct(logs, type=2, norm="ortho", axis=1)[:, :13], atol=1e-6)


def test_a_tone_is_in_the_band_of_its_pitch() -> None:
    mel = Mel()
    for hz in (200, 1000, 3000, 6000):
        power = mel_power(np.sin(2 * np.pi * hz * np.arange(16_000) / 16_000), mel)[20:-20].mean(axis=0)
        middle = mel_to_hz(np.linspace(*hz_to_mel(np.array([20.0, 8000.0])), 42))[1:-1]
        assert abs(hz_to_mel(middle[power.argmax()]) - hz_to_mel(np.array(float(hz)))) < 1.2
