"""Networks of the library timm (Wightman, 2019), pooled, without their classifier."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.core.errors import UsageError
from consilience.encoders._file_hash import file_hash
from consilience.encoders.image._pretrained import IMAGENET, Network, PretrainedSettings
from consilience.encoders.image._torchvision import torchvision_or_stand_in
from consilience.encoders.image._weights import fetch, read_json, require, safetensors_in

if TYPE_CHECKING:
    from torch import nn

__all__ = ["find_timm"]


def find_timm(name: str, settings: PretrainedSettings, who: str) -> Network:
    """The network of a timm name, or of a folder as timm writes it.

    Raises:
        MissingExtra: timm is not installed.
        OfflineError: The weights would have to be fetched, and must not or cannot be.
        UsageError: timm does not know the name, or the weights do not fit.
    """
    timm = import_timm(who)
    place = settings.weights or (Path(name) if Path(name).is_dir() else None)
    about = read_json(place / "config.json") if place is not None and place.is_dir() else {}
    if Path(name).is_dir():
        if "architecture" not in about:
            hint = "Name the timm model, and the folder as the setting `weights`."
            raise UsageError(f"{who}: the folder {name!r} has no config.json with an 'architecture'.", hint=hint)
        name = about["architecture"]
    known(timm, name, who)
    try:
        given = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        tags = ", ".join(timm.list_pretrained(f"{name.split('.')[0]}.*")) or "none"
        raise UsageError(f"{who}: {error}", hint=f"Names with weights there are: {tags}.") from None
    config = {**(given.to_dict() if given else {}), **about.get("pretrained_cfg", {})}
    architecture = name.split(".")[0]
    identity: dict[str, Any] = {"library": "timm", "architecture": architecture}
    if not settings.pretrained:
        identity |= {"weights": "random", "versions": versions()}
        file, origin = None, f"{name} of timm with random weights (seed 0), not pretrained"
    else:
        if place is None:
            if not config.get("hf_hub_id"):
                hint = "Give a safetensors file as the setting `weights`."
                raise UsageError(f"{who}: timm names no weights for {name!r} that can be fetched.", hint=hint)
            place = fetch(config["hf_hub_id"], who, ["*.safetensors", "config.json"], "timm")
            origin = f"{name} of timm, weights {config['hf_hub_id']} from the Hugging Face hub"
        else:
            origin = f"{name} of timm, weights from {place}"
        files = safetensors_in(place, who)
        file = place / "model.safetensors" if place / "model.safetensors" in files else files[0]
        identity["weights"] = file_hash(file)
        origin += f" (SHA-256 {identity['weights'][:12]})"
    return Network(
        make=lambda size: make(timm, name, config, size, file, who),
        size=int(config.get("input_size", (3, 224, 224))[-1]),
        mean=tuple(config.get("mean", IMAGENET[0])),
        std=tuple(config.get("std", IMAGENET[1])),
        smooth="bilinear" if config.get("interpolation") == "bilinear" else "bicubic",
        identity=identity,
        origin=origin,
    )


def import_timm(who: str) -> Any:
    require("timm", who, "timm")
    with torchvision_or_stand_in():
        return import_module("timm")


def known(timm: Any, name: str, who: str) -> None:
    """Raises UsageError with the nearest names unless timm has the model."""
    if not timm.is_model(name):
        near = get_close_matches(name.split(".")[0], timm.list_models(), n=3)
        guess = f"Did you mean {' or '.join(near)}?" if near else "timm.list_models() lists the names there are."
        raise UsageError(f"{who}: timm has no model {name!r}.", hint=guess)


def versions() -> dict[str, str]:
    """Random weights depend on the versions of the libraries that draw them."""
    from importlib.metadata import version

    return {"timm": version("timm"), "torch": version("torch")}


def make(timm: Any, name: str, config: dict[str, Any], size: int, file: Path | None, who: str) -> nn.Module:
    from safetensors import SafetensorError

    from consilience.encoders.image._from_pixels import Backbone, fixed_seed

    options: dict[str, Any] = {"num_classes": 0}
    if config.get("fixed_input_size"):
        options["img_size"] = size
    if file is not None:
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(file), "custom_load": False}}
    try:
        with fixed_seed():
            model = timm.create_model(name, **options)
    except (RuntimeError, ValueError, TypeError, KeyError, SafetensorError) as error:
        what = f"{who}: the weights {str(file)!r} do not fit {name!r}" if file else f"{who}: timm cannot build {name!r} for {size} pixels"
        raise UsageError(f"{what}: {first_line(error)}", hint="Check the name, the file and the size.") from None
    if file is not None:
        check_loaded(timm, name, options, model, file, who)
    return Backbone(model)


def check_loaded(timm: Any, name: str, options: dict[str, Any], model: nn.Module, file: Path, who: str) -> None:
    """timm leaves weights that a file lacks at their random start, without a word; this raises UsageError then."""
    from safetensors import safe_open
    from torch import equal

    from consilience.encoders.image._from_pixels import fixed_seed

    with safe_open(str(file), framework="pt") as opened:
        there = set(opened.keys())
    wanted = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    if set(wanted) <= there:
        return
    # The names may differ because timm rewrites some files while loading: what still has its start value was not loaded.
    with fixed_seed():
        start = timm.create_model(name, **{key: value for key, value in options.items() if not key.startswith("pretrained")}).state_dict()
    lacking = sorted(key for key, value in wanted.items() if key not in there and equal(value, start[key]))
    if lacking:
        raise UsageError(
            f"{who}: the weights {str(file)!r} lack {len(lacking)} of the {len(wanted)} tensors of {name!r}, such as {lacking[0]!r}.",
            hint="It is the file of another model.",
        )


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
