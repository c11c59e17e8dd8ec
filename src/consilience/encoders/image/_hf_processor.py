"""What the file beside a model of transformers says about its pictures; read as JSON, so that no image processor class has to be imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consilience.encoders.image._pixels import Smooth
from consilience.encoders.image._pretrained import IMAGENET
from consilience.encoders.image._weights import read_json

__all__ = ["Seen", "read_processor"]


@dataclass(frozen=True)
class Seen:
    """Side in pixels, normalisation per channel (0 to 1), and how to resize."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    smooth: Smooth


def read_processor(folder: Path | None, config: dict[str, Any]) -> Seen:
    """Side and normalisation from ``preprocessor_config.json`` or ``processor_config.json``; else the model's side and ImageNet's numbers."""
    said: dict[str, Any] = {}
    if folder is not None:
        whole = read_json(folder / "processor_config.json")
        said = read_json(folder / "preprocessor_config.json") or whole.get("image_processor", whole)
    crop = side(said.get("crop_size")) if said.get("do_center_crop") else None
    own = side(config.get("image_size")) or side((config.get("vision_config") or {}).get("image_size"))
    size = crop or side(said.get("size")) or own or 224
    mean, std = IMAGENET
    if said:
        normalised = said.get("do_normalize", True)
        mean = triple(said.get("image_mean", IMAGENET[0])) if normalised else (0.0, 0.0, 0.0)
        std = triple(said.get("image_std", IMAGENET[1])) if normalised else (1.0, 1.0, 1.0)
        # A factor other than 1/255 is moved into mean and spread, which here always stand for values of 0 to 1.
        factor = 255 * float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 255.0
        mean, std = scaled(mean, factor), scaled(std, factor)
    return Seen(size, mean, std, "bicubic" if said.get("resample", 3) == 3 else "bilinear")


def side(value: Any) -> int | None:
    """One side from the ways in which such files write a size."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("shortest_edge", "height", "max_height", "longest_edge") if value.get(key)), None)
    if isinstance(value, list):
        value = value[0] if value else None
    return int(value) if isinstance(value, int | float) and value else None


def triple(value: Any) -> tuple[float, float, float]:
    values = [float(part) for part in (value if isinstance(value, list | tuple) else [value])]
    return (values * 3)[0], (values * 3)[1], (values * 3)[2]


def scaled(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] / factor, values[1] / factor, values[2] / factor
