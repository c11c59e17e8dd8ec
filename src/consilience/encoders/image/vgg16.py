"""VGG-16, its convolutions, frozen. Source: Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition (2014).

When to use it: to repeat what a tutorial or paper did. When not: else; resnet18 is better at a tenth of the work.
"""

from __future__ import annotations

from typing import Any

from consilience.core.hashing import hash_json
from consilience.core.registry import Card
from consilience.encoders.image._pretrained import IMAGENET, Network, PretrainedEncoder
from consilience.encoders.image._vgg import ORDER, make, versions
from consilience.encoders.image._weights import fetch, safetensors_in, weights_hash

__all__ = ["VGG16"]

CARD = Card(
    summary="VGG-16 without its classifier, as the tutorials use it: 512 pooled features.",
    source="Simonyan & Zisserman (2014)",
    extra="hf",
    claims=("frozen",),
    cost="high",
)

HUB = "timm/vgg16.tv_in1k"


class VGG16(PretrainedEncoder):
    """A picture to 512 numbers: the means of the last feature map.

    Neither timm nor transformers is needed; the file's tensors are named as timm and torchvision name them (``features.0.weight``).

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 512]``.

    >>> VGG16(VGG16.Settings(pretrained=False, size=32)).width
    512
    """

    def find(self) -> Network:
        who = "The encoder 'vgg16'"
        identity: dict[str, Any] = {"architecture": hash_json(ORDER)}
        if not self.settings.pretrained:
            file, origin = None, "VGG-16 with random weights (seed 0), not pretrained"
            identity |= {"weights": "random", "versions": versions()}
        else:
            place = self.settings.weights or fetch(HUB, who, ["*.safetensors"], "hf")
            files = safetensors_in(place, who)
            file = next((path for path in files if path.name == "model.safetensors"), files[0])
            identity["weights"] = weights_hash([file])
            where = f"weights from {place}" if self.settings.weights else f"weights {HUB} from the Hugging Face hub"
            origin = f"VGG-16, {where} (hash {identity['weights'][:12]})"
        mean, std = IMAGENET
        return Network(lambda size: make(file, who), 224, mean, std, "bilinear", identity, origin)
