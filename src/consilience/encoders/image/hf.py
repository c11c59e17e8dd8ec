"""Any vision model of the library transformers, frozen. Source: Wolf et al., Transformers: State-of-the-Art Natural Language Processing (2020).

When to use it: a network by name or folder: ViT, DINOv2, ResNet, MobileNetV2, ConvNeXt, the seeing part of CLIP and SigLIP.
When not: on a CPU, for many pictures: ``efficientnet_lite0`` costs far less.
"""

from __future__ import annotations

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.encoders.image._hf_network import find_hf
from consilience.encoders.image._pretrained import Network, Pool, PretrainedEncoder, PretrainedSettings

__all__ = ["Hf"]

CARD = Card(
    summary="hf:<name or folder>: any vision network of transformers, frozen, pooled or as tokens.",
    source="Wolf et al. (2020)",
    extra="hf",
    claims=("frozen", "argument"),
    cost="high",
)


class HfSettings(PretrainedSettings):
    """Settings of ``hf``.

    Args:
        pool: ``pooler``: the network's own pooled vector; ``mean``: of all tokens; ``first``: the first token (the class token of a ViT);
            ``tokens``: all of them; ``auto``: the pooler where there is a trained one, else the mean.
    """

    pool: Pool = "auto"


class Hf(PretrainedEncoder):
    """A picture to the features of a vision network.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, D]``; ``[B, T, D]`` for ``pool="tokens"``.

    >>> Hf(HfSettings(), "facebook/dinov2-small").inputs
    ('pixels',)
    """

    Settings = HfSettings
    settings: HfSettings

    def find(self) -> Network:
        if not self.argument and self.settings.weights is None:
            raise UsageError("The encoder 'hf' needs a name or a folder.", hint="Write hf:<owner/model> or hf:<folder>.")
        name = self.argument or str(self.settings.weights)
        return find_hf(name, self.settings, self.settings.pool, f"The encoder 'hf:{name}'")
