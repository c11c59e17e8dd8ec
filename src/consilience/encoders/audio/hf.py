"""Any sound model of the library transformers, frozen. Source: Wolf et al., Transformers: State-of-the-Art Natural Language Processing (2020).

``hf:FOLDER`` or ``hf:owner/name``: wav2vec 2.0, HuBERT, WavLM, the listening half of Whisper, the audio spectrogram transformer.
When not: without a network or a GPU for many hours of sound; ``stats`` costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from consilience.core.errors import UsageError, shorten
from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders._file_hash import file_hash
from consilience.encoders.audio._hf_tokens import listen, pooled, shortened
from consilience.encoders.audio._waves import at_rate, sound_of
from consilience.encoders.text._hub import find_model_folder
from consilience.encoders.text._pretrained import quiet_transformers, weight_files

__all__ = ["HuggingFaceAudio"]

CARD = Card(
    summary="hf:<folder or name>: any frozen sound model of transformers: wav2vec2, HuBERT, WavLM, Whisper encoders.",
    source="Wolf et al. (2020); Baevski et al. (2020); Hsu et al. (2021); Radford et al. (2022)",
    extra="hf",
    claims=("frozen", "argument"),
    cost="high",
)

WHO = "The encoder 'hf'"
SHORTEST = 0.1
"""Seconds to which a shorter sound is filled up with silence: the first layers of such models need some."""


class HuggingFaceAudioSettings(AnySettings):
    """Settings of ``hf``.

    Args:
        seconds: Length of the windows into which a longer sound is cut.
        windows: Most windows of a sound; of a longer one they are evenly spread.
        layers: ``last``: the last layer; ``mean``: of all layers, which for models of speech often says more about anything but words.
        tokens: One token per sound (pooled), or a sequence of at most ``max_tokens``, each the mean of its stretch of time.
        max_tokens: See ``tokens``.
    """

    seconds: float = Field(default=30.0, ge=0.5, le=30)
    windows: int = Field(default=20, ge=1, le=100)
    layers: Literal["last", "mean"] = "last"
    tokens: Literal["pooled", "sequence"] = "pooled"
    max_tokens: int = Field(default=64, ge=2, le=3000)


class HuggingFaceAudio(FrozenEncoder):
    """The hidden states of a sound model; of an encoder-decoder only the encoder runs. Windows of unlike length never share a batch.

    Weights are read from safetensors only, and no code that comes with a model is ever run.

    Shape:
        - cell: a ``Sound``.
        - encode: ``[B, 1, D]``, or ``[B, T, D]`` for a sequence, zeros under False.

    Raises:
        MissingExtra: transformers is not installed.
        OfflineError: The name is no folder and may not, or cannot, be fetched.
        UsageError: The folder holds no sound model that can be read.
    """

    Settings: ClassVar[type[AnySettings]] = HuggingFaceAudioSettings
    batch_size: ClassVar[int] = 8
    settings: HuggingFaceAudioSettings

    @cached_property
    def folder(self) -> Path:
        """Where config, feature extractor and weights are."""
        return find_model_folder(self.argument, WHO)

    def identity(self) -> dict[str, Any]:
        """The weights count by their content, not by their place."""
        return {**super().identity(), "argument": "", "files": self.hashes}

    @cached_property
    def hashes(self) -> dict[str, str]:
        """File name to content hash, of weights, configuration and feature extractor."""
        files = {self.folder / "config.json", *weight_files(self.folder), *self.folder.glob("*processor_config.json")}
        return {path.name: file_hash(path) for path in sorted(files)}

    def origin(self) -> str:
        return f"{self.argument}, from the folder {self.folder}"

    @cached_property
    def extractor(self) -> Any:
        """What makes numbers of a wave for this model."""
        with self.reading("feature extractor"):
            transformers: Any = import_module("transformers")
            found = transformers.AutoFeatureExtractor.from_pretrained(self.folder, trust_remote_code=False, local_files_only=True)
        if not isinstance(getattr(found, "sampling_rate", None), int):
            raise UsageError(f"The model in {str(self.folder)!r} hears nothing: it has no sampling rate.", hint="Name a model of sounds.")
        return found

    @cached_property
    def model(self) -> Any:
        """The network, in eval mode."""
        weight_files(self.folder)
        with self.reading("model"):
            transformers: Any = import_module("transformers")
            model, report = transformers.AutoModel.from_pretrained(
                self.folder, trust_remote_code=False, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        half = bool(model.config.is_encoder_decoder)
        missing = sorted(
            name for name in report["missing_keys"] if not name.startswith(("decoder.", "masked_spec_embed") if half else "masked_spec_embed")
        )
        if missing:
            raise UsageError(
                f"The weights in {str(self.folder)!r} lack {len(missing)} parts of the model, such as {missing[0]!r}; they would be random.",
                hint="Give the folder of a model that was saved whole.",
            )
        found = (model.get_encoder() if half else model).float().eval().requires_grad_(False)
        if getattr(found, "main_input_name", "") not in ("input_values", "input_features"):
            raise UsageError(f"{type(found).__name__} in {str(self.folder)!r} takes no sounds.", hint="Name a model of sounds.")
        return found

    @cached_property
    def width(self) -> int:
        config = self.model.config
        size = getattr(config, "output_hidden_size", None) if getattr(config, "add_adapter", False) else None
        return int(size or config.hidden_size)

    @property
    def seconds(self) -> float:
        """Length of a window; a model that only takes spectrograms of one length does not take longer ones."""
        return float(min(self.settings.seconds, getattr(self.extractor, "chunk_length", None) or 30))

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        extractor = self.extractor
        samples, rate = sound_of(cell)
        samples = at_rate(samples, rate, extractor.sampling_rate)
        least, most = int(SHORTEST * extractor.sampling_rate), int(self.seconds * extractor.sampling_rate)
        starts = np.arange(0, max(1, len(samples)), most)
        if len(starts) > self.settings.windows:
            starts = np.linspace(0, len(samples) - most, self.settings.windows).astype(int)
        elif len(starts) > 1 and len(samples) - starts[-1] < least:
            starts = starts[:-1]  # a rest that is too short to hear
        parts, heard = [], []
        for start in starts.tolist():
            window = samples[start : start + most]
            window = np.pad(window, (0, max(0, least - len(window))))
            parts.append(np.asarray(extractor(window, sampling_rate=extractor.sampling_rate, return_tensors="np")[extractor.model_input_names[0]][0]))
            whole = getattr(extractor, "n_samples", None) or len(window)
            heard.append(min(1.0, len(window) / whole))
        shapes = np.array([part.shape for part in parts], dtype=np.int64)
        return {
            "values": np.concatenate([part.reshape(-1) for part in parts]).astype(np.float32),
            "shapes": shapes,
            "heard": np.array(heard, dtype=np.float32),
        }

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        owner = np.repeat(np.arange(len(items)), [len(item["heard"]) for item in items])
        return {name: np.concatenate([item[name] for item in items]) for name in items[0]} | {"owner": owner}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return len(item["values"])

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        found = listen(self.model, batch, self.settings.layers == "mean")
        rows = [[found[place] for place in np.flatnonzero(batch["owner"] == row)] for row in range(int(batch["owner"].max()) + 1)]
        if self.settings.tokens == "pooled":
            values = np.stack([pooled(windows) for windows in rows])[:, None, :]
            return values, np.ones(values.shape[:2], dtype=bool)
        tokens = [shortened(np.concatenate(windows), self.settings.max_tokens) for windows in rows]
        values = np.zeros((len(tokens), max(map(len, tokens)), self.width), dtype=np.float32)
        mask = np.zeros(values.shape[:2], dtype=bool)
        for row, part in enumerate(tokens):
            values[row, : len(part)] = part
            mask[row, : len(part)] = True
        return values, mask

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Makes an error of transformers one that says where and what to do."""
        folder = self.folder
        with quiet_transformers(WHO, "hf"):
            from safetensors import SafetensorError

            try:
                yield
            except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError, SafetensorError) as error:
                raise UsageError(
                    f"The {what} in {str(folder)!r} cannot be read: {shorten(str(error), 300)}.",
                    hint="It must be a sound model that this version of transformers has by itself; code that comes with a model is never run.",
                ) from error
