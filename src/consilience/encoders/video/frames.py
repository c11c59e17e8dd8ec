"""An image encoder on single frames, and statistics over time. Source: Karpathy et al., Large-scale Video Classification with CNNs (2014).

When to use it: the default for what a film shows; any frozen image encoder by name (``frames:hog``, ``frames:hf:folder``). When not: what counts
is how things move; ``motion`` stands beside it for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.data.kinds._film import Film, scene_changes, steady
from consilience.encoders._base import FrozenEncoder, ModuleEncoder
from consilience.encoders.video._inner import clock, runs_as_module, sole_image_encoder
from consilience.encoders.video._small import check_film

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Frames"]

CARD = Card(
    summary="An image encoder on 8 frames, with mean, spread and change over time; the default for what a film shows.",
    source="Karpathy et al. (2014)",
    claims=("frozen", "default"),
    cost="high",
)

WHO = "frames"


class FramesSettings(Settings):
    """Settings of ``frames``.

    Args:
        image: The frozen image encoder, as after ``frames:``; None for the one that pictures get by default.
        frames: How many frames are looked at; the work grows with it.
        choice: ``even``: at a steady pace; ``scenes``: the first frame, and those that differ most from the frame before.
        tokens: ``pooled``: one token per film; ``sequence``: one per frame, with its time, so that a trained fusion can attend to moments.
    """

    image: str | None = None
    frames: int = Field(default=8, ge=2, le=32)
    choice: Literal["even", "scenes"] = "even"
    tokens: Literal["pooled", "sequence"] = "pooled"


class Frames(ModuleEncoder):
    """A film to one token, or to one for each frame that is looked at.

    Shape:
        - cell: a ``Film``.
        - output: values ``[B, 1, 3 * D]``, or ``[B, frames, D + 2]`` for ``tokens="sequence"``; D is the width of the image encoder. The last two
          numbers of a frame are its time as a share of the film, and the logarithm of its second.

    Raises:
        UsageError: The image encoder is not frozen, or is named twice.
        MissingExtra: Its packages are not installed.

    >>> Frames(FramesSettings(), "hog").width
    2217
    """

    Settings = FramesSettings
    batch_size: ClassVar[int] = 2
    settings: FramesSettings

    def __init__(self, settings: FramesSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.inner: FrozenEncoder = sole_image_encoder(argument, settings.image, WHO)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "image": self.inner.identity()}

    def origin(self) -> str:
        return self.inner.origin()

    @property
    def image_size(self) -> int | None:
        return self.inner.image_size

    @property
    def width(self) -> int:
        return 3 * self.inner.width if self.settings.tokens == "pooled" else self.inner.width + 2

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("given", "times")

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        film = check_film(cell)
        places = frames_of(film, self.settings)
        unlike, back = np.unique(places, return_inverse=True)  # a short film shows frames twice: they are prepared once
        items = [self.inner.prepare(film.frames[place]) for place in unlike.tolist()]
        if runs_as_module(self.inner):
            (name,) = self.inner.inputs  # type: ignore[attr-defined]
            given = np.stack([item[name] for item in items])
        else:  # one that is no network over pixels does its work here
            seen = [self.inner.encode(self.inner.collate([item])) for item in items]
            given = np.stack([values[0][mask[0]].mean(axis=0) for values, mask in seen])
        return {"given": given[back.reshape(-1)], "times": clock(film, places)}

    def build(self) -> nn.Module:
        from consilience.encoders.video._per_frame import PerFrame

        network = self.inner.build() if isinstance(self.inner, ModuleEncoder) and runs_as_module(self.inner) else None
        return PerFrame(network, self.settings.tokens == "pooled").requires_grad_(False).eval()


def frames_of(film: Film, settings: FramesSettings) -> np.ndarray:
    """The places of the frames that are looked at."""
    return steady(film, settings.frames) if settings.choice == "even" else scene_changes(film.frames, settings.frames)
