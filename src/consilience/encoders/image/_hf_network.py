"""Vision networks of the library transformers (Wolf et al., 2020), from a folder, a name of the hub, or a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.core.errors import UsageError
from consilience.core.hashing import hash_json
from consilience.encoders.image._hf_processor import read_processor
from consilience.encoders.image._pretrained import Network, Pool, PretrainedSettings
from consilience.encoders.image._weights import fetch, read_json, require, safetensors_in, weights_hash

if TYPE_CHECKING:
    from torch import nn

__all__ = ["find_hf"]

TOWERS = {
    "altclip": "AltCLIPVisionModel",
    "blip": "BlipVisionModel",
    "chinese_clip": "ChineseCLIPVisionModel",
    "clip": "CLIPVisionModel",
    "siglip": "SiglipVisionModel",
    "siglip2": "Siglip2VisionModel",
}
"""Models of pictures and text together: the class of the part that sees."""


def find_hf(name: str, settings: PretrainedSettings, pool: Pool, who: str, config: dict[str, Any] | None = None) -> Network:
    """The network of a folder or a name of the hub.

    Args:
        name: A folder, or ``owner/model``.
        settings: ``weights`` names another folder than ``name``.
        pool: See the settings of ``hf``.
        who: The encoder, for messages.
        config: Its configuration, for random weights without any folder.

    Raises:
        MissingExtra: transformers is not installed.
        OfflineError: The weights would have to be fetched, and must not or cannot be.
        UsageError: There is no such model, it does not see, or the weights do not fit.
    """
    require("transformers", who, "hf")
    if settings.pretrained or config is None:
        folder, origin = locate(name, settings, who)
        given = read_json(folder / "config.json")
        if "model_type" not in given:
            raise UsageError(f"{who}: the folder {str(folder)!r} has no config.json of transformers.", hint="save_pretrained writes such a folder.")
    else:
        folder, origin, given = None, name, config
    # What save_pretrained notes about itself changes with its version, not what the network does.
    about = {key: value for key, value in given.items() if key not in ("transformers_version", "_name_or_path")}
    identity: dict[str, Any] = {"library": "transformers", "config": hash_json(about)}
    if settings.pretrained and folder is not None:
        identity["weights"] = weights_hash(safetensors_in(folder, who))
        origin += f" (hash of the weights {identity['weights'][:12]})"
    else:
        identity |= {"weights": "random", "versions": {package: version(package) for package in ("transformers", "torch")}}
        origin = f"{origin}, its configuration with random weights (seed 0), not pretrained"
    seen = read_processor(folder, given)
    return Network(
        make=lambda size: make(folder, given, settings.pretrained, pool, size, who),
        size=seen.size,
        mean=seen.mean,
        std=seen.std,
        smooth=seen.smooth,
        identity=identity,
        origin=origin,
    )


def locate(name: str, settings: PretrainedSettings, who: str) -> tuple[Path, str]:
    """The folder, and where it comes from in words."""
    place = settings.weights or Path(name).expanduser()
    if place.is_dir():
        return place, f"folder {place}"
    if settings.weights is not None and place.suffix == ".safetensors" and (place.parent / "config.json").is_file():
        return place.parent, f"folder {place.parent}"
    if settings.weights is not None or name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise UsageError(f"{who}: there is no folder {str(place)!r} with a config.json.", hint="Check the path, or write owner/model for the hub.")
    wanted = ["config.json", "*processor_config.json", *(["*.safetensors", "*.safetensors.index.json"] if settings.pretrained else [])]
    return fetch(name, who, wanted, "hf"), f"{name} from the Hugging Face hub"


def make(folder: Path | None, given: dict[str, Any], pretrained: bool, pool: Pool, size: int, who: str) -> nn.Module:
    import torch
    from safetensors import SafetensorError

    from consilience.encoders.image._from_pixels import fixed_seed
    from consilience.encoders.image._hf_pooling import Pooled

    with quiet(), fixed_seed():
        try:
            model, lacking = load(folder, given, pretrained)
            if not pretrained:
                awaken(model)
        except (OSError, ValueError, RuntimeError, KeyError, AttributeError, ImportError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            hint = "Check the folder's files; code that lies in a model's folder is never run."
            raise UsageError(f"{who}: transformers cannot load it: {reason}", hint=hint) from None
    pooler = sorted(key for key in lacking if "pooler" in key)
    if len(pooler) < len(lacking):
        first = min(set(lacking) - set(pooler))
        raise UsageError(f"{who}: the weights lack {len(lacking)} tensors of the network, such as {first!r}.", hint="They belong to another model.")
    module = Pooled(model, pool, trained_pooler=not pooler, size=size, who=who)
    try:
        with torch.inference_mode():
            module.eval()(torch.zeros(1, 3, size, size))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{who}: the network does not take pictures of {size} pixels: {reason}", hint="Leave the setting `size` out.") from None
    return module


def load(folder: Path | None, given: dict[str, Any], pretrained: bool) -> tuple[Any, set[str]]:
    """The model, and the names of the tensors that its weights lack."""
    transformers: Any = import_module("transformers")
    kind = given["model_type"]
    tower = getattr(transformers, TOWERS[kind]) if kind in TOWERS else None
    if pretrained and folder is not None:
        model, info = (tower or transformers.AutoModel).from_pretrained(
            folder, output_loading_info=True, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
        return model.float(), set(info["missing_keys"])
    if folder is not None:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    else:
        config = transformers.AutoConfig.for_model(kind, **{key: value for key, value in given.items() if key != "model_type"})
    if tower is not None:
        return tower(config.vision_config).float(), set()
    return transformers.AutoModel.from_config(config, trust_remote_code=False).float(), set()


def awaken(model: nn.Module) -> None:
    """New random convolutions by He et al. (2015): with the library's own start the signal of a deep network without weights dies away."""
    from torch import nn

    for part in model.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="relu")


@contextmanager
def quiet() -> Iterator[None]:
    """transformers draws its own bars and tables of unused weights; the person's settings come back afterwards."""
    logging: Any = import_module("transformers.utils.logging")
    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
