"""The thirteen convolutions of VGG-16."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ORDER", "make", "versions"]

ORDER = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Filters of each convolution; 0 stands for pooling to half the side."""


def versions() -> dict[str, str]:
    """Random weights depend on the version of the library that draws them."""
    return {"torch": version("torch")}


def make(file: Path | None, who: str) -> nn.Module:
    """The network; random weights without a file.

    Raises:
        UsageError: The file cannot be read, or lacks tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from torch import nn

    from consilience.encoders.image._from_pixels import Backbone, fixed_seed

    parts: list[nn.Module] = []
    channels = 3
    with fixed_seed():
        for filters in ORDER:
            if filters == 0:
                parts.append(nn.MaxPool2d(2))
                continue
            convolution = nn.Conv2d(channels, filters, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            parts += [convolution, nn.ReLU()]
            channels = filters
    model = nn.ModuleDict({"features": nn.Sequential(*parts)})
    if file is not None:
        try:
            tensors = {key: value for key, value in load_file(file).items() if key.startswith("features.")}
            model.load_state_dict(tensors)
        except (RuntimeError, OSError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UsageError(f"{who}: the weights {str(file)!r} do not fit: {reason}", hint="It is the file of another model.") from None
    return Backbone(model["features"])
