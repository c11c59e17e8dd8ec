"""Pictures: paths, bytes, strange files, damage."""

from __future__ import annotations

import contextlib
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._decode import decode

KIND = KINDS.get("image")()


def encode(image, form="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "b.jpg", "sub/c.gif"):
        Image.new("RGB", (8, 6), (200, 10, 10)).save(tmp_path / name)
    (tmp_path / "d.png").mkdir()
    return tmp_path


def test_paths(folder):
    parsed = KIND.parse(
        pl.Series(["a.png", " b.jpg ", "sub\\c.gif", "gone.png", "d.png", "", "NA", "https://x.org/a.png", "bad\0.png", "x" * 5000 + ".png"]), folder
    )
    assert parsed.present.tolist() == [True] * 3 + [False] * 7
    assert parsed.values[2] == folder / "sub" / "c.gif"
    assert parsed.problems[3] == "The file 'gone.png' is not there."
    assert "nothing is fetched" in parsed.problems[7]
    assert sorted(parsed.problems) == [3, 4, 7, 8, 9]


def test_paths_with_dots_are_resolved(folder):
    assert KIND.parse(pl.Series(["sub/../a.png"]), folder).values[0] == folder / "a.png"


def test_evidence_holds_with_files_gone(folder):
    evidence = KIND.sniff(Profile("x", pl.Series(["a.png", "b.jpg", "gone.png", "gone.jpg", None]), folder))
    assert evidence.score > 0.9
    assert "2 are there" in evidence.reason
    assert KIND.sniff(Profile("x", pl.Series([encode(Image.new("L", (2, 2))), None]))).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series(["look at a.png", "hello", "no", "words"]))).score < 0.3


def test_key_is_the_content(folder):
    (folder / "copy.png").write_bytes((folder / "a.png").read_bytes())
    assert KIND.key(folder / "a.png") == KIND.key(folder / "copy.png") == KIND.key((folder / "a.png").read_bytes())
    assert KIND.key(folder / "a.png") != KIND.key(folder / "b.jpg")
    with pytest.raises(CellError, match=r"gone\.png"):
        KIND.key(folder / "gone.png")


@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_png_comes_back(height, width, random):
    pixels = np.array([[[random.randrange(256) for _ in range(3)] for _ in range(width)] for _ in range(height)], dtype=np.uint8)
    parsed = KIND.parse(pl.Series([encode(Image.fromarray(pixels)), None], dtype=pl.Binary))
    assert parsed.present.tolist() == [True, False]
    np.testing.assert_array_equal(KIND.read(parsed.values[0]), pixels)


def deep(mode):
    values = np.linspace(0, 65535, 48).reshape(6, 8)
    return Image.fromarray(values.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))


@pytest.mark.parametrize(
    "content",
    [
        encode(Image.new("P", (8, 6))),
        encode(Image.new("1", (8, 6))),
        encode(Image.new("L", (8, 6))),
        encode(Image.new("LA", (8, 6))),
        encode(Image.new("RGBA", (8, 6))),
        encode(Image.new("CMYK", (8, 6)), "JPEG"),
        encode(Image.new("CMYK", (8, 6)), "TIFF"),
        encode(Image.new("LAB", (8, 6)), "TIFF"),
        encode(deep("I;16")),
        encode(deep("I"), "TIFF"),
        encode(deep("F"), "TIFF"),
        encode(Image.new("RGB", (8, 6)), "WEBP"),
        encode(Image.new("RGB", (8, 6)), "BMP"),
        encode(Image.new("RGB", (8, 6)), "PPM"),
    ],
)
def test_every_mode_becomes_rgb(content):
    pixels = KIND.read(content)
    assert pixels.shape == (6, 8, 3)
    assert pixels.dtype == np.uint8


def test_sixteen_bit_keeps_its_range():
    pixels = KIND.read(encode(deep("I;16")))
    assert pixels.min() == 0
    assert pixels.max() == 255


def test_transparency_is_white():
    assert KIND.read(encode(Image.new("RGBA", (2, 2), (10, 20, 30, 0)))).tolist() == [[[255] * 3] * 2] * 2
    palette = Image.new("P", (2, 2), 0)
    assert KIND.read(encode(palette, transparency=0)).min() == 255


def test_the_camera_is_turned_upright():
    image = Image.new("RGB", (8, 6))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert KIND.read(encode(image, "JPEG", exif=exif)).shape == (8, 6, 3)


def test_the_first_frame_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert KIND.read(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))[0, 0].tolist() == [255, 0, 0]


def damaged(folder):
    whole = encode(Image.effect_noise((64, 64), 50))
    jpeg = encode(Image.effect_noise((64, 64), 50), "JPEG")
    head = whole[:16] + (60000).to_bytes(4, "big") * 2
    bomb = BytesIO()
    Image.new("1", (11000, 10000)).save(bomb, "PNG")
    return {
        "empty.png": b"",
        "text.png": b"hello",
        "cut.png": whole[: len(whole) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "head.png": whole[:30],
        "huge.png": head + whole[24:],
        "bomb.png": bomb.getvalue(),
        "gif.gif": b"GIF89a" + b"\xff" * 40,
        "tiff.tif": b"II*\0" + b"\xff" * 40,
    }


@pytest.mark.filterwarnings("ignore")
def test_damage_is_an_error_with_the_file(tmp_path):
    for name, content in damaged(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CellError) as caught:
            KIND.read(tmp_path / name)
        assert caught.value.file == str(tmp_path / name)
        with pytest.raises(CellError):
            KIND.read(content)
        assert "no picture" in KIND.thumbnail(tmp_path / name)
    with pytest.raises(CellError, match="cannot be read"):
        KIND.read(tmp_path / "gone.png")


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"P6 ", b"RIFF\0\0\0\0WEBP"]),
)
def test_bytes_are_read_or_refused(tail, head):
    with contextlib.suppress(CellError):
        assert KIND.read(head + tail).dtype == np.uint8


@pytest.mark.parametrize("size", [1, 16, 60, 100, 500])
def test_read_at_is_never_too_small(tmp_path, size):
    Image.effect_noise((640, 400), 60).convert("RGB").save(tmp_path / "a.jpg")
    pixels = KIND.read_at(tmp_path / "a.jpg", size)
    assert min(pixels.shape[:2]) >= min(size, 400)
    assert (pixels.shape[0] < 400) == (size <= 200)
    whole = KIND.read(tmp_path / "a.jpg")
    assert abs(float(pixels.mean()) - float(whole.mean())) < 4


def test_thumbnail_is_small_and_safe(folder):
    Image.effect_noise((900, 300), 60).save(folder / "wide.png")
    shown = KIND.thumbnail(folder / "wide.png")
    assert shown.startswith('<img alt="" src="data:image/jpeg;base64,')
    assert len(shown) < 12000
    assert "<script" not in KIND.thumbnail(folder / "<script>.png")


@pytest.mark.parametrize("family", sorted(KIND.corruptions))
@pytest.mark.parametrize("shape", [(32, 24, 3), (1, 1, 3)])
def test_corruptions(family, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = pixels.copy()
    corrupt = KIND.corruptions[family]
    np.testing.assert_array_equal(corrupt(pixels, 0, np.random.default_rng(1)), pixels)
    for severity in range(1, 6):
        once, again = (corrupt(pixels, severity, np.random.default_rng(1)) for _ in range(2))
        np.testing.assert_array_equal(once, again)
        assert once.shape == shape
        assert once.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("family", sorted(KIND.corruptions))
def test_corruptions_grow(family):
    x = np.linspace(0, 12, 64)
    pixels = np.repeat((127 + 90 * np.sin(x)[:, None] * np.cos(x)[None, :])[..., None], 3, axis=2).astype(np.uint8)
    off = [np.abs(KIND.corruptions[family](pixels, severity, np.random.default_rng(3)).astype(float) - pixels).mean() for severity in range(6)]
    assert off == sorted(off)
    assert off[5] > off[1] > 0


@pytest.mark.parametrize("name", sorted(KIND.augmentations))
def test_augmentations_are_seeded(name):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    seen = {KIND.augmentations[name](pixels, np.random.default_rng(seed)).tobytes() for seed in range(8)}
    assert len(seen) > 1
    np.testing.assert_array_equal(*(KIND.augmentations[name](pixels, np.random.default_rng(5)) for _ in range(2)))


def test_no_other_program_is_given_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "page.eps"
    Image.new("RGB", (8, 8), "red").save(path, "EPS")
    with pytest.raises(CellError, match=r"not a picture|no picture"):
        decode(path)
