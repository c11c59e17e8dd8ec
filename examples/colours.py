"""Which of three coloured patches is meant? A task in two languages that only words and picture together can tell.

A row has a picture of three patches, words such as "the red one", "the darker of the two blue ones" or "较深的那个蓝色", and the place of the patch
that is meant: first, second or third. Places are drawn by lot and words name no place, so the words alone are at chance; the patch that is meant is
drawn by lot after the picture, so the picture alone is at chance too.

python examples/colours.py --out demo/colours
consilience fit demo/colours/train.csv --target place --kind words=text --encoder image=hog --out demo/colours-model
"""

from __future__ import annotations

import argparse
import colorsys
import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

__all__ = ["PLACES", "Scene", "build", "draw_scenes", "paint"]

PLACES = ("first", "second", "third")
SIDE = 48
HUES = {"red": 0.0, "yellow": 0.15, "green": 0.34, "blue": 0.61, "purple": 0.8, "grey": None}
CHINESE = {"red": "红色", "yellow": "黄色", "green": "绿色", "blue": "蓝色", "purple": "紫色", "grey": "灰色"}
DARK, PLAIN, LIGHT = (0.2, 0.32), (0.35, 0.6), (0.66, 0.8)

NAMED = {"en": ("the {} one", "the {} patch", "{}"), "zh": ("{}的那个", "{}那块", "{}")}
OF_TWO = {
    "dark": {"en": ("the darker of the two {} ones", "the darker {} one", "darker {}"), "zh": ("较深的那个{}", "深一点的{}", "更深的{}")},
    "light": {"en": ("the lighter of the two {} ones", "the lighter {} one", "lighter {}"), "zh": ("较浅的那个{}", "浅一点的{}", "更浅的{}")},
}
OF_THREE = {
    "dark": {"en": ("the darkest one", "the darkest patch", "darkest"), "zh": ("最深的那个", "最深的那块", "颜色最深的")},
    "plain": {
        "en": ("neither the darkest nor the lightest", "the one in between", "in between"),
        "zh": ("不深不浅的那个", "居中的那块", "深浅居中的"),
    },
    "light": {"en": ("the lightest one", "the lightest patch", "lightest"), "zh": ("最浅的那个", "最浅的那块", "颜色最浅的")},
}


@dataclass(frozen=True)
class Scene:
    """Three patches in order, each red, green, blue from 0 to 255; the words; and the place of the patch that is meant."""

    patches: tuple[tuple[int, int, int], ...]
    words: str
    place: str


def draw_scenes(rows: int, seed: int = 0) -> Iterator[Scene]:
    """So many scenes: half of three hues, a third with two patches of one hue, the others of one hue in three shades.

    >>> [scene.place in PLACES for scene in draw_scenes(2)]
    [True, True]
    """
    draw = random.Random(seed)
    for _ in range(rows):
        language, sort = draw.choice(("en", "zh")), draw.random()
        hues = draw.sample(list(HUES), 3)
        if sort < 1 / 2:
            patches = [(hue, "plain", NAMED[language]) for hue in hues]
        elif sort < 5 / 6:
            two = [(hues[0], shade, OF_TWO[shade][language]) for shade in ("dark", "light")]
            patches = [*two, (hues[1], draw.choice(("dark", "plain", "light")), NAMED[language])]
        else:
            patches = [(hues[0], shade, OF_THREE[shade][language]) for shade in ("dark", "plain", "light")]
        draw.shuffle(patches)
        meant = draw.randrange(3)
        hue, _shade, words = patches[meant]
        named = draw.choice(words).format(hue if language == "en" else CHINESE[hue])
        yield Scene(tuple(_colour(hue, shade, draw) for hue, shade, _ in patches), named, PLACES[meant])


def paint(scene: Scene) -> Image.Image:
    """Three upright bars on white, from left to right."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    for place, colour in enumerate(scene.patches):
        ImageDraw.Draw(picture).rectangle((place * SIDE // 3 + 1, 2, (place + 1) * SIDE // 3 - 2, SIDE - 3), fill=colour)
    return picture


def build(folder: Path, train: int = 3000, test: int = 1000, seed: int = 0) -> dict[str, int]:
    """Draws the table into a folder; the rows of each part."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    sizes = {"train": train, "test": test}
    for number, (part, rows) in enumerate(sizes.items()):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("words", "picture", "place"))
            for row, scene in enumerate(draw_scenes(rows, 2 * seed + number)):
                name = f"images/{part}{row:05d}.png"
                paint(scene).save(folder / name)
                writer.writerow((scene.words, name, scene.place))
    return sizes


def _colour(hue: str, shade: str, draw: random.Random) -> tuple[int, int, int]:
    """A colour near its name: no two patches are quite alike."""
    lightness = draw.uniform(*{"dark": DARK, "plain": PLAIN, "light": LIGHT}[shade])
    angle = HUES[hue]
    saturation = 0.0 if angle is None else draw.uniform(0.7, 1.0)
    red, green, blue = colorsys.hls_to_rgb(((angle or 0.0) + draw.uniform(-0.02, 0.02)) % 1, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def main() -> None:
    """Reads the command line and draws the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo/colours"), help="folder of the table")
    parser.add_argument("--train", type=int, default=3000, help="rows to learn from")
    parser.add_argument("--test", type=int, default=1000, help="rows to be judged by")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rows = build(given.out, given.train, given.test, given.seed)
    print(f"The table is in {given.out}: " + ", ".join(f"{count:,} rows {part}" for part, count in rows.items()) + ".")


if __name__ == "__main__":
    main()
