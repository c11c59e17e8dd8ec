"""Damaged, lying, odd and hostile sound files: something sensible or a CellError, never another exception, never a hang, never much memory."""

from __future__ import annotations

import struct
import tracemalloc
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._sound import RATE

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")
av = pytest.importorskip("av")

KIND = KINDS.get("audio")()


def tone(seconds: float = 0.5, rate: int = RATE, pitch: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


@cache
def encoded(form: str, seconds: float = 0.5, rate: int = RATE) -> bytes:
    file = BytesIO()
    soundfile.write(file, tone(seconds, rate), rate, format=form)
    return file.getvalue()


def wav(data: bytes, rate: int = RATE, channels: int = 1, bits: int = 16, form: int = 1, said: int | None = None) -> bytes:
    """A WAV whose header may say anything."""
    block = channels * bits // 8 & 0xFFFF
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, form, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    size = len(data) if said is None else said
    return b"RIFF" + struct.pack("<I", 36 + size & 0xFFFFFFFF) + b"WAVE" + head + b"data" + struct.pack("<I", size) + data


def film(form: str, sound: str | None, picture: str | None = "mpeg4", seconds: float = 0.5, rate: int = 44_100) -> bytes:
    """A film of grey frames with a tone of 440 Hz in two channels."""
    file = BytesIO()
    with av.open(file, "w", format=form) as container:
        streams = []
        if picture:
            shown = container.add_stream(picture, rate=10)
            shown.width, shown.height, shown.pix_fmt = 32, 32, "yuv420p"
            streams.append((shown, [av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, dtype=np.uint8)) for _ in range(int(seconds * 10))]))
        if sound:
            heard = container.add_stream(sound, rate=rate, layout="stereo")
            samples = np.stack([tone(seconds, rate)] * 2).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
            frame.sample_rate = rate
            resampler = av.AudioResampler(heard.codec_context.format or "fltp", "stereo", rate)
            streams.append((heard, [*resampler.resample(frame), *resampler.resample(None)]))
        for stream, frames in streams:
            for made in frames:
                made.pts = None
                container.mux(stream.encode(made))
            container.mux(stream.encode(None))
    return file.getvalue()


def pitch_of(samples: np.ndarray) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 16)) ** 2
    return float(power.argmax() * RATE / (1 << 16))


def refused(content: Any, match: str) -> None:
    with pytest.raises(CellError, match=match):
        KIND.read(content)
    assert KIND.thumbnail(content).startswith("no sound: ")


def test_nothing_inside(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    refused(b"", "The cell is empty")
    refused(tmp_path / "a.wav", "The file is empty")
    refused(tmp_path / "gone.wav", "cannot be read: No such file")
    refused(tmp_path, "cannot be read")
    refused(Outside("../a.wav"), "leads out of the table's folder")


def test_no_sounds(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("hello, this is a text\n" * 30)
    refused(tmp_path / "a.wav", "is a text, not a sound; it begins with 'hello, this is a text")
    refused(bytes(range(128, 256)) * 4, "The cell is no sound that can be read")
    refused(b"\0", "no sound that can be read")


@pytest.mark.parametrize("name", ["list.m3u8", "concat.txt", "sdp"])
def test_play_lists_are_not_followed(tmp_path: Path, name: str) -> None:
    """FFmpeg would open the files and addresses that they name."""
    (tmp_path / "secret.wav").write_bytes(encoded("WAV"))
    text = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path / 'secret.wav'}\n#EXT-X-ENDLIST\n",
        "concat.txt": f"ffconcat version 1.0\nfile {tmp_path / 'secret.wav'}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    }[name]
    path = tmp_path / f"{name}.wav"
    path.write_text(text)
    refused(path, "is a text")
    refused(text.encode(), "is a text")


def test_a_truncated_wav_is_what_is_there_of_it() -> None:
    whole = encoded("WAV")
    half = KIND.read(whole[: 44 + 8001])
    np.testing.assert_array_equal(half.samples, KIND.read(whole).samples[: len(half.samples)])
    assert len(half.samples) == 4000
    refused(whole[:44], "no samples")
    refused(whole[:30], "no sound that can be read|no samples")


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3", "AIFF"])
def test_truncated_files(form: str) -> None:
    content = encoded(form, 30.0 if form == "OGG" else 2.0)
    found = KIND.read(content[: len(content) // 2])
    assert 0.1 < found.seconds / KIND.read(content).seconds < 0.9
    assert abs(pitch_of(found.samples) - 440) < 5


@pytest.mark.parametrize("said", [0xFFFFFFFF, 0x7FFFFFFE, 10_000_000])
def test_a_wav_that_lies_about_its_length(said: int) -> None:
    data = (tone() * 32767).astype("<i2").tobytes()
    tracemalloc.start()
    found = KIND.read(wav(data, said=said))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.samples) == 8000
    assert peak < 20e6


@pytest.mark.parametrize("seconds", [0.5, 25.0])
def test_a_flac_that_lies_about_its_length(seconds: float) -> None:
    """It says two million seconds: windows would lie behind the end, so it is read from its start."""
    content = bytearray(encoded("FLAC", seconds))
    assert content[4] & 0x7F == 0
    content[8 + 13] |= 0x07  # the highest bits of the number of samples
    assert soundfile.info(BytesIO(bytes(content))).frames > 1e9
    tracemalloc.start()
    found = KIND.read(bytes(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.seconds == pytest.approx(seconds, abs=0.3)
    assert peak < 50e6


@pytest.mark.parametrize("rate", [0, 1, 49, 20_000_000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_rates_that_no_recording_has(rate: int) -> None:
    refused(wav(b"\1\0" * 400, rate=rate), "samples a second|no sound that can be read|damaged|no samples")


def test_a_thousand_channels() -> None:
    found = KIND.read(wav(struct.pack("<h", 8192) * 1000 * 500, channels=1000))
    assert len(found.samples) == 500
    np.testing.assert_allclose(found.samples, 0.25, atol=1e-3)
    with pytest.raises(CellError):
        KIND.read(wav(b"\0\0" * 100, channels=0))


@pytest.mark.parametrize("rate", [50, 8000, 16_000, 44_100, 192_000])
def test_one_sample(rate: int) -> None:
    found = KIND.read(wav(struct.pack("<h", 16384), rate=rate))
    assert len(found.samples) >= 1
    assert np.isfinite(found.samples).all()
    assert KIND.thumbnail(wav(struct.pack("<h", 16384), rate=rate)).startswith("<svg")


def test_silence_is_a_sound() -> None:
    found = KIND.read(wav(b"\0\0" * 16_000))
    assert found.seconds == 1
    assert not found.samples.any()


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_floats_that_are_no_numbers(rate: int) -> None:
    values = tone(0.5, rate).astype("<f4")
    values[100:110], values[200], values[300], values[400] = np.nan, np.inf, -np.inf, 1e38
    found = KIND.read(wav(values.tobytes(), rate=rate, bits=32, form=3))
    assert np.isfinite(found.samples).all()
    assert np.abs(found.samples).max() <= 1
    values[400] = 0
    found = KIND.read(wav(values.tobytes(), rate=rate, bits=32, form=3))
    assert abs(pitch_of(found.samples) - 440) < 5
    nothing = KIND.read(wav(np.full(400, np.nan, dtype="<f4").tobytes(), rate=rate, bits=32, form=3))
    assert not nothing.samples.any()


@pytest.mark.parametrize("bits", [8, 24, 32])
def test_widths_by_hand(bits: int) -> None:
    """Not written by the library that reads them."""
    level = tone(0.1)
    whole = np.round(level * (2 ** (bits - 1) - 1)).astype(np.int64)
    data = (whole + 128).astype(np.uint8).tobytes() if bits == 8 else b"".join(int(v).to_bytes(bits // 8, "little", signed=True) for v in whole)
    np.testing.assert_allclose(KIND.read(wav(data, bits=bits)).samples, level, atol=2 ** (2 - bits))


def test_an_mp3_with_a_cover(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 800
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    content = b"ID3\3\0\0" + size + frame + encoded("MP3")
    found, plain = KIND.read(content), KIND.read(encoded("MP3"))
    assert abs(pitch_of(found.samples) - 440) < 5
    assert abs(found.seconds - plain.seconds) < 0.1


@pytest.mark.parametrize(
    ("form", "sound", "picture"), [("mp4", "aac", None), ("mp4", "aac", "mpeg4"), ("matroska", "libopus", "mpeg4"), ("adts", "aac", None)]
)
def test_films_and_what_only_ffmpeg_reads(tmp_path: Path, form: str, sound: str, picture: str | None) -> None:
    content = film(form, sound, picture, rate=48_000)
    (tmp_path / "a.mp4").write_bytes(content)
    found = KIND.read(content)
    assert 0.4 < found.seconds < 0.65
    assert abs(pitch_of(found.samples) - 440) < 5
    assert 0.4 < np.abs(found.samples[2000:-2000]).max() < 0.6
    assert KIND.read(tmp_path / "a.mp4") == found


def test_a_film_without_sound() -> None:
    refused(film("mp4", None), "a film without sound")


def test_a_long_film_gives_windows() -> None:
    content = film("matroska", "libopus", None, seconds=640.0, rate=48_000)
    found = KIND.read(content)
    assert 560 < found.seconds <= 600.1
    assert abs(pitch_of(found.samples[: 10 * RATE]) - 440) < 5


def test_a_damaged_film_gives_what_is_there() -> None:
    content = film("matroska", "libopus", "mpeg4", seconds=3.0, rate=48_000)
    found = KIND.read(content[: len(content) * 2 // 3])
    assert 0.5 < found.seconds < 2.9


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "OGG", "AIFF", "mp4"])
@given(data=st.data())
def test_any_damage_is_a_cell_error_or_a_sound(form: str, data: st.DataObject) -> None:
    content = bytearray(made_film() if form == "mp4" else encoded(form, 0.2))
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=20)):
        content[place if data.draw(st.booleans()) else place % 200] = value
    cut = data.draw(st.integers(0, len(content)))
    start = data.draw(st.sampled_from([0, 0, 0, 5]))
    try:
        found = KIND.read(bytes(content[start:cut]))
    except CellError:
        pass
    else:
        assert 1 <= len(found.samples) <= 600 * RATE
        assert np.isfinite(found.samples).all()
        assert np.abs(found.samples).max() <= 1


@cache
def made_film() -> bytes:
    return film("mp4", "aac", "mpeg4", 0.2)
