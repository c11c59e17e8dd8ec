"""A picture between its pixels in a network and its patches; and the last feature map of a network of convolutions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from consilience.data.kinds import Cells, Made, changeable
from consilience.encoders import TrainedEncoder
from consilience.judge.explain._game import CellGame
from consilience.judge.explain._in_image import ImageAnatomy

__all__ = ["Canvas", "feature_maps", "map_layer"]

CONVOLVED = 0.25
"""Part of the layers with weights that are convolutions, from which on a network counts as convolutional; a vision transformer has one such layer."""


class Canvas:
    """How an encoder brings the picture to the pixels that its network sees, found by showing it pictures of which one patch is white.

    Attributes:
        name: Of the array of pixels among those that the encoder prepares.
        plain: ``[3, H, W] uint8`` the picture with every patch masked.
    """

    def __init__(self, game: CellGame, encoder: TrainedEncoder) -> None:
        anatomy = cast("ImageAnatomy", game.anatomy)
        atoms = np.arange(game.atoms)
        places = atoms.reshape(anatomy.rows, anatomy.columns)
        across = places[anatomy.row_of][:, anatomy.column_of][:, :, None].repeat(3, axis=2)
        shown = [np.where(across == atom, np.uint8(255), np.uint8(0)) for atom in atoms]
        shown += [np.zeros(across.shape, dtype=np.uint8), anatomy.masked(np.zeros(game.atoms, dtype=bool))]
        values = np.empty(len(shown), dtype=object)
        for place, picture in enumerate(shown):
            values[place] = Made(partial(np.asarray, picture))
        cells = game.scored.dataset.cells[game.column]
        arrays = encoder.prepare({game.column: changeable(Cells(game.column, cells.kind, values, np.ones(len(shown), dtype=bool)))})
        self.name = "in_pixels" if "in_pixels" in arrays else "pixels"
        pixels = np.asarray(arrays[self.name])
        self.plain = pixels[-1]
        # Against black: the grey bars beside a picture are no part of it.
        seen = np.maximum(pixels[:-2].astype(np.float32) - pixels[-2], 0).mean(axis=1) / 255  # [A, H, W]
        total = seen.sum(axis=0)
        self.cover = np.where(total > 0.25, seen / np.maximum(total, 0.25), np.float32(0))

    def by_atom(self, heat: np.ndarray) -> np.ndarray:
        """``[H, W]`` numbers of pixels to ``[A]`` their sums over the patches."""
        return np.asarray(np.tensordot(self.cover.astype(np.float64), heat.astype(np.float64), axes=2))


def map_layer(encoder: nn.Module, run: Callable[[], object]) -> str | None:
    """The name of the module that gives the last feature map: the last output as large as the last convolution's, with its norm and rectifier.

    Args:
        encoder: The module of an encoder of pictures.
        run: Runs the whole network over a row.

    Returns:
        None for a network that is not one of convolutions.
    """
    told: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def tell(name: str) -> Callable[[nn.Module, object, object], None]:
        return lambda module, given, made: told.append((name, module, tuple(made.shape) if isinstance(made, Tensor) else ()))

    hooks = [module.register_forward_hook(tell(name)) for name, module in encoder.named_modules()]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    sort = [nn.Conv2d if isinstance(module, nn.Conv2d) else nn.Linear for _, module, _ in told if isinstance(module, nn.Conv2d | nn.Linear)]
    if nn.Conv2d not in sort or sort.count(nn.Conv2d) < CONVOLVED * len(sort):
        return None
    times = Counter(name for name, _, _ in told)
    size = next(shape[2:] for _, module, shape in reversed(told) if isinstance(module, nn.Conv2d))
    # A module that runs several times in one pass gives several maps.
    return next((name for name, _, shape in reversed(told) if len(shape) == 4 and shape[2:] == size and times[name] == times[""]), None)


@contextmanager
def feature_maps(encoders: Sequence[nn.Module], layer: str) -> Iterator[list[Tensor]]:
    """Collects ``[B, C, h, w]`` what the layer of each encoder gives, each time it runs inside the block."""
    maps: list[Tensor] = []

    def keep(module: nn.Module, given: object, made: Tensor) -> None:
        maps.append(made)

    hooks = [encoder.get_submodule(layer).register_forward_hook(keep) for encoder in encoders]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
