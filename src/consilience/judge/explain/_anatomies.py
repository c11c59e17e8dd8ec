"""Which modality's cells are cut how."""

from __future__ import annotations

from collections.abc import Mapping

from consilience.judge.explain._anatomy import Anatomy
from consilience.judge.explain._in_graph import GraphAnatomy
from consilience.judge.explain._in_image import ImageAnatomy
from consilience.judge.explain._in_points import PointsAnatomy
from consilience.judge.explain._in_series import SeriesAnatomy
from consilience.judge.explain._in_text import TextAnatomy
from consilience.judge.explain._in_time import AudioAnatomy, VideoAnatomy, VolumeAnatomy

__all__ = ["ANATOMIES"]

ANATOMIES: Mapping[str, type[Anatomy]] = {
    "audio": AudioAnatomy,
    "graph": GraphAnatomy,
    "image": ImageAnatomy,
    "points": PointsAnatomy,
    "series": SeriesAnatomy,
    "text": TextAnatomy,
    "video": VideoAnatomy,
    "volume": VolumeAnatomy,
}
"""Modality to the class of its anatomies; ``table`` has none, its pieces are whole columns."""
