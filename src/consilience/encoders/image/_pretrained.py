"""What the encoders that run a ready network share: settings, one description of the network, the module around it."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from consilience.encoders._base import ModuleEncoder
from consilience.encoders.image._pixels import NormalisedSettings, Smooth, enough, frame

if TYPE_CHECKING:
    from torch import nn

__all__ = ["IMAGENET", "Network", "Pool", "PretrainedEncoder", "PretrainedSettings"]

Pool = Literal["auto", "pooler", "mean", "first", "tokens"]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and spread of the channels over ImageNet, the usual normalisation."""
LOCK = threading.Lock()


class PretrainedSettings(NormalisedSettings):
    """Settings of an encoder that runs a ready network.

    Args:
        size: Side to which a picture is brought, pixels; None for what the network was trained with.
        fit: ``crop`` takes the whole middle square, without the margin that is usual when such networks are scored.
        grey: Colour is taken away.
        mean: Taken from each channel; None for the network's own.
        std: Divides each channel; None for the network's own.
        pretrained: False for random weights from a fixed seed, for tests and comparisons.
        weights: A safetensors file, or a folder with one; nothing is fetched then.
    """

    size: int | None = Field(default=None, ge=16, le=1024)  # type: ignore[assignment]
    pretrained: bool = True
    weights: Path | None = None


@dataclass(frozen=True)
class Network:
    """A ready network before it is built.

    Args:
        make: Side of the pictures to the backbone: normalised pixels ``[B, 3, S, S]`` to values ``[B, T, D]``.
        size: Side of the pictures it was trained with, pixels.
        mean: Per channel, 0 to 1.
        std: Per channel, 0 to 1.
        smooth: How pictures are resized.
        identity: What its values depend on: hash of the weights, architecture, library.
        origin: Where the weights come from, in words.
    """

    make: Callable[[int], nn.Module]
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    smooth: Smooth
    identity: dict[str, Any] = field(default_factory=dict)
    origin: str = ""


class PretrainedEncoder(ModuleEncoder):
    """A frozen network of another library. Heavy imports happen when the network is asked for, not before.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, T, D]``; T is 1 unless the settings ask for tokens.
    """

    Settings = PretrainedSettings
    version: ClassVar[int] = 2
    batch_size: ClassVar[int] = 8
    settings: PretrainedSettings
    _network: Network | None = None
    _width: int | None = None

    @abstractmethod
    def find(self) -> Network:
        """The network that the name and the settings mean.

        Raises:
            MissingExtra: The library is not installed.
            OfflineError: The weights would have to be fetched, and must not or cannot be.
            UsageError: There is no such name, folder or file, or it does not fit.
        """

    @property
    def network(self) -> Network:
        """What ``find`` gave the first time; ``prepare`` may ask from many threads at once."""
        if self._network is None:
            with LOCK:
                if self._network is None:
                    self._network = self.find()
        return self._network

    @property
    def size(self) -> int:
        """Side of the pictures that the network gets, pixels."""
        return self.settings.size or self.network.size

    def identity(self) -> dict[str, Any]:
        # Neither path nor name of the weights counts, only what is in them: a folder that moved gives the same vectors.
        settings = self.settings.model_dump(mode="json", exclude={"weights"})
        mean, std = self.settings.mean or self.network.mean, self.settings.std or self.network.std
        own = {"size": self.size, "mean": mean, "std": std, "smooth": self.network.smooth}
        return {"encoder": type(self).__qualname__, "version": self.version, "settings": {**settings, **own}, "network": self.network.identity}

    def origin(self) -> str:
        return self.network.origin

    @property
    def image_size(self) -> int:
        return enough(self.size)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("pixels",)

    @property
    def width(self) -> int:
        if self._width is None:
            import torch

            with torch.inference_mode():
                self._width = int(self.module(torch.zeros(1, 3, self.size, self.size, dtype=torch.uint8)).shape[2])
        return self._width

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        return {"pixels": frame(cell, self.size, self.settings.fit, self.settings.grey, self.network.smooth)}

    def build(self) -> nn.Module:
        from consilience.encoders.image._from_pixels import FromPixels

        module = FromPixels(self.network.make(self.size), self.settings.mean or self.network.mean, self.settings.std or self.network.std)
        return module.requires_grad_(False).eval()
