"""Pictures and sentences of the worlds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageDraw

from _bench import Bench, Options, Split
from _worlds import WORLDS, Factors, draw_factors
from consilience.data.table import Table

__all__ = ["NUM_TEST", "NUM_TRAIN", "load_world", "picture", "sentence"]

NUM_TRAIN = 600
NUM_TEST = 2000
PIXELS = 64
MEDIA_SEED = 7

COLOURS = ((205, 45, 40), (235, 130, 30), (235, 205, 50), (45, 90, 200), (40, 150, 75), (120, 60, 160))
TOPICS = (
    ("rain", "wind", "storm", "sunshine", "fog"),
    ("soup", "bread", "salad", "dinner", "cake"),
    ("train", "flight", "ferry", "journey", "bus"),
    ("match", "race", "team", "goalkeeper", "final"),
)
TONES = (("awful", "dreadful", "disappointing", "poor", "terrible", "bad"), ("wonderful", "lovely", "excellent", "great", "delightful", "good"))
FRAMES = (
    "The {noun} was {tone} {when}.",
    "{When} we had {tone} {noun}, they said.",
    "What a {tone} {noun} {when}!",
    "I heard that the {noun} would be {tone} {when}.",
    "Everyone called the {noun} {tone} {when}.",
)
WHENS = ("this morning", "last week", "on Sunday", "yesterday", "in the evening", "at noon")


def picture(shape: int, colour: int, size: int, random: np.random.Generator) -> Image.Image:
    """A filled circle, square, triangle or star on a light ground, a little off its place, size and colour."""
    ground = tuple(int(level) for level in random.integers(215, 256, 3))
    paint = tuple(int(np.clip(level + random.integers(-20, 21), 0, 255)) for level in COLOURS[colour])
    radius = float(random.uniform(20, 25) if size else random.uniform(10, 13))
    x, y = random.uniform(radius + 1, PIXELS - radius - 1, 2)
    turn = float(random.uniform(-0.2, 0.2))
    image = Image.new("RGB", (PIXELS, PIXELS), ground)
    draw = ImageDraw.Draw(image)
    if shape == 0:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=paint)
        return image
    corners, inner = ((4, 1.0), (3, 1.0), (10, 0.42))[shape - 1]
    start = math.pi / 4 if shape == 1 else -math.pi / 2
    points = []
    for corner in range(corners):
        reach = radius * (inner if corner % 2 and corners == 10 else 1.0)
        angle = start + turn + 2 * math.pi * corner / corners
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    draw.polygon(points, fill=paint)
    return image


def sentence(topic: int, tone: int, random: np.random.Generator) -> str:
    """A sentence with one word of the topic and one of the tone."""
    noun, word, when = random.choice(TOPICS[topic]), random.choice(TONES[tone]), str(random.choice(WHENS))
    return str(random.choice(FRAMES)).format(noun=noun, tone=word, when=when, When=when.capitalize())


def draw_pictures(factors: Factors, folder: Path) -> list[str]:
    """Writes the pictures that are not there; gives their paths within the folder."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    names = []
    for row, (shape, colour, size) in enumerate(zip(factors.shape, factors.colour, factors.size, strict=True)):
        names.append(f"pictures/{row}.png")
        if not (folder / names[-1]).exists():
            drawn = picture(int(shape), int(colour), int(size), np.random.default_rng((MEDIA_SEED, row)))
            drawn.save(folder / "pictures" / "new.png")
            (folder / "pictures" / "new.png").rename(folder / names[-1])
    return names


def load_world(name: str, options: Options) -> Bench:
    """The world as a table of 600 + 2,000 rows; each repeat draws other rows to learn from."""
    world, total, seed = WORLDS[name], NUM_TRAIN + NUM_TEST, 100 + list(WORLDS).index(name)
    factors = draw_factors(total, MEDIA_SEED, seed)
    answer = world.answer(factors, np.random.default_rng(seed + 1000))
    folder = options.out.resolve() / "worlds"
    pictures = draw_pictures(factors, folder)
    words = np.random.default_rng(MEDIA_SEED + 2)
    frame = pl.DataFrame(
        {
            "picture": [path if there else None for path, there in zip(pictures, answer.picture, strict=True)],
            "sentence": [sentence(int(topic), int(tone), words) for topic, tone in zip(factors.topic, factors.tone, strict=True)],
            "x": [str(value) for value in factors.x],
            "z": [str(value) for value in factors.z],
            "category": [("north", "east", "south", "west")[code] for code in factors.category],
            "answer": [str(value) if world.number else ("ash", "birch", "cedar")[int(value)] for value in answer.truth],
        }
    )
    splits = []
    for repeat in range(options.repeats):
        order = np.random.default_rng((seed, repeat)).permutation(total)
        splits.append(Split(f"draw{repeat}", np.sort(order[:NUM_TRAIN]), np.sort(order[NUM_TRAIN:])))
    roles = {"picture": "image", "sentence": "text", "x": "number", "z": "number", "category": "category"}
    table = Table(frame, dict.fromkeys(frame.columns, folder), f"world-{name}")
    return Bench(f"world-{name}", table, "answer", roles, tuple(splits), number=world.number, best=answer.best)
