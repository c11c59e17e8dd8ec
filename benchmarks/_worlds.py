"""Tables whose answer is known: pictures, sentences, numbers and categories are drawn, and the best that anyone can do with them is computed.

All worlds share one set of pictures and sentences, so that these are encoded once; numbers, categories and answers are drawn for each world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["WORLDS", "Factors", "World", "draw_factors"]

NUM_CLASSES = 3


@dataclass(frozen=True)
class Factors:
    """What stands behind N rows, as codes ``[N]``.

    Args:
        shape: 0 to 3, of the picture. colour: 0 to 5, of the picture; 0 to 2 are warm. size: 0 small, 1 large.
        topic: 0 to 3, of the sentence. tone: 0 bad, 1 good.
        x, z: Numbers of the table, standard normal. category: 0 to 3, of the table.
    """

    shape: np.ndarray
    colour: np.ndarray
    size: np.ndarray
    topic: np.ndarray
    tone: np.ndarray
    x: np.ndarray
    z: np.ndarray
    category: np.ndarray


def draw_factors(num_rows: int, media_seed: int, table_seed: int) -> Factors:
    """Factors of pictures and sentences come from one seed, those of the table from another."""
    media, table = np.random.default_rng(media_seed), np.random.default_rng(table_seed)
    codes = {name: media.integers(0, top, num_rows) for name, top in (("shape", 4), ("colour", 6), ("size", 2), ("topic", 4), ("tone", 2))}
    x, z = np.round(table.normal(size=(2, num_rows)), 3)
    return Factors(**codes, x=x, z=z, category=table.integers(0, 4, num_rows))


@dataclass(frozen=True)
class Answer:
    """Truth ``[N]``, what the best possible model says (``[N, K]`` or ``[N]``), and the rows whose picture is there ``[N]``."""

    truth: np.ndarray
    best: np.ndarray
    picture: np.ndarray


@dataclass(frozen=True)
class World:
    """How answers follow from factors.

    Args:
        summary: One line for a person.
        ceiling: Accuracy (a number: R2) of the best possible model, over all rows there could be.
        answer: Factors and a generator to truth and best output.
        number: True if the answer is a number.
    """

    summary: str
    ceiling: float
    answer: Callable[[Factors, np.random.Generator], Answer]
    number: bool = False


def lean(codes: np.ndarray) -> np.ndarray:
    """``[N, 3]``: codes 0 to 2 speak for the class of that number, code 3 for none."""
    return np.asarray(np.eye(4)[codes][:, :NUM_CLASSES])


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def drawn(best: np.ndarray, random: np.random.Generator, picture: np.ndarray | None = None) -> Answer:
    """Classes drawn with the probabilities ``best``."""
    truth = (random.random(len(best))[:, None] > best.cumsum(axis=1)).sum(axis=1).clip(max=best.shape[1] - 1)
    return Answer(truth, best, np.ones(len(best), bool) if picture is None else picture)


def one(f: Factors, random: np.random.Generator) -> Answer:
    return drawn(softmax(2.5 * lean(f.category) + 1.5 * np.stack([f.x, -f.x, f.z], axis=1)), random)


def additive(f: Factors, random: np.random.Generator) -> Answer:
    return drawn(softmax(3.5 * (lean(f.shape) + lean(f.topic) + lean(f.category))), random)


def interaction(f: Factors, random: np.random.Generator) -> Answer:
    same = ((f.colour < 3) == (f.tone == 1)).astype(int)
    return drawn(np.where(same[:, None] == np.arange(2), 0.95, 0.05), random)


def absent(f: Factors, random: np.random.Generator) -> Answer:
    """Where the picture is absent the best answer is the mean over the shapes it might have shown; classes are drawn as if it were there."""
    rest = 2.5 * (lean(f.topic) + lean(f.category))
    seen = softmax(rest + 5.0 * lean(f.shape))
    unseen = np.mean([softmax(rest + 5.0 * lean(np.full(len(f.x), shape))) for shape in range(4)], axis=0)
    picture = random.random(len(f.x)) < 0.5
    return Answer(drawn(seen, random).truth, np.where(picture[:, None], seen, unseen), picture)


def noise(f: Factors, random: np.random.Generator) -> Answer:
    right = (lean(f.shape) + lean(f.topic) + lean(f.category) + 0.4 * np.stack([f.x, -f.x, f.z], axis=1)).argmax(axis=1)
    return drawn(np.where(right[:, None] == np.arange(NUM_CLASSES), 0.8, 0.1), random)


def number(f: Factors, random: np.random.Generator) -> Answer:
    best = 10 + np.array([-1.5, -0.5, 0.5, 1.5])[f.shape] + f.size + 1.5 * f.tone + f.x + 0.5 * f.category
    spread = 0.3 + 0.6 * np.abs(f.z)
    return Answer(np.round(best + spread * random.normal(size=len(best)), 4), best, np.ones(len(best), bool))


WORLDS = {
    "one": World("the table suffices, picture and sentence are noise", 0.769, one),
    "additive": World("picture, sentence and table each carry a part", 0.768, additive),
    "interaction": World("only picture and sentence together say anything", 0.950, interaction),
    "absent": World("the strongest evidence, the picture, is absent in half the rows", 0.672, absent),
    "noise": World("each modality carries a part, and every fifth class is wrong", 0.800, noise),
    "number": World("a number, additive, whose noise depends on the row", 0.821, number, number=True),
}
