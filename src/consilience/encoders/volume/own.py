"""A network of your own over scans, pretrained without labels by ``consilience pretrain``: ``own:FOLDER``.

Source: Erhan et al. (2010), Why does unsupervised pre-training help deep learning? When to use it: many scans, few of them with a label,
and no network that others pretrained knows their like. When not: labels for all of them, or a pretrained network that does.
"""

from __future__ import annotations

from typing import ClassVar

from consilience.core.registry import Card
from consilience.encoders._own import OwnEncoder

__all__ = ["OwnVolume"]

CARD = Card(
    summary="An encoder of scans that `consilience pretrain` wrote, by its folder: own:FOLDER.",
    source="Erhan et al. (2010)",
    claims=("frozen", "argument"),
    cost="medium",
)


class OwnVolume(OwnEncoder):
    """The pretrained network, frozen; ``--train full`` learns it on.

    Shape:
        - encode: ``[B, 1, D]``, D as in the folder.

    Raises:
        UsageError: The folder cannot be read, or holds an encoder of another modality.
    """

    modality: ClassVar[str] = "volume"
