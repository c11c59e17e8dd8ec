"""Mean of word vectors. Source: Mikolov et al. (2013), Distributed representations of words; Arora et al. (2017), for the words' weights.

Words that stand near the same words get near vectors. Learned from the column's own training text, which needs thousands of texts to be worth
much, or read from a file: ``word2vec:FILE`` in the text format of word2vec, fastText or GloVe. Word order is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import FittedEncoder
from consilience.encoders._file_hash import file_hash
from consilience.encoders.text._segment import SegmentSetting, choose_segmenter, texts_of
from consilience.encoders.text._skip_gram import train_skip_gram
from consilience.encoders.text._word_file import read_word_file

__all__ = ["WordVectors"]

CARD = Card(
    summary="mean of word2vec vectors, learned from the column's own text or read from a file",
    source="Mikolov et al. (2013); Arora et al. (2017)",
    claims=("fitted",),
    cost="low",
)


class Word2VecSettings(Settings):
    """How vectors are learned and averaged.

    Args:
        width: Numbers per word; a file brings its own.
        window: Words to each side that count as near.
        epochs: Passes over the text; fewer are made where the text is long.
        negatives: Random words that each pair is told from.
        max_words: Most words that get a vector; of a file, as many from its head besides those of the training text.
        weighting: sif (rare words count more, and what all texts share is taken out), idf, or mean.
        lower: Lower the case first.
        segment: How Chinese is cut into words.
    """

    width: int = Field(default=64, ge=1, le=2048)
    window: int = Field(default=5, ge=1, le=50)
    epochs: int = Field(default=20, ge=1)
    negatives: int = Field(default=5, ge=1, le=100)
    max_words: int = Field(default=20_000, ge=1)
    weighting: Literal["sif", "idf", "mean"] = "sif"
    lower: bool = True
    segment: SegmentSetting = "auto"


class WordVectors(FittedEncoder):
    """Averages the vectors of a text's known words. A text without a known word is a row of zeros, as is an absent cell.

    Shape:
        - encode: ``[N, D]`` float32; D is the setting ``width``, or the file's.

    Raises:
        UsageError: The file is not there, or not in the text format.
    """

    Settings: ClassVar[type[Settings]] = Word2VecSettings
    settings: Word2VecSettings
    file: str = ""

    def identity(self) -> dict[str, Any]:
        """The file counts by its content, not by its place."""
        file = self.file or (file_hash(Path(self.argument)) if self.argument else "")
        return {**super().identity(), "argument": "", "file": file}

    def origin(self) -> str:
        return f"word vectors of {self.argument}" if self.argument else "word vectors learned from the training rows"

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        texts, _, _ = texts_of(columns)
        self.segmenter = choose_segmenter(self.settings.segment, texts, self.settings.lower)
        sentences = [self.segmenter(text) for text in texts]
        counts = Counter(word for sentence in sentences for word in sentence)
        seen = sorted(counts, key=lambda word: (-counts[word], word))[: self.settings.max_words]
        if self.argument:
            self.file = file_hash(Path(self.argument))
            self.words, self.vectors = read_word_file(Path(self.argument), frozenset(seen), self.settings.max_words, self.settings.lower)
        else:
            place = {word: index for index, word in enumerate(seen)}
            ids = [np.array([place[word] for word in sentence if word in place], dtype=np.int64) for sentence in sentences]
            kept = self.settings
            self.words, self.vectors = seen, train_skip_gram(ids, len(seen), kept.width, kept.window, kept.epochs, kept.negatives, seed)
        self.index()
        self.weights = self.word_weights(counts, Counter(word for sentence in sentences for word in set(sentence)), len(sentences))
        self.shared = np.zeros((0, self.vectors.shape[1]), dtype=np.float32)
        means = self.mean(sentences)
        if self.settings.weighting == "sif" and len(means) > 1 and means.any():
            _, _, directions = np.linalg.svd(means.T @ means)
            self.shared = directions[:1].astype(np.float32)

    def encode(self, columns: Mapping[str, Cells]) -> np.ndarray:
        texts, rows, number = texts_of(columns)
        found = np.zeros((number, self.vectors.shape[1]), dtype=np.float32)
        means = self.mean([self.segmenter(text) for text in texts])
        for direction in self.shared:
            means -= (means * direction).sum(axis=1, keepdims=True) * direction
        found[rows] = means
        return found

    def state(self) -> State:
        arrays = {"vectors": self.vectors, "weights": self.weights, "shared": self.shared}
        return State({"segment": self.segmenter.method, "file": self.file}, arrays, {"words": "\n".join(self.words)})

    def restore(self, state: State) -> None:
        self.segmenter = choose_segmenter(state.config["segment"], (), self.settings.lower)
        self.file = state.config["file"]
        self.words = state.texts["words"].split("\n") if state.texts["words"] else []
        self.vectors, self.weights, self.shared = state.arrays["vectors"], state.arrays["weights"], state.arrays["shared"]
        self.index()

    def index(self) -> None:
        self.place = {word: index for index, word in enumerate(self.words)}

    def word_weights(self, counts: Counter[str], rows: Counter[str], number: int) -> np.ndarray:
        """``[V]`` float32. A word of the file that the training text lacks counts as the rarest."""
        if self.settings.weighting == "mean" or not self.words:
            return np.ones(len(self.words), dtype=np.float32)
        if self.settings.weighting == "idf":
            return np.array([np.log((1 + number) / (1 + rows[word])) + 1 for word in self.words], dtype=np.float32)
        total = max(1, sum(counts.values()))
        return np.array([1e-3 / (1e-3 + counts[word] / total) for word in self.words], dtype=np.float32)

    def mean(self, sentences: list[list[str]]) -> np.ndarray:
        """``[N, D]``: sum of weight times vector over the known words, divided by their number."""
        ids = [[self.place[word] for word in sentence if word in self.place] for sentence in sentences]
        lengths = np.array([len(words) for words in ids], dtype=np.int64)
        flat = np.array([index for words in ids for index in words], dtype=np.int64)
        shares = self.weights[flat] / np.repeat(np.maximum(lengths, 1), lengths).astype(np.float32)
        pointer = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        found = sparse.csr_matrix((shares.astype(np.float32), flat, pointer), shape=(len(ids), len(self.words))) @ self.vectors
        return np.asarray(found, dtype=np.float32)
