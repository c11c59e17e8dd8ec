"""What the encoders with pretrained weights share: token ids in, one vector or one per token out. No torch before the module is built."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from consilience.core.errors import MissingExtra, UsageError
from consilience.core.settings import Settings
from consilience.encoders._base import ModuleEncoder
from consilience.encoders._file_hash import file_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["PretrainedSettings", "PretrainedText", "prepare_tokenizer", "quiet_transformers", "weight_files"]

LOADING = RLock()
"""One thread at a time loads: how loud transformers is holds for the whole process."""

TOKENIZER_FILES = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "*.model")


class PretrainedSettings(Settings):
    """How much is read, and what comes out.

    Args:
        max_tokens: Word pieces that are read, the special ones included; the rest of a longer text is left out.
        tokens: One token per text (pooled), or one per word piece (sequence, at most ``max_tokens``).
    """

    max_tokens: int = Field(default=256, ge=3, le=8192)
    tokens: Literal["pooled", "sequence"] = "pooled"


class PretrainedText(ModuleEncoder):
    """A frozen text model in a folder: ``config.json``, a tokenizer and weights as safetensors.

    Shape:
        - prepare: ids ``[T] int64``, T at least 1.
        - collate: ids ``[B, T] int64`` and mask ``[B, T] int64`` (1 = a real piece), padded on the right.
        - encode: ``[B, 1, D]``, or ``[B, T, D]`` for a sequence, zeros under False.
    """

    settings: PretrainedSettings

    @cached_property
    @abstractmethod
    def folder(self) -> Path:
        """Where config, tokenizer and weights are."""

    @cached_property
    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """Made by ``prepare_tokenizer``; it is not changed afterwards, so that many threads can use it."""

    @cached_property
    def padding(self) -> int:
        """The id that stands where no piece is; has no influence."""
        return 0

    def identity(self) -> dict[str, Any]:
        """The weights count by their content, not by their place."""
        return {**super().identity(), "argument": "", "files": self.hashes}

    @cached_property
    def hashes(self) -> dict[str, str]:
        """File name to content hash, of weights, configuration and tokenizer."""
        files = {self.folder / "config.json", *weight_files(self.folder)}
        files |= {path for pattern in TOKENIZER_FILES for path in self.folder.glob(pattern) if path.is_file()}
        return {path.name: file_hash(path) for path in sorted(files)}

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("ids", "mask")

    @property
    def dynamic(self) -> bool:
        return True

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        # 200 characters per piece are far more than any text has: what stands behind need not be cut into pieces.
        text = str(cell)[: 200 * self.settings.max_tokens].encode("utf-8", "replace").decode("utf-8")
        return {"ids": np.array(self.tokenizer.encode(text).ids or [self.padding], dtype=np.int64)}

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        lengths = [len(item["ids"]) for item in items]
        ids = np.full((len(items), max(lengths)), self.padding, dtype=np.int64)
        mask = np.zeros(ids.shape, dtype=np.int64)
        for row, (item, length) in enumerate(zip(items, lengths, strict=True)):
            ids[row, :length] = item["ids"]
            mask[row, :length] = 1
        return {"ids": ids, "mask": mask}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return len(item["ids"])

    def token_mask(self, batch: dict[str, np.ndarray], length: int) -> np.ndarray:
        return batch["mask"].astype(bool) if self.settings.tokens == "sequence" else super().token_mask(batch, length)


def prepare_tokenizer(tokenizer: Tokenizer, most: int) -> Tokenizer:
    """Cuts at ``most`` pieces and pads nothing. Set once: a tokenizer whose settings change while another thread uses it stops with an error."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    return tokenizer


def weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files.

    Raises:
        UsageError: There are none; says how to make them of other files.
    """
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    other = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5") for path in folder.glob(pattern))
    hint = "Give a folder that save_pretrained() of transformers wrote."
    if other:
        hint = (
            "Files of other formats can run code when they are read. If you trust them, write them anew once: "
            f"AutoModel.from_pretrained({str(folder)!r}, use_safetensors=False).save_pretrained({str(folder)!r})."
        )
    raise UsageError(f"There are no weights as .safetensors in {str(folder)!r}, only: {', '.join(other) or 'no weights at all'}.", hint=hint)


@contextmanager
def quiet_transformers(who: str, extra: str) -> Iterator[None]:
    """No bars and notes of transformers inside the block.

    Raises:
        MissingExtra: transformers is not installed.
    """
    try:
        logging = import_module("transformers.utils.logging")
    except ImportError:
        raise MissingExtra(who, "transformers", extra) from None
    with LOADING:
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        try:
            logging.set_verbosity_error()
            logging.disable_progress_bar()
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
