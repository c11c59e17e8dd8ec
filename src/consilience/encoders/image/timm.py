"""Any model of the library timm, frozen, pooled. Source: Wightman, PyTorch Image Models (2019).

When to use it: a network of timm's thousand is wanted by name, or its weights lie in a file.
When not: transformers has the network too; ``hf:`` needs less.
"""

from __future__ import annotations

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.encoders.image._pretrained import Network, PretrainedEncoder
from consilience.encoders.image._timm_network import find_timm

__all__ = ["Timm"]

CARD = Card(
    summary="timm:<name or folder>: any network of timm, frozen, its pooled features.",
    source="Wightman, PyTorch Image Models (2019)",
    extra="timm",
    claims=("frozen", "argument"),
    cost="high",
)


class Timm(PretrainedEncoder):
    """A picture to the pooled features of a timm network (``num_classes=0``).

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, D]``; D is the network's own, such as 512 for ``resnet18``.

    >>> Timm(Timm.Settings(pretrained=False), "resnet18").inputs
    ('pixels',)
    """

    def find(self) -> Network:
        if not self.argument:
            raise UsageError("The encoder 'timm' needs a name.", hint="Write timm:<name>, such as timm:resnet18, or timm:<folder>.")
        return find_timm(self.argument, self.settings, f"The encoder 'timm:{self.argument}'")
