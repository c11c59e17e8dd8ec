"""Weight files: where they lie, what is in them, and whether a network may be asked for them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from consilience.core.errors import MissingExtra, OfflineError, UsageError
from consilience.core.hashing import hash_json
from consilience.core.offline import is_offline
from consilience.encoders._file_hash import file_hash

__all__ = ["fetch", "read_json", "require", "safetensors_in", "weights_hash"]


def require(package: str, who: str, extra: str) -> None:
    """Raises MissingExtra unless the package can be found; does not import it."""
    if find_spec(package) is None:
        raise MissingExtra(who, package, extra)


def weights_hash(paths: Iterable[Path]) -> str:
    """One hash for several weight files; where they lie does not count."""
    return hash_json({path.name: file_hash(path) for path in paths})


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty where there is no file.

    Raises:
        UsageError: The file holds no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"The file {str(path)!r} is not JSON: {error}.", hint="Download or save the model again.") from None
    if not isinstance(value, dict):
        raise UsageError(f"The file {str(path)!r} holds no JSON object.", hint="Download or save the model again.")
    return value


def safetensors_in(place: Path, who: str) -> list[Path]:
    """The safetensors files of a folder, or the file itself.

    Raises:
        UsageError: There is none, or the file is of another format.
    """
    if place.is_file():
        if place.suffix != ".safetensors":
            raise UsageError(f"{who} reads weights from safetensors only, found {str(place)!r}.", hint=CONVERT)
        return [place]
    if not place.is_dir():
        raise UsageError(f"{who}: there is no file or folder {str(place)!r}.", hint="Check the path of the weights.")
    found = sorted(place.glob("*.safetensors"))
    if not found:
        other = sorted(path.name for pattern in ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.h5", "*.npz") for path in place.glob(pattern))
        there = f"it has {', '.join(other)}, which can carry code" if other else "it has no weight file at all"
        hint = CONVERT if other else "Check the path; some models of the hub have no safetensors."
        raise UsageError(f"{who} reads weights from safetensors only; the folder {str(place)!r} has none: {there}.", hint=hint)
    return found


CONVERT = "Convert the file once where you trust it: torch.load it with weights_only=True, then safetensors.torch.save_file."


def fetch(name: str, who: str, patterns: list[str], extra: str) -> Path:
    """The folder of a model of the Hugging Face hub: from the local cache if it is there, else over the network if that is allowed.

    Args:
        name: ``owner/model``.
        who: The encoder, for messages.
        patterns: Files that are wanted.
        extra: The extra that installs ``huggingface_hub``.

    Raises:
        OfflineError: It is not in the cache, and the network may not or could not be used.
        UsageError: The hub has no such model.
    """
    require("huggingface_hub", who, extra)
    from huggingface_hub import snapshot_download

    errors: Any = import_module("huggingface_hub.errors")
    elsewhere = "Name a local folder or file instead (save_pretrained makes one where there is a network)"
    try:
        folder = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
        if any(folder.glob("*.safetensors")) or "*.safetensors" not in patterns:
            return folder
    except errors.HFValidationError:
        raise UsageError(f"{who}: {name!r} is neither a folder nor a name such as 'owner/model'.", hint="Check the spelling or the path.") from None
    except errors.LocalEntryNotFoundError:
        pass
    if is_offline():
        raise OfflineError(f"{who} would have to fetch {name!r}, and the network may not be used.", hint=f"{elsewhere}, or allow the network once.")
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except errors.RepositoryNotFoundError:
        hint = "Check the spelling, or sign in if it is private."
        raise UsageError(f"{who}: the Hugging Face hub has no public model {name!r}.", hint=hint) from None
    except (OSError, errors.HTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise OfflineError(
            f"{who} could not fetch {name!r}: {reason.rstrip('.')}.", hint=f"{elsewhere}, or try again when the network is back."
        ) from None
