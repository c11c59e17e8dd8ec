"""Nasty pictures in a whole fit: each is read, or its row is set aside with words a person can act on; none eats memory."""

from __future__ import annotations

import io
import resource
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import consilience
from consilience.data.kinds import KINDS

Fit = Callable[..., consilience.Model]
PICTURES = {"encoders": {"image": "hog"}}
ROWS = 20


def png_of(width: int, height: int) -> bytes:
    """A black PNG of any size, one bit for each pixel, made without holding it."""
    pack, line = zlib.compressobj(1), bytes(1 + (width + 7) // 8)
    body = b"".join([pack.compress(line * 100) for _ in range(height // 100)]) + pack.flush()
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def picture(row: int, shape: tuple[int, int] = (24, 24)) -> Image.Image:
    """Bright at the top or at the bottom."""
    pixels = np.random.default_rng(row).integers(0, 60, (*shape, 3)).astype(np.uint8)
    half = slice(0, shape[0] // 2) if row % 2 else slice(shape[0] // 2, None)
    pixels[half] += 180
    return Image.fromarray(pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures 0.png, 1.png ... of two classes."""
    for row in range(ROWS):
        picture(row).save(tmp_path / f"{row}.png")
    return tmp_path


def table(folder: Path, **instead: str) -> Path:
    """table.csv, whose row N names N.png, or what is given for ``rN``."""
    names = [instead.get(f"r{row}", f"{row}.png") for row in range(ROWS)]
    pl.DataFrame({"pic": names, "y": [("low", "high")[row % 2] for row in range(ROWS)]}).write_csv(folder / "table.csv")
    return folder / "table.csv"


def broken(folder: Path) -> dict[int, str]:
    """Damages pictures 2 to 6; row to what has to be said of each."""
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:300])
    (folder / "3.png").write_bytes(b"")
    (folder / "4.jpg").write_text("<!DOCTYPE html><title>404 Not Found</title>")
    (folder / "5.png").write_bytes(bytes(range(256)))
    (folder / "6.png").write_bytes(png_of(30_000, 30_000))
    return {
        2: "The picture is damaged: ",
        3: "The file is empty (0 bytes), so there is no picture.",
        4: "The file is a text, not a picture; it begins with '<!DOCTYPE html>",
        5: "The file is no picture that can be read.",
        6: "The picture has 900,000,000 pixels; more than 89 million are not read.",
    }


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_set_aside_with_the_reason(folder: Path, fit: Fit) -> None:
    said = broken(folder)
    path = table(folder, r4="4.jpg")
    model = fit(path, **PICTURES)
    assert {item["row"]: item["column"] for item in model.facts["quarantine"]} == dict.fromkeys(said, "pic")
    for item in model.facts["quarantine"]:
        assert item["reason"].startswith(said[item["row"]])
    assert (model.facts["num_rows"], model.facts["num_learned"]) == (ROWS, ROWS - 5)
    found = model.predict_table(path)
    assert found["prediction"].is_null().to_list() == [row in said for row in range(ROWS)]
    for row, words in said.items():
        assert found["note"][row].startswith(f"Column 'pic': {words}")
    measured = model.evaluate(path)
    assert (measured["num_rows"], measured["num_quarantined"]) == (ROWS, 5)
    assert [item["row"] for item in measured["quarantine"]] == list(said)


@pytest.mark.filterwarnings("ignore")
def test_the_command_line_names_row_column_and_file(folder: Path, run: Callable[..., Any]) -> None:
    said = broken(folder)
    path = table(folder, r4="4.jpg")
    shown = run("inspect", path, "--target", "y")
    assert shown.exit_code == 0
    for row, words in said.items():
        assert f"row {row}: {words}" in shown.stdout
    assert str(folder / "4.jpg") in shown.stdout
    refused = run("fit", path, "--target", "y", "--learner", "linear", "--encoder", "pic=hog", "--out", folder / "model", "--quiet")
    assert refused.exit_code == 0, refused.stderr
    assert "Set aside, 5 of 20 rows:" in refused.stdout
    strict = run("predict", folder / "model", path, "--strict")
    assert strict.exit_code == 2
    assert strict.stderr.splitlines()[-1].startswith("Error: Column 'pic', row 2: The picture is damaged: ")
    assert not strict.stdout


def peak_memory() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("width", "height", "said"), [(30_000, 30_000, "900,000,000 pixels"), (12_000, 8_000, "12,000 x 8,000 pixels")])
def test_a_huge_picture_is_not_unpacked(width: int, height: int, said: str) -> None:
    content = png_of(width, height)
    assert len(content) < 1_000_000
    before = peak_memory()
    for read in (KINDS.get("image")().read, lambda value: KINDS.get("image")().read_at(value, 64)):
        with pytest.raises(consilience.errors.CellError, match=f"The picture has {said}; more than 89 million are not read"):
            read(content)
    assert peak_memory() - before < 50_000_000


def test_many_sixteen_bit_pixels_take_little_more_than_the_picture() -> None:
    grey = np.linspace(0, 65535, 2_000_000).reshape(1000, 2000).astype(np.uint16)
    content = io.BytesIO()
    Image.fromarray(grey).save(content, "PNG", compress_level=1)
    tracemalloc.start()
    pixels = KINDS.get("image")().read(content.getvalue())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(pixels[..., 0], np.round(grey / 257).astype(np.uint8))
    assert peak < 12 * grey.size


def odd_pictures() -> dict[str, tuple[str, bytes]]:
    """Row's picture in a form that few programs write: name of the file and content."""

    def saved(image: Image.Image, form: str, **options: Any) -> bytes:
        content = io.BytesIO()
        image.save(content, form, **options)
        return content.getvalue()

    turned = Image.Exif()
    turned[0x0112] = 3  # to be turned upside down
    deep = Image.fromarray(np.asarray(picture(0).convert("L")).astype(np.uint16) * 257)
    return {
        "deep": ("deep.png", saved(deep, "PNG")),
        "cmyk": ("cmyk.jpg", saved(picture(0).convert("CMYK"), "JPEG", quality=95)),
        "palette": ("palette.png", saved(picture(0).convert("P", palette=Image.Palette.ADAPTIVE), "PNG")),
        "animated": ("animated.gif", saved(picture(0), "GIF", save_all=True, append_images=[picture(1)] * 3)),
        "turned": ("turned.jpg", saved(picture(0).transpose(Image.Transpose.ROTATE_180), "JPEG", quality=95, exif=turned)),
    }


def test_odd_forms_are_seen_as_the_plain_picture(folder: Path, fit: Fit) -> None:
    model = fit(table(folder), **PICTURES)
    forms = odd_pictures()
    for name, content in forms.values():
        (folder / name).write_bytes(content)
    pl.DataFrame({"pic": ["0.png", "1.png", *(name for name, _ in forms.values())]}).write_csv(folder / "odd.csv")
    found = model.predict_table(folder / "odd.csv", proba=True)
    assert found["note"].to_list() == [""] * 7
    low = found["probability_low"].to_list()
    assert low[0] > 0.8
    assert low[1] < 0.2
    # An animated picture is its first frame, a turned one stands upright: each is the picture that it was made of.
    assert dict(zip(forms, low[2:], strict=True)) == pytest.approx(dict.fromkeys(forms, low[0]), abs=0.1)


def test_cells_that_hold_text_where_others_hold_pictures(model: consilience.Model, folder: Path, fit: Fit) -> None:
    content: list[Any] = [(folder / f"{row}.png").read_bytes() for row in range(ROWS)]
    content[3], content[5] = "nowhere/there is no.png", b""
    model = fit({"pic": content, "y": [("low", "high")[row % 2] for row in range(ROWS)]}, **PICTURES)
    assert [(item["row"], item["reason"]) for item in model.facts["quarantine"]] == [
        (3, "The cell names 'nowhere/there is no.png' where others hold pictures; there is no such file, or it may not be read."),
        (5, "The cell is empty (0 bytes), so there is no picture."),
    ]


def test_no_picture_that_can_be_read(folder: Path, fit: Fit) -> None:
    path = table(folder)
    for row in range(ROWS):
        (folder / f"{row}.png").write_bytes(b"")
    with pytest.raises(consilience.errors.TargetError, match=r"^Column 'pic': Fewer than two rows can be read\. The file is empty"):
        fit(path, **PICTURES)
