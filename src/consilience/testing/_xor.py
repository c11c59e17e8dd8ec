"""Tasks that no single modality tells and no sum of modalities can: the exclusive or of two, among noise."""

from __future__ import annotations

import numpy as np

from consilience.core.seeds import generator
from consilience.features._examples import Block, Examples

__all__ = ["xor_examples"]


def xor_examples(rows: int = 1200, seed: int = 0, modalities: int = 2, width: int = 8, noise: float = 0.3) -> tuple[Examples, np.ndarray]:
    """Examples whose label is the exclusive or of one bit of each of the first two modalities.

    All four pairs of bits are equally frequent, so either bit alone is at chance, and so is every sum of what the bits say. A bit is told by all
    numbers of its modality: it stands as plus or minus a fixed direction of length 2 in noise. Blocks of another seed are drawn from the same rule.

    Shape:
        - each block: ``[rows, width]``.
        - target: ``[rows]`` 0 or 1.

    Args:
        rows: How many; a multiple of four makes the pairs equally frequent to the row.
        seed: Of the draw.
        modalities: ``first``, ``second``, and more that are noise alone: ``noise 3`` and so on.
        width: Numbers a modality.
        noise: Deviation of each number.

    >>> examples, target = xor_examples(8)
    >>> examples.modalities, target.mean().item()
    (['first', 'second'], 0.5)
    """
    draw, rule = generator(seed, "xor examples"), generator(0, "xor rule")
    pairs = draw.permutation(rows) % 4
    bits = (pairs % 2, pairs // 2)
    there, blocks = np.ones(rows, dtype=bool), []
    for index in range(modalities):
        values = draw.normal(0.0, noise, (rows, width))
        direction = rule.normal(size=width)
        if index < len(bits):
            values += (2 * bits[index] - 1)[:, None] * (2 * direction / np.linalg.norm(direction))
        name = ("first", "second")[index] if index < 2 else f"noise {index + 1}"
        blocks.append(Block(f"{name}:numbers", name, values.astype(np.float32), there))
    return Examples(tuple(blocks), rows), bits[0] ^ bits[1]
