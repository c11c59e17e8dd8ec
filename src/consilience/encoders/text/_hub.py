"""Where a named model is: a folder on this machine, or fetched from the Hugging Face hub when that is allowed."""

from __future__ import annotations

from pathlib import Path

from consilience.core.errors import MissingExtra, OfflineError, UsageError
from consilience.core.offline import is_offline

__all__ = ["find_model_folder"]

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]


def find_model_folder(name: str, who: str) -> Path:
    """The folder of ``name``: itself if it is a folder, else the copy in the hub's local cache, fetched first if it is not there.

    Raises:
        UsageError: There is no name, it is a path that is not there, or the hub has no such model.
        OfflineError: It is not on this machine and may not, or cannot, be fetched.
        MissingExtra: huggingface_hub is not installed.
    """
    if not name.strip():
        raise UsageError(f"{who} needs a folder or a name after the colon.", hint="Such as hf:models/bert or hf:google-bert/bert-base-chinese.")
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            hint = "Give the folder that save_pretrained() of transformers wrote."
            raise UsageError(f"The folder {name!r} has no config.json, so it is no model of transformers.", hint=hint)
        return path.resolve()
    if path.is_absolute() or name.startswith((".", "~")) or "\\" in name or name.count("/") > 1 or path.exists():
        raise UsageError(f"There is no folder {name!r}.", hint="Give a folder that save_pretrained() of transformers wrote, or a name on the hub.")
    return fetch(name, who)


def fetch(name: str, who: str) -> Path:
    """The hub's copy of ``owner/model``; the network is asked only for what the local cache lacks."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError:
        raise MissingExtra(who, "huggingface_hub", "hf") from None
    reason = "fetching is switched off (--offline, CONSILIENCE_OFFLINE or HF_HUB_OFFLINE)"
    for cached in (True, False):
        if not cached and is_offline():
            break
        try:
            folder = Path(snapshot_download(name, allow_patterns=WANTED, ignore_patterns=["*/*"], local_files_only=cached))
            if not cached or ((folder / "config.json").is_file() and any(folder.glob("*.safetensors"))):
                return folder
        except (HFValidationError, RepositoryNotFoundError):
            raise UsageError(f"{name!r} is neither a folder here nor a public model on the hub.", hint="Check the spelling.") from None
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
            if not cached:
                reason = f"it could not be fetched: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"
    raise OfflineError(
        f"The model {name!r} is no folder here and not in the hub's local cache, and {reason.rstrip('.')}.",
        hint=f"Where there is a network run: hf download {name} --local-dir FOLDER; then copy the folder here and name it as hf:FOLDER.",
    )
