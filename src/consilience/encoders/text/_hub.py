"""Where a named model is: a folder on this machine, or fetched from the Hugging Face hub when that is allowed."""

from __future__ import annotations

import os
from pathlib import Path

from consilience.core.errors import MissingExtra, OfflineError, UsageError

__all__ = ["find_model_folder", "offline"]

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]


def offline() -> bool:
    """True if the environment forbids fetching: ``CONSILIENCE_OFFLINE`` or ``HF_HUB_OFFLINE`` is set to something other than 0."""
    return any(os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off") for name in ("CONSILIENCE_OFFLINE", "HF_HUB_OFFLINE"))


def find_model_folder(name: str, who: str) -> Path:
    """The folder of ``name``: itself if it is a folder, else the hub's copy in the local cache, fetched first if need be.

    Raises:
        UsageError: There is no name, or it is a path that is not there.
        OfflineError: It is not on this machine and may not, or cannot, be fetched.
        MissingExtra: huggingface_hub is not installed.
    """
    if not name.strip():
        raise UsageError(f"{who} needs a folder or a name after the colon.", hint="Such as hf:models/bert or hf:google-bert/bert-base-chinese.")
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise UsageError(
                f"The folder {name!r} has no config.json, so it is no model of transformers.", hint="Give the folder that save_pretrained() wrote."
            )
        return path.resolve()
    if path.is_absolute() or name.startswith((".", "~")) or "\\" in name or name.count("/") > 1 or path.exists():
        raise UsageError(f"There is no folder {name!r}.", hint="Give a folder that save_pretrained() of transformers wrote, or a name on the hub.")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError:
        raise MissingExtra(who, "huggingface_hub", "hf") from None
    forbidden = offline()
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED, ignore_patterns=["*/*"], local_files_only=forbidden))
    except HFValidationError as error:
        raise UsageError(f"{name!r} is neither a folder nor a name on the hub: {error}") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = "fetching is switched off (CONSILIENCE_OFFLINE or HF_HUB_OFFLINE)" if forbidden else f"it could not be fetched ({first_line(error)})"
        raise OfflineError(
            f"The model {name!r} is no folder here and not in the hub's local cache, and {reason}.",
            hint=f"On a machine with a network run: hf download {name} --local-dir FOLDER, copy the folder here and name it: hf:FOLDER.",
        ) from None


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
