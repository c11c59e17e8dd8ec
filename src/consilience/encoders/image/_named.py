"""Well-known networks by a short name: from timm where it is installed, else from transformers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from consilience.encoders.image._hf_network import find_hf
from consilience.encoders.image._pretrained import Network, PretrainedEncoder, PretrainedSettings
from consilience.encoders.image._timm_network import find_timm
from consilience.encoders.image._weights import read_json

__all__ = ["NamedEncoder", "NamedSettings"]


class NamedSettings(PretrainedSettings):
    """Settings of a network with a short name.

    Args:
        library: Which library builds it; ``auto``: the one that the folder of the weights is for, else timm where it is installed, else transformers.
    """

    library: Literal["auto", "timm", "hf"] = "auto"


class NamedEncoder(PretrainedEncoder):
    """A network that both libraries have.

    Attributes:
        timm_name: Its name in timm.
        hf_name: Its name on the Hugging Face hub.
        hf_config: Its configuration in transformers, for random weights.
    """

    Settings = NamedSettings
    settings: NamedSettings
    timm_name: ClassVar[str]
    hf_name: ClassVar[str]
    hf_config: ClassVar[dict[str, Any]]

    def find(self) -> Network:
        who = f"The encoder {type(self).__module__.rsplit('.', 1)[-1]!r}"
        if self.library() == "timm":
            return find_timm(self.timm_name, self.settings, who)
        return find_hf(self.hf_name, self.settings, "auto", who, self.hf_config)

    def library(self) -> str:
        """``timm`` or ``hf``."""
        if self.settings.library != "auto":
            return self.settings.library
        if self.settings.weights is not None and self.settings.pretrained:
            place = self.settings.weights
            if "model_type" in read_json((place if place.is_dir() else Path(place.parent)) / "config.json"):
                return "hf"
            return "timm"
        return "timm" if find_spec("timm") is not None else "hf"
