"""Any text model of the transformers library. Source: Wolf et al. (2020), Transformers: state-of-the-art natural language processing.

``hf:FOLDER`` or ``hf:owner/name``: BERT, GPT-2, T5 and their kin, in any language. Take one that was made for sentences where there is one; the mean
over the pieces of a plain language model is a weaker reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from consilience.core.errors import UsageError, shorten
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders.text._hub import find_model_folder
from consilience.encoders.text._pretrained import PretrainedSettings, PretrainedText, prepare_tokenizer, quiet_transformers, weight_files

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

__all__ = ["HuggingFaceText"]

CARD = Card(
    summary="any frozen text model of transformers by folder or name: hf:FOLDER, hf:owner/name",
    source="Wolf et al. (2020); the model's own paper",
    extra="hf",
    claims=("frozen", "argument"),
    cost="high",
)

WHO = "The encoder 'hf'"

OFFSET_POSITIONS = frozenset(
    {
        "camembert",
        "data2vec-text",
        "esm",
        "ibert",
        "layoutlmv3",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mluke",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Model types that count places from behind the padding id, so that so many of their places cannot be used."""

VOCABULARIES = ("tokenizer.json", "vocab*", "*.model", "merges.txt")


class HuggingFaceSettings(PretrainedSettings):
    """As for all pretrained encoders, and how a text's pieces become one vector.

    Args:
        pool: mean over the pieces; cls (the first piece, for models trained so); last (for models that read from left to right, such as GPT-2).
    """

    pool: Literal["mean", "cls", "last"] = "mean"


class HuggingFaceText(PretrainedText):
    """The last layer of the model; of an encoder-decoder only the encoder, of a picture-and-text model only the text side.

    Weights are read from safetensors only, and no code that comes with a model is ever run.

    Shape:
        - encode: ``[B, 1, D]``, or ``[B, T, D]`` for a sequence.

    Raises:
        MissingExtra: transformers is not installed.
        OfflineError: The name is no folder and may not, or cannot, be fetched.
        UsageError: The folder holds no text model that can be read.
    """

    Settings: ClassVar[type[Settings]] = HuggingFaceSettings
    settings: HuggingFaceSettings

    @cached_property
    def folder(self) -> Path:
        return find_model_folder(self.argument, WHO)

    @cached_property
    def config(self) -> Any:
        """The text model's transformers configuration."""
        with self.reading("configuration"):
            from transformers import AutoConfig

            config = AutoConfig.from_pretrained(self.folder, trust_remote_code=False, local_files_only=True)
        text = getattr(config, "text_config", None) or config  # a picture-and-text model has one for each side
        if not isinstance(getattr(text, "vocab_size", None), int) or not isinstance(getattr(text, "hidden_size", None), int):
            hint = "Take it for a column of its own kind, or name a text model."
            raise UsageError(f"The model in {str(self.folder)!r} (type {config.model_type!r}) reads no text.", hint=hint)
        return text

    @cached_property
    def width(self) -> int:
        return int(self.config.hidden_size)

    @cached_property
    def loaded_tokenizer(self) -> Any:
        _ = self.config  # says so if it is no text model at all
        if not any(path.name != "tokenizer_config.json" for pattern in VOCABULARIES for path in self.folder.glob(pattern)):
            # transformers would make an empty tokenizer, to which every word is unknown.
            raise UsageError(f"There is no tokenizer in {str(self.folder)!r}.", hint="Save it there too: AutoTokenizer...save_pretrained(folder).")
        with self.reading("tokenizer"):
            from transformers import AutoTokenizer

            return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False, local_files_only=True)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        most = min(self.settings.max_tokens, self.places, int(min(self.loaded_tokenizer.model_max_length, 10**9)))
        backend = getattr(self.loaded_tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise UsageError(
                f"The tokenizer {type(self.loaded_tokenizer).__name__} in {str(self.folder)!r} is written in Python only, and not safe for threads.",
                hint="Give a model whose folder has a tokenizer.json.",
            )
        from tokenizers import Tokenizer

        return prepare_tokenizer(Tokenizer.from_str(backend.to_str()), most)  # a copy: transformers may change its own

    @cached_property
    def places(self) -> int:
        """The longest sequence that the model has places for."""
        most = getattr(self.config, "max_position_embeddings", None)
        if not isinstance(most, int) or most < 1:
            return 10**9
        return most - (self.config.pad_token_id or 0) - 1 if self.config.model_type in OFFSET_POSITIONS else most

    @cached_property
    def padding(self) -> int:
        asked = (self.loaded_tokenizer.pad_token_id, self.config.pad_token_id, self.loaded_tokenizer.eos_token_id)
        return next((number for number in asked if isinstance(number, int) and 0 <= number < self.config.vocab_size), 0)

    def origin(self) -> str:
        return f"{self.argument}, from the folder {self.folder}"

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        item = super().prepare(cell)
        if item["ids"].max() >= self.config.vocab_size:
            raise UsageError(
                f"The tokenizer in {str(self.folder)!r} gives the number {item['ids'].max()}, but the model knows only {self.config.vocab_size}.",
                hint="The tokenizer belongs to another model: save both from the same one.",
            )
        return item

    def build(self) -> nn.Module:
        weight_files(self.folder)
        with self.reading("model"):
            from transformers import AutoModel

            model, report = AutoModel.from_pretrained(
                self.folder, trust_remote_code=False, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        part = "encoder" if model.config.is_encoder_decoder else "text_model" if hasattr(model, "text_model") else ""
        unused = "decoder." if part == "encoder" else "vision_model." if part else "pooler."
        missing = sorted(name for name in report["missing_keys"] if not name.startswith((unused, "pooler.")))
        if missing:
            raise UsageError(
                f"The weights in {str(self.folder)!r} lack {len(missing)} parts of the model, such as {missing[0]!r}; they would be random.",
                hint="Give the folder of a model that was saved whole.",
            )
        backbone = model.get_encoder() if part == "encoder" else model.text_model if part else model
        backbone.config.use_cache = False
        from consilience.encoders.text._backbone import PooledBackbone

        return PooledBackbone(backbone.float(), self.settings.pool if self.settings.tokens == "pooled" else "none")

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Makes an error of transformers one that says where and what to do."""
        folder = self.folder
        with quiet_transformers(WHO, "hf"):
            from safetensors import SafetensorError

            try:
                yield
            except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
                raise UsageError(
                    f"The {what} in {str(folder)!r} cannot be read: {shorten(str(error), 300)}.",
                    hint="It must be a text model that this version of transformers has by itself; code that comes with a model is never run.",
                ) from error
