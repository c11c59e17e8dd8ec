"""Films: formats, times, sizes, which frames are taken."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._film import Film, scene_changes, steady
from consilience.data.kinds._film_decode import decode_film
from consilience.data.kinds._film_plan import plan
from consilience.testing._fake_video import fake_video_column
from consilience.testing.kind_checks import check_kind

av = pytest.importorskip("av")
KIND = KINDS.get("video")()


def film_bytes(frames, form="mp4", codec="libx264", rate=10, times=None, rotation=0, gop=12, **options):
    """A film of ``[T, H, W, 3]`` frames; ``times`` in milliseconds for uneven ones."""
    buffer = BytesIO()
    with av.open(buffer, "w", format=form) as film:
        stream = film.add_stream(codec, rate=rate, options={"threads": "1", **options})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = gop
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for place, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[place], Fraction(1, 1000)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return buffer.getvalue()


def ramp(number, height=32, width=48, step=None):
    """Grey frames, each brighter than the one before, so that a frame tells its place."""
    levels = np.arange(number) * (step or 200 / max(1, number - 1)) + 20
    return np.repeat(np.round(levels).astype(np.uint8), height * width * 3).reshape(number, height, width, 3)


def places(film, number):
    """Which of ``ramp(number)`` each frame is."""
    return np.round((film.frames.mean(axis=(1, 2, 3)) - 20) / (200 / max(1, number - 1))).astype(int).tolist()


def gif_bytes(frames, durations=100, **options):
    buffer = BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], duration=durations, **options)
    return buffer.getvalue()


def test_it_keeps_what_a_kind_promises(tmp_path):
    check_kind(KIND, fake_video_column())
    check_kind(KIND, fake_video_column(rows=8, folder=tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("form", "codec", "suffix"),
    [("mp4", "libx264", ".mp4"), ("webm", "libvpx", ".webm"), ("mov", "mpeg4", ".mov"), ("avi", "mpeg4", ".avi"), ("matroska", "libx264", ".mkv")],
)
def test_formats(tmp_path, form, codec, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(film_bytes(ramp(12), form, codec))
    film = KIND.read(path)
    assert film.frames.shape == (12, 32, 48, 3)
    assert film.frames.dtype == np.uint8
    np.testing.assert_allclose(film.times, np.arange(12) / 10, atol=2e-3)
    assert film.seconds == pytest.approx(1.2, abs=0.11)
    assert places(film, 12) == list(range(12))
    assert film == KIND.read(path.read_bytes())
    assert KIND.sniff(Profile("x", pl.Series([path.name]), tmp_path)).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series([path.read_bytes()]))).score > 0.9


@pytest.mark.parametrize("number", [1, 2, 31, 32, 33, 64, 100])
def test_frames_are_spread_evenly_over_time(number):
    film = KIND.read(film_bytes(ramp(number)))
    assert len(film.frames) == min(number, 32)
    found = places(film, number)
    assert found == sorted(found)
    if number > 32:
        np.testing.assert_allclose(found, (np.arange(32) + 0.5) * number / 32 - 0.5, atol=2)
    np.testing.assert_allclose(film.times, np.array(found) / 10, atol=0.25 if number > 32 else 2e-3)


def test_uneven_times_are_those_of_the_film():
    times = [0, 40, 80, 1000, 1040, 3000]
    film = KIND.read(film_bytes(ramp(6), times=times, rate=25))
    np.testing.assert_allclose(film.times, np.array(times) / 1000, atol=2e-3)
    many = [place * 10 for place in range(50)] + [500 + place * 100 for place in range(50)]
    found = KIND.read(film_bytes(ramp(100), times=many, rate=25))
    assert sum(time < 0.5 for time in found.times) <= 5, "half of the frames lie in the first tenth of the time"


def test_seeking_gives_the_frames_that_plain_decoding_gives():
    frames = ramp(90, 48, 64)
    content = film_bytes(frames, gop=10)
    sparse = decode_film(content, 4)
    np.testing.assert_allclose(sparse.times * 10, np.array([11, 33, 56, 78]), atol=0.02)
    whole = np.stack(
        [frame.to_ndarray(format="rgb24") for frame in av.open(BytesIO(content)).decode(video=0)],
    )
    np.testing.assert_allclose(sparse.frames.astype(int), whole[[11, 33, 56, 78]].astype(int), atol=3)


def test_a_long_film_is_read_by_its_key_frames():
    content = film_bytes(ramp(300, 16, 16), rate=1, gop=5, bf="0", sc_threshold="0")
    film = KIND.read(content)
    assert len(film.frames) == 32
    assert film.seconds == pytest.approx(300, abs=2)
    assert all(time % 5 == 0 for time in film.times)
    assert film.times[-1] >= 285
    np.testing.assert_allclose(np.diff(film.times), 300 / 32, atol=5)


def test_a_long_film_with_one_key_frame_is_read_within_bounds():
    wanted = plan(np.array([[place, place == 0] for place in range(90_000)]), 32, 500)
    assert wanted[-1][1] < 500
    assert len(wanted) == 32
    film = KIND.read(film_bytes(ramp(200, 16, 16), rate=1, gop=1000, sc_threshold="0"))
    assert len(film.frames) == 32
    assert film.times[-1] > 180


def test_memory_does_not_grow_with_the_film():
    content = film_bytes(ramp(400, 240, 320, step=0.5), rate=25, preset="ultrafast")
    tracemalloc.start()
    film = KIND.read_at(content, 64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert min(film.frames.shape[1:3]) == 64
    assert peak < 8_000_000, "400 frames of 230 kB would be 92 MB"


def test_frames_are_reduced():
    film = KIND.read(film_bytes(ramp(2, 600, 800)))
    assert film.frames.shape[1:3] == (256, 341)
    assert KIND.read_at(film_bytes(ramp(2, 600, 800)), 60).frames.shape[1:3] == (60, 80)
    assert KIND.read(film_bytes(ramp(2, 16, 2000))).frames.shape[1:3] == (16, 2000)


@pytest.mark.parametrize(("degrees", "turned"), [(90, 1), (180, 2), (-90, 3)])
def test_the_camera_is_turned_upright(degrees, turned):
    frames = ramp(3).copy()
    frames[:, :10, :10] = 255
    plain, film = KIND.read(film_bytes(frames)), KIND.read(film_bytes(frames, rotation=degrees))
    np.testing.assert_array_equal(film.frames, np.rot90(plain.frames, turned, axes=(1, 2)))


def test_gif_times_and_transparency():
    film = KIND.read(gif_bytes(ramp(4), [100, 200, 0, 400]))
    np.testing.assert_allclose(film.times, [0, 0.1, 0.3, 0.4])
    assert film.seconds == pytest.approx(0.8)
    many = KIND.read(gif_bytes(ramp(100, 8, 8), 50))
    assert len(many.frames) == 32
    assert many.seconds == pytest.approx(5)
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    buffer = BytesIO()
    clear.save(buffer, "GIF", save_all=True, append_images=[Image.new("RGBA", (8, 8), (9, 9, 9, 255))])
    assert KIND.read(buffer.getvalue()).frames[0].min() == 255


def test_gif_is_a_film_only_if_it_moves(tmp_path):
    image = KINDS.get("image")()
    for name, frames in (("a.gif", ramp(3)), ("b.gif", ramp(4)), ("still.gif", ramp(1))):
        (tmp_path / name).write_bytes(gif_bytes(frames))
    for cells, film in ((["a.gif", "b.gif"], True), (["a.gif", "still.gif"], False), (["still.gif"], False)):
        profile = Profile("x", pl.Series(cells), tmp_path)
        assert (KIND.sniff(profile).score > image.sniff(profile).score) == film
        held = Profile("x", pl.Series([(tmp_path / name).read_bytes() for name in cells]))
        assert (KIND.sniff(held).score > image.sniff(held).score) == film
    assert KIND.sniff(Profile("x", pl.Series(["a.png", "b.jpg"]), tmp_path)).score == 0


def test_other_media_are_left_alone():
    for content in (b"\0\0\0\x18ftypM4A ", b"\0\0\0\x18ftypavif", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WEBP", b"\x89PNG"):
        assert KIND.sniff(Profile("x", pl.Series([content]))).score == 0
    assert KIND.sniff(Profile("x", pl.Series(["look at a.mp4", "hello", "no", "words"]))).score < 0.3


def test_the_thumbnail_is_a_strip(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (12, 120, 400, 3), dtype=np.uint8)
    html = KIND.thumbnail(film_bytes(noise, crf="0"))
    assert html.startswith("<img ")
    assert "data:image/jpeg;base64," in html
    assert len(html) < 20_000
    assert "no film" in KIND.thumbnail(tmp_path / "gone.mp4")


def test_steady_shows_what_is_shown_at_each_moment():
    film = Film(ramp(4, 2, 2), np.array([0, 0.05, 0.2, 0.85], dtype=np.float32), 1.0)
    assert steady(film, 5).tolist() == [1, 2, 2, 2, 3]
    assert steady(Film(film.frames[:1], film.times[:1], 0.0), 3).tolist() == [0, 0, 0]


def test_scene_changes_finds_the_cuts():
    random = np.random.default_rng(0)
    scenes = random.integers(0, 256, (4, 1, 1, 3))
    frames = np.clip(np.repeat(scenes, [5, 7, 3, 9], axis=0) + random.normal(0, 2, (24, 8, 8, 3)), 0, 255).astype(np.uint8)
    assert scene_changes(frames, 4).tolist() == [0, 5, 12, 15]
    assert scene_changes(frames[:2], 4).tolist()[-2:] == [1, 1]


def test_no_change_reverses_time_or_mirrors():
    film = Film(ramp(20, 30, 40), np.arange(20, dtype=np.float32), 20.0)
    for change in KIND.augmentations.values():
        for seed in range(5):
            made = change(film, np.random.default_rng(seed))
            assert (np.diff(made.times) > 0).all()
            assert made.seconds >= made.times[-1]
            assert (np.diff(made.frames.mean(axis=(1, 2, 3))) >= 0).all()


@pytest.mark.parametrize("name", ["gaussian_noise", "compression", "frame_drop", "speed", "blur", "brightness"])
def test_corruptions_grow(name):
    random = np.random.default_rng(3)
    moving = np.stack([np.roll(random.integers(60, 190, (24, 24, 3)), 0, axis=1)] * 24)
    frames = np.stack([np.roll(frame, place, axis=1) for place, frame in enumerate(moving)]).astype(np.uint8)
    film = Film(frames, np.arange(24, dtype=np.float32), 24.0)
    away = []
    for severity in range(6):
        made = [KIND.corruptions[name](film, severity, np.random.default_rng(seed)) for seed in range(4)]
        away.append(float(np.mean([np.abs(one.frames.astype(float) - frames).mean() for one in made])))
    assert away[0] == 0
    assert (np.diff(away) > -0.35 * max(away)).all()
    assert away[5] > away[1] > 0


def test_a_path_out_of_bounds_is_not_opened():
    from consilience.data.kinds._paths import Outside

    with pytest.raises(CellError, match="leads out"):
        KIND.read(Outside("../a.mp4"))


def test_paths(tmp_path):
    (tmp_path / "a.mp4").write_bytes(film_bytes(ramp(2)))
    parsed = KIND.parse(pl.Series(["a.mp4", "gone.mp4", None, "https://x.org/a.mp4"]), tmp_path)
    assert parsed.present.tolist() == [True, False, False, False]
    assert sorted(parsed.problems) == [1, 3]
    assert KIND.key(parsed.values[0]) == KIND.key(Path(parsed.values[0]).read_bytes())
