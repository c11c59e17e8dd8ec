"""What a person may set of ``pointnet``; apart from it, for its module needs them too."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from consilience.core.settings import Settings
from consilience.encoders.points._places import Up

__all__ = ["FARTHEST", "LOGS", "PLACES", "WHOLE", "PointNetSettings"]

WHOLE = 7
"""Numbers that tell of a whole cloud: size, three extents, place."""
FARTHEST = 8.0
"""Where a place is cut off, in sizes of the cloud."""
PLACES = 4000
"""A size of the cloud, in whole numbers of 16 bit."""
LOGS = 1000
"""1 as a logarithm of another column, in whole numbers of 16 bit."""


class PointNetSettings(Settings):
    """Settings of ``pointnet``.

    Args:
        points: Points of a cloud that are looked at; twice as many are kept, so that each epoch can draw others.
        extra: Columns beyond x, y, z that are looked at (intensity, colours, normals).
        up: The vertical axis.
        neighbours: Neighbours of each point that are looked at; 0 looks at each point for itself, as the paper does.
        filters: Filters of the first layer; those after it have 2 and 4 times as many.
        width: Numbers per token.
        dropout: Share of the last features that are dropped in training.
        turn: Training clouds are turned about the vertical axis, about any, or not at all.
        scale: Each axis of training clouds is longer or shorter by up to this share.
        jitter: Noise on the places in training, as a share of the cloud's size.
        lose: Up to this share of the points is lost in training.
    """

    points: int = Field(default=256, ge=8, le=4096)
    extra: int = Field(default=3, ge=0, le=13)
    up: Up = "z"
    neighbours: int = Field(default=8, ge=0, le=64)
    filters: int = Field(default=32, ge=4, le=512)
    width: int = Field(default=128, ge=1, le=4096)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    turn: Literal["up", "any", "none"] = "up"
    scale: float = Field(default=0.1, ge=0, le=0.5)
    jitter: float = Field(default=0.01, ge=0, le=0.5)
    lose: float = Field(default=0.4, ge=0, le=0.95)
