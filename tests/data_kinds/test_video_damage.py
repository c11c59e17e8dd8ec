"""Films that are damaged, empty, huge, or none: a reason or what there is, and never anything else."""

from __future__ import annotations

import random
import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from consilience.core.errors import CellError, MissingExtra
from consilience.data.kinds import KINDS
from consilience.data.kinds._film import Film

av = pytest.importorskip("av")
KIND = KINDS.get("video")()


def film_bytes(number=24, form="mp4", codec="mpeg4", height=48, width=64, sound=False, pictures=True):
    buffer = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (number, height, width, 3), dtype=np.uint8)
    with av.open(buffer, "w", format=form) as film:
        stream = film.add_stream(codec, rate=12, options={"threads": "1"}) if pictures else None
        heard = film.add_stream("aac", rate=16000) if sound else None
        if stream is not None:
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            stream.codec_context.gop_size = 6
            for pixels in noise:
                film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            film.mux(stream.encode())
        if heard is not None:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono")
            frame.rate = 16000
            film.mux(heard.encode(frame))
            film.mux(heard.encode())
    return buffer.getvalue()


def outcome(content):
    """The film, or the reason why there is none; anything else fails."""
    try:
        film = KIND.read(content)
    except CellError as error:
        return error.reason
    assert isinstance(film, Film)
    assert 1 <= len(film.frames) <= 32
    assert film.frames.dtype == np.uint8
    assert min(film.frames.shape[1:3]) <= 256
    assert len(film.times) == len(film.frames)
    assert np.isfinite(film.times).all()
    assert np.isfinite(film.seconds)
    assert (np.diff(film.times) >= 0).all()
    assert film.seconds >= film.times[-1] - 1e-3
    return film


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"This is a letter, not a film.\n" * 9, "is a text, not a film; it begins with"),
        (b"\0" * 5000, "cannot be read"),
        (bytes(range(256)) * 40, "cannot be read"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "cannot be read|no moving pictures|Not one frame"),
        (b"\x1aE\xdf\xa3" + b"\xff" * 100, "cannot be read|no moving pictures"),
        (b"RIFF\xff\xff\xff\x7fAVI LIST\xff\xff\xff\x7fhdrl", "cannot be read|no moving pictures"),
        (b"GIF89a", "damaged|cannot be read"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is a text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is a text"),
    ],
)
def test_what_is_no_film_says_why(content, reason):
    with pytest.raises(CellError, match=reason):
        KIND.read(content)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(CellError, match=r"gone\.mp4"):
        KIND.read(tmp_path / "gone.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(CellError, match="cannot be read"):
        KIND.read(tmp_path / "folder.mp4")


def test_a_playlist_is_not_followed(tmp_path):
    """A list that names a film beside it must not open that film."""
    (tmp_path / "real.mp4").write_bytes(film_bytes())
    for name, text in (
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\nreal.mp4\n#EXT-X-ENDLIST\n"),
        ("b.mp4", "ffconcat version 1.0\nfile real.mp4\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(CellError, match="is a text"):
            KIND.read(tmp_path / name)


def test_sound_without_pictures_is_no_film():
    with pytest.raises(CellError, match=r"no moving pictures in it\. It holds sound only"):
        KIND.read(film_bytes(sound=True, pictures=False))
    assert len(outcome(film_bytes(sound=True)).frames) == 24


def test_a_film_without_frames():
    with pytest.raises(CellError, match=r"cannot be read|no moving pictures|Not one frame"):
        KIND.read(film_bytes(0, "matroska", sound=True))


def test_one_frame_is_a_film():
    film = outcome(film_bytes(1))
    assert len(film.frames) == 1
    assert film.times.tolist() == [0]


@pytest.mark.parametrize("form", ["avi", "matroska"])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.95])
def test_a_film_that_is_cut_off_gives_what_is_there(form, share):
    content = film_bytes(24, form)
    found = outcome(content[: int(share * len(content))])
    if share > 0.3:
        assert isinstance(found, Film), found
        assert 0.3 * share * 24 <= len(found.frames) <= 24


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_mp4_that_is_cut_off(tmp_path, share):
    path = tmp_path / "a.mp4"
    path.write_bytes(film_bytes(24))
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"}) as film:
        stream = film.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                film.mux(packet)
    early = (tmp_path / "b.mp4").read_bytes()
    found = outcome(early[: int(share * len(early))])
    assert isinstance(found, Film), found
    assert len(found.frames) < 24
    late = path.read_bytes()
    assert isinstance(outcome(late[: int(share * len(late))]), str), "the table of contents stands at its end"


@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("avi", "mpeg4"), ("webm", "libvpx"), ("mp4", "mpeg4")])
def test_noise_in_the_middle_is_survived(form, codec):
    content = bytearray(film_bytes(24, form, codec))
    draw = random.Random(0)
    for place in range(len(content) // 3, len(content) // 2):
        content[place] = draw.randrange(256)
    found = outcome(bytes(content))
    assert isinstance(found, Film), found


@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("avi", "mpeg4"), ("matroska", "mpeg4"), ("gif", "")])
def test_any_broken_bytes_give_a_reason_or_a_film(form, codec):
    content = gif(8) if form == "gif" else film_bytes(8, form, codec)
    for seed in range(40):
        draw = random.Random(seed)
        broken = bytearray(content)
        for _ in range(draw.choice((1, 5, 60))):
            broken[draw.randrange(len(broken) if seed % 2 else min(400, len(broken)))] = draw.randrange(256)
        outcome(bytes(broken[: draw.randrange(1, len(broken))] if seed % 5 == 0 else broken))


def gif(number, size=(20, 16), **options):
    buffer = BytesIO()
    pictures = [Image.new("RGB", size, (9 * place, 10, 200)) for place in range(number)]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], duration=50, **options)
    return buffer.getvalue()


def test_a_gif_that_is_cut_off():
    content = gif(20)
    found = outcome(content[: int(0.7 * len(content))])
    assert isinstance(found, Film)
    assert 5 <= len(found.frames) < 20


def test_frames_that_are_said_to_be_huge_are_not_made(monkeypatch):
    """A header of a few bytes must not make gigabytes."""
    content = bytearray(gif(2))
    content[6:10] = struct.pack("<HH", 65535, 65535)
    with pytest.raises(CellError, match=r"too large|not read|damaged|cannot"):
        KIND.read(bytes(content))
    avi = bytearray(film_bytes(4, "avi"))
    at = avi.find(b"strf") + 8
    avi[at + 4 : at + 12] = struct.pack("<ii", 30000, 30000)
    found = outcome(bytes(avi))
    assert isinstance(found, str) or found.frames.shape[1:3] == (48, 64)
    monkeypatch.setattr("consilience.data.kinds._film_decode.MAX_PIXELS", 3000)
    with pytest.raises(CellError, match="64 x 48 pixels"):
        KIND.read(film_bytes(4))


def test_a_header_that_lies_about_the_length():
    content = bytearray(film_bytes(24))
    for box in (b"mvhd", b"mdhd"):
        at = content.find(box)
        content[at + 20 : at + 24] = struct.pack(">I", 0x7FFFFFFF)
    at = content.find(b"tkhd")
    content[at + 24 : at + 28] = struct.pack(">I", 0x7FFFFFFF)
    film = outcome(bytes(content))
    assert isinstance(film, Film)
    assert len(film.frames) >= 8
    assert film.seconds < 60


def test_without_pyav_a_gif_is_read_and_the_rest_names_the_extra(monkeypatch):
    content, moving = film_bytes(3), gif(3)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert len(KIND.read(moving).frames) == 3
    with pytest.raises(MissingExtra, match=r"consilience\[video\]"):
        KIND.read(content)
    assert "av" in KIND.thumbnail(content)
