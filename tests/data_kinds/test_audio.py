"""Sounds: paths, bytes, every width, rate and channel count, and what the kind makes of them."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import MissingExtra
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds import _sound_decode as decode
from consilience.data.kinds._sound import RATE, Sound
from consilience.data.kinds._sounds import AUGMENTATIONS, CORRUPTIONS
from consilience.testing._fake_audio import fake_audio_column
from consilience.testing.kind_checks import check_kind

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")

KIND = KINDS.get("audio")()


def tone(seconds: float, rate: int, pitch: float = 440.0, loudness: float = 0.5) -> np.ndarray:
    return loudness * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def write(samples: np.ndarray, rate: int = RATE, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def along(sound: Sound, pitch: float = 440.0) -> float:
    """How much of the sound's energy is at one pitch; the ends are left out, where filters ring."""
    samples = sound.samples[800:-800].astype(np.float64) * np.hanning(len(sound.samples) - 1600)
    power = np.abs(np.fft.rfft(samples)) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / sound.rate) - pitch) < 10
    return float(power[near].sum() / power.sum())


@pytest.mark.parametrize("in_files", [False, True])
def test_contract(tmp_path: Path, in_files: bool) -> None:
    check_kind(KIND, fake_audio_column(folder=tmp_path if in_files else None))


def test_paths_and_evidence(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(write(tone(0.1, RATE)))
    column = pl.Series(["a.wav", "gone.flac", None, "https://x.org/a.mp3"])
    parsed = KIND.parse(column, tmp_path)
    assert parsed.present.tolist() == [True, False, False, False]
    assert parsed.problems[1] == "The file 'gone.flac' is not there."
    assert "nothing is fetched" in parsed.problems[3]
    assert KIND.sniff(Profile("x", column, tmp_path)).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series(["a.png", "b.mp4", "c.gif"]), tmp_path)).score == 0


def test_bytes_of_other_kinds_are_no_sounds() -> None:
    for content in (b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0AVI ", b"\xff\xd8\xff\xe0", b"GIF89a", b"\x89PNG", b"\0\0\0\x18ftypisom", b"{}", b"\xff"):
        assert KIND.sniff(Profile("x", pl.Series([content]))).score == 0, content
    for content in (write(tone(0.1, RATE)), write(tone(0.1, RATE), form="FLAC"), write(tone(0.1, RATE), form="AIFF"), b"ID3\x04", b"\xff\xfb\x90"):
        assert KIND.sniff(Profile("x", pl.Series([content]))).score > 0.9, content[:12]


def test_the_same_file_by_path_and_in_memory(tmp_path: Path) -> None:
    for form in ("WAV", "FLAC", "OGG", "MP3"):
        content = write(tone(0.3, 44_100), 44_100, form)
        path = tmp_path / f"a.{form.lower()}"
        path.write_bytes(content)
        assert KIND.read(path) == KIND.read(content), form
        assert KIND.key(path) == KIND.key(content)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channels(rate: int, channels: int) -> None:
    samples = np.repeat(tone(0.5, rate)[:, None], channels, axis=1)
    sound = KIND.read(write(samples, rate))
    assert sound.rate == RATE
    assert sound.samples.dtype == np.float32
    assert abs(len(sound.samples) - 8000) <= 2
    assert along(sound) > 0.999
    assert np.abs(sound.samples[1000:-1000]).max() == pytest.approx(0.5, abs=0.01)


def test_channels_are_averaged() -> None:
    both = np.stack([tone(0.2, RATE), np.zeros(3200)], axis=1)
    np.testing.assert_allclose(KIND.read(write(both, subtype="FLOAT")).samples, tone(0.2, RATE) / 2, atol=1e-6)


def test_what_lies_above_the_range_does_not_fold_back() -> None:
    sound = KIND.read(write(tone(0.5, 48_000, 11_000), 48_000))
    assert np.abs(sound.samples[500:-500]).max() < 1e-3


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"])
def test_every_width(subtype: str) -> None:
    sound = KIND.read(write(tone(0.5, RATE), subtype=subtype))
    start = 200 if subtype == "IMA_ADPCM" else 0  # it begins slowly
    np.testing.assert_allclose(
        sound.samples[start:8000], tone(0.5, RATE)[start:8000], atol=0.05 if subtype in ("IMA_ADPCM", "ULAW", "ALAW") else 0.01
    )


@pytest.mark.parametrize("loudness", [1.2, 3000.0, 2.0**31])
def test_floats_of_another_scale(loudness: float) -> None:
    """A little over the range is cut, as a player would; a file of whole numbers written as floats is scaled."""
    sound = KIND.read(write(tone(0.5, RATE, loudness=loudness), subtype="FLOAT"))
    assert np.abs(sound.samples).max() == pytest.approx(1.0, abs=1e-3)
    assert (along(sound) > 0.999) == (loudness > 2)


def test_equality_is_that_of_content() -> None:
    one, two = Sound(np.zeros(3, dtype=np.float32)), Sound(np.zeros(3, dtype=np.float32))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Sound(np.ones(3, dtype=np.float32))
    assert one != Sound(np.zeros(3, dtype=np.float32), 8000)
    assert one != "sound"


def hour(seconds: int = 700) -> np.ndarray:
    """Each second has its own level."""
    return np.repeat(np.linspace(0.1, 0.9, seconds), 1000).astype(np.float32)


def test_a_long_recording_gives_windows_spread_evenly(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, hour(), 1000, subtype="PCM_16")
    sound = KIND.read(path)
    assert sound.seconds == pytest.approx(600, abs=1)
    middles = sound.samples[5 * RATE :: 10 * RATE]
    wanted = np.linspace(0.1, 0.9, 700)[np.linspace(5, 695, 60).astype(int)]
    np.testing.assert_allclose(middles, wanted, atol=0.02)
    soundfile.write(path, hour(599), 1000, subtype="PCM_16")
    assert KIND.read(path).seconds == pytest.approx(599, abs=0.1), "up to ten minutes all is read"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 2, "PCM_16") as file:
        for _ in range(20):
            file.write(np.zeros((8000 * 180, 2), dtype=np.int16))  # an hour
    tracemalloc.start()
    KIND.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160e6


@pytest.mark.parametrize("length", [1, 2, 7, 200, 9000])
def test_pictures_are_small_and_take_the_colour_of_the_page(length: int) -> None:
    random = np.random.default_rng(0)
    html = KIND.thumbnail(write(random.normal(0, 0.2, length)))
    assert html.startswith("<svg")
    assert html.endswith("</svg>")
    assert len(html) < 20_000
    assert "currentColor" in html
    assert not re.search("nan|inf", html)
    assert KIND.thumbnail(b"<b>no</b>") == "no sound: The cell is a text, not a sound; it begins with &#x27;&lt;b&gt;no&lt;/b&gt;&#x27;."


def test_the_picture_shows_when_and_how_high() -> None:
    low_then_high = np.concatenate([tone(0.5, RATE, 150), tone(0.5, RATE, 5000)])
    html = KIND.thumbnail(write(low_then_high))
    full = re.findall(r'<path d="([^"]*)" fill="currentColor" fill-opacity="1"', html)[0]
    places = np.array([[float(x), float(y)] for x, y in re.findall(r"M([\d.]+) ([\d.]+)h", full)])
    assert len(places) >= 2, html
    left, right = places[places[:, 0] < 50], places[places[:, 0] > 57]
    assert left[:, 1].min() > right[:, 1].max(), "what is higher in pitch lies higher"


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("samples", [np.zeros(1), np.zeros(500), tone(0.5, RATE)], ids=["one", "silent", "tone"])
def test_corruptions_grow(name: str, samples: np.ndarray) -> None:
    sound = Sound(samples.astype(np.float32))
    assert CORRUPTIONS[name](sound, 0, np.random.default_rng(0)) is sound
    changes = []
    for severity in range(1, 6):
        made = CORRUPTIONS[name](sound, severity, np.random.default_rng(3))
        assert np.isfinite(made.samples).all()
        assert np.abs(made.samples).max() <= 1
        assert made.samples.dtype == np.float32
        same = min(len(made.samples), len(samples))
        changes.append(abs(len(made.samples) - len(samples)) + float(np.square(made.samples[:same] - samples[:same]).sum()))
    if samples.any():
        assert np.diff(changes).min() > 0, changes


def test_corruptions_are_what_they_say() -> None:
    sound, draw = Sound(tone(1, RATE).astype(np.float32)), np.random.default_rng
    noisy = CORRUPTIONS["noise"](sound, 5, draw(0)).samples - sound.samples
    assert 10 * np.log10(np.mean(sound.samples**2) / np.mean(noisy**2)) == pytest.approx(0, abs=1)
    assert along(CORRUPTIONS["speed"](sound, 5, draw(1)), 440 * 1.6) + along(CORRUPTIONS["speed"](sound, 5, draw(1)), 440 / 1.6) > 0.95
    high = Sound(tone(1, RATE, 6000).astype(np.float32))
    assert np.abs(CORRUPTIONS["low_pass"](high, 1, draw(0)).samples[2000:]).max() < 0.06
    assert 0.5 < np.mean(CORRUPTIONS["drop_outs"](sound, 5, draw(0)).samples == 0) < 0.7


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_leave_the_meaning(name: str) -> None:
    sound = Sound(tone(1, RATE).astype(np.float32))
    for seed in range(8):
        made = AUGMENTATIONS[name](sound, np.random.default_rng(seed))
        assert np.abs(made.samples).max() <= 1
        assert 0.85 < made.seconds / sound.seconds < 1.15
        power = np.abs(np.fft.rfft(made.samples * np.hanning(len(made.samples)))) ** 2
        assert 440 * 0.88 < np.fft.rfftfreq(len(made.samples), 1 / RATE)[power.argmax()] < 440 * 1.12
    short = Sound(np.ones(1, dtype=np.float32))
    assert len(AUGMENTATIONS[name](short, np.random.default_rng(0)).samples) == 1


def test_shift_moves_silence_in() -> None:
    sound = Sound(np.ones(1000, dtype=np.float32))
    seen = set()
    for seed in range(20):
        made = AUGMENTATIONS["shift"](sound, np.random.default_rng(seed)).samples
        gone = int((made == 0).sum())
        assert gone <= 100
        seen.add("start" if made[0] == 0 else "end" if made[-1] == 0 else "none")
    assert {"start", "end"} <= seen


@pytest.mark.parametrize("package", ["soundfile", "soxr", "av"])
def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    import sys

    from consilience.data.kinds import _sound_files as files

    monkeypatch.setitem(sys.modules, package, None)
    content = b"\0" * 100 if package == "av" else write(tone(0.1, 8000), 8000)
    with pytest.raises(MissingExtra, match=rf"{package}.*consilience\[audio\]"):
        KIND.read(content)
    assert files.CONTAINERS
    assert package in KIND.thumbnail(content)


def test_the_constants_agree() -> None:
    assert decode.WINDOWS * decode.WINDOW_SECONDS == decode.MAX_SECONDS


def test_real_recordings(real_data: Path) -> None:
    table: Any = pl.read_csv(real_data / "fsdd" / "train.csv").head(40)
    parsed = KIND.parse(table["audio"], real_data / "fsdd")
    assert parsed.present.all()
    read = [KIND.read(value).seconds for value in parsed.values]
    np.testing.assert_allclose(read, table["seconds"].to_numpy(), atol=0.002)


@pytest.mark.parametrize("rate", [8000, 16_000])
@pytest.mark.parametrize("kept", ["PCM_16", "FLOAT"])
def test_whatever_a_file_holds_is_finite_and_within_range(rate: int, kept: str) -> None:
    samples = np.sign(tone(0.1, rate)) * 1.0  # full scale, which overshoots at another rate
    if kept == "FLOAT":
        samples = np.where(np.arange(len(samples)) % 50 == 0, np.nan, 3e12 * samples)
    made = KIND.read(write(samples, rate, subtype=kept)).samples
    assert np.isfinite(made).all()
    assert 0.9 < np.abs(made).max() <= 1


def test_a_file_in_memory_stops_at_its_start() -> None:
    memory = decode.Memory(b"0123456789")
    assert [memory.seek(-3), memory.seek(4), memory.seek(-9, 1), memory.seek(-99, 2), memory.seek(-1, 2)] == [0, 4, 0, 0, 9]
