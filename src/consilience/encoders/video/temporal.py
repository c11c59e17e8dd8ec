"""Frozen features of frames, read over time by a trained network. Source: Donahue et al., Long-term Recurrent Convolutional Networks (2015).

Its weights over time are those of Yang et al., Hierarchical Attention Networks (2016): they say which second decided.

When to use it: what single frames show matters, and so does their order or one short moment. When not: few films, or an answer in the motion alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.data.kinds._film import steady
from consilience.encoders._base import FrozenEncoder, TrainedEncoder
from consilience.encoders.video._inner import clock, sole_image_encoder
from consilience.encoders.video._over_time import OverTime
from consilience.encoders.video._read import present_films
from consilience.encoders.video._small import only_film

__all__ = ["Temporal"]

CARD = Card(
    summary="A frozen image encoder on each frame, then a trained mean, LSTM or transformer over time that says which second counted.",
    source="Donahue et al. (2015); Yang et al. (2016)",
    claims=("trained",),
    cost="high",
)

WHO = "temporal"
AT_ONCE = 32
"""Frames that the image encoder sees at once."""


class TemporalSettings(Settings):
    """Settings of ``temporal``.

    Args:
        image: The frozen image encoder, as after ``temporal:``; None for the one that pictures get by default.
        frames: Frames per film, at a steady pace; the work grows with it.
        over: ``mean``, ``lstm`` or ``transformer`` over time.
        layers: Layers of the transformer.
        width: Numbers per token, a multiple of 4.
        dropout: Share of the features that are dropped in training.
        tokens: ``pooled``: one token per film, its frames weighted by attention; ``sequence``: one per frame.
    """

    image: str | None = None
    frames: int = Field(default=8, ge=2, le=32)
    over: Literal["mean", "lstm", "transformer"] = "transformer"
    layers: int = Field(default=1, ge=1, le=8)
    width: int = Field(default=128, ge=4, le=4096, multiple_of=4)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    tokens: Literal["pooled", "sequence"] = "pooled"


class Temporal(TrainedEncoder):
    """Frames to one token, or to one each.

    The module's ``attention()`` gives the weight of each moment in the last batch; ``prepare``'s ``times`` say when it was.

    Shape:
        - prepare: ``features [N, T, F] float32``, ``times [N, T, 2] float32`` (share of the film, logarithm of 1 + second), ``mask [N, T] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, T, width]`` for ``tokens="sequence"``.

    >>> Temporal(TemporalSettings(), "hog").build().width
    128
    """

    prepares_alike: ClassVar[bool] = True
    Settings = TemporalSettings
    settings: TemporalSettings

    def __init__(self, settings: TemporalSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.inner: FrozenEncoder = sole_image_encoder(argument, settings.image, WHO)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "image": self.inner.identity()}

    def origin(self) -> str:
        return self.inner.origin()

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        only_film(columns, WHO)  # nothing has to be known before: each frame's features are normalised by themselves

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells, count = only_film(columns, WHO), self.settings.frames
        features = np.zeros((len(cells), count, self.inner.width), dtype=np.float32)
        times = np.zeros((len(cells), count, 2), dtype=np.float32)
        for row, film in present_films(cells, self.inner.image_size):
            places = steady(film, count)
            times[row] = clock(film, places)
            unlike, back = np.unique(places, return_inverse=True)
            seen = np.concatenate(list(self.look(film.frames[unlike])))
            features[row] = np.nan_to_num(seen)[back.reshape(-1)]
        mask = np.repeat(np.asarray(cells.present, dtype=bool)[:, None], count, axis=1)
        return {"features": features, "times": times, "mask": mask}

    def look(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        """``[n, F]``: the image encoder's features of some frames, the mean over its tokens."""
        for start in range(0, len(frames), AT_ONCE):
            values, mask = self.inner.encode(self.inner.collate([self.inner.prepare(frame) for frame in frames[start : start + AT_ONCE]]))
            yield (values * mask[:, :, None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)

    def build(self) -> nn.Module:
        chosen = self.settings
        return OverTime(self.inner.width, chosen.width, chosen.over, chosen.layers, chosen.dropout, chosen.tokens == "pooled")

    def state(self) -> State:
        return State()

    def restore(self, state: State) -> None:
        pass
