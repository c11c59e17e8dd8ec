"""A small convolutional network over place and time, learned with the network. Source: Tran et al., Channel-Separated Networks (2019).

Also Lin et al., TSM: Temporal Shift Module for Efficient Video Understanding (2019), for where its mixing over time begins.

When to use it: some hundred films or more, and an answer that lies in how things move or in marks that no pretrained network knows. When not: few
films, or films of things of this world whose motion says little: ``frames`` is then better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field
from torch import nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.data.kinds._film import steady
from consilience.encoders._base import TrainedEncoder
from consilience.encoders.video._augment import Augment
from consilience.encoders.video._cnn3d_network import Network3d
from consilience.encoders.video._read import present_films
from consilience.encoders.video._small import only_film, shrink

__all__ = ["Cnn3d"]

CARD = Card(
    summary="A small residual network over place and time, on 12 frames of 40 pixels, trained from nothing together with the network.",
    source="Tran et al. (2019); Lin et al. (2019)",
    claims=("trained", "learned"),
    cost="high",
)


class Cnn3dSettings(Settings):
    """Settings of ``cnn3d``.

    Args:
        frames: Frames per film, at a steady pace; the work grows with it.
        size: Side to which frames are brought, pixels; the work grows with its square.
        width: Numbers per token.
        dropout: Share of the last features that are dropped in training.
        augment: Films are changed a little while the network learns, in the ways below.
        shift: Share of the side by which a film is moved, and of its size by which it is scaled, at most.
        light: Share of the range by which it is made lighter or darker at most.
        jitter: Share of the film that is left out at its beginning and its end at most.
        flip: Half of the films are mirrored. Only where left and right mean the same.
    """

    frames: int = Field(default=12, ge=2, le=32)
    size: int = Field(default=40, ge=16, le=224)
    width: int = Field(default=128, ge=1, le=4096)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    augment: bool = True
    shift: float = Field(default=0.1, ge=0, le=0.5)
    light: float = Field(default=0.25, ge=0, le=0.9)
    jitter: float = Field(default=0.1, ge=0, le=0.4)
    flip: bool = False


class Cnn3d(TrainedEncoder):
    """Frames to one token.

    Shape:
        - prepare: ``frames [N, T, S, S, 3] uint8`` (zeros where absent), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.

    >>> Cnn3d(Cnn3dSettings(width=32)).build().width
    32
    """

    prepares_alike: ClassVar[bool] = True
    Settings = Cnn3dSettings
    settings: Cnn3dSettings

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        only_film(columns, "cnn3d")  # nothing has to be known before: batch normalisation learns the scales

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells, side = only_film(columns, "cnn3d"), self.settings.size
        frames = np.zeros((len(cells), self.settings.frames, side, side, 3), dtype=np.uint8)
        for row, film in present_films(cells, side + side // 4):
            places, back = np.unique(steady(film, self.settings.frames), return_inverse=True)
            frames[row] = shrink(film.frames[places], side)[back.reshape(-1)]
        return {"frames": frames, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def build(self) -> nn.Module:
        chosen = self.settings
        augment = Augment(chosen.shift, chosen.light, chosen.jitter, chosen.flip) if chosen.augment else None
        return Network3d(chosen.width, chosen.frames, augment, chosen.dropout)

    def state(self) -> State:
        return State()

    def restore(self, state: State) -> None:
        pass
