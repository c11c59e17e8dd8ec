"""TF-IDF of word and character n-grams. Source: Salton & Buckley (1988), Term-weighting approaches in automatic text retrieval.

The strongest simple reading of short texts, codes, names and numbers; a few hundred rows are enough. It knows no meaning: two synonyms share nothing.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from consilience.core.registry import Card
from consilience.core.seeds import generator
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import FittedEncoder
from consilience.encoders.text._segment import Segmenter, SegmentSetting, choose_segmenter, clean, has_han, texts_of
from consilience.encoders.text._stop_words import stop_words
from consilience.encoders.text._tags import choose_language, tagger

__all__ = ["BagOfWords"]

CARD = Card(
    summary="TF-IDF of word and character n-grams (bag of words); the first choice for short texts, codes and names",
    source="Salton & Buckley (1988); counting by scikit-learn",
    claims=("fitted", "sparse", "default"),
    cost="low",
)

MOST_CHARACTERS = 20_000_000
Analyse = Callable[[str], list[str]]


def check_range(value: tuple[int, int]) -> tuple[int, int]:
    low, high = value
    if not 1 <= low <= high <= 10:
        raise ValueError("a range of n-grams is two whole numbers, 1 <= from <= to <= 10")
    return value


Range = Annotated[tuple[int, int], AfterValidator(check_range)]


class BowSettings(Settings):
    """What is counted.

    Args:
        words: From and to how many words in a row; null counts no words.
        chars: From and to how many characters in a row, inside words with a space on each side; null counts none.
        max_features: Most n-grams of each sort; those of most rows stay.
        min_rows: An n-gram must occur in so many training rows; null is 1, and 2 above 10,000 rows.
        lower: Lower the case first.
        stop_words: Words left out of the word n-grams: none, english, chinese, or a list. Character n-grams see them.
        part_of_speech: Count n-grams of tags as well (needs a tagger: jieba for Chinese, textblob for English).
        segment: How Chinese is cut into words. With jieba the characters of longer words are counted as well.
    """

    words: Range | None = (1, 2)
    chars: Range | None = (2, 5)
    max_features: int = Field(default=30_000, ge=1)
    min_rows: int | None = Field(default=None, ge=1)
    lower: bool = True
    stop_words: Literal["none", "english", "chinese"] | tuple[str, ...] = "none"
    part_of_speech: bool = False
    segment: SegmentSetting = "auto"

    @model_validator(mode="after")
    def check_any(self) -> BowSettings:
        if self.words is None and self.chars is None and not self.part_of_speech:
            raise ValueError("words, chars and part_of_speech are all off, so nothing would be counted")
        return self


class BagOfWords(FittedEncoder):
    """Counts n-grams, takes 1 + log of the count times the inverse row frequency, and scales each sort (words, characters, tags) to length 1.

    A text without a known n-gram is a row of zeros, as is an absent cell. Where the training rows hold no text at all, one column of zeros is
    given, because many learners refuse a table without columns.

    Shape:
        - encode: ``[N, D]`` CSR float32; D is the number of n-grams kept.

    >>> from consilience.data.kinds import KINDS
    >>> values, present = np.array(["red cube", None], dtype=object), np.array([True, False])
    >>> column = {"name": Cells("name", KINDS.get("text")(), values, present)}
    >>> encoder = BagOfWords(BowSettings(chars=None))
    >>> encoder.fit(column)
    >>> encoder.vocabularies["words"], encoder.encode(column).getnnz(axis=1).tolist()
    (['cube', 'red', 'red cube'], [3, 0])

    Raises:
        MissingExtra: jieba or a tagger was asked for and is not installed.
    """

    Settings: ClassVar[type[Settings]] = BowSettings
    sparse: ClassVar[bool] = True
    settings: BowSettings

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        texts, _, _ = texts_of(columns)
        texts = some(texts, seed)
        self.segmenter = choose_segmenter(self.settings.segment, texts, self.settings.lower)
        self.language = choose_language(texts) if self.settings.part_of_speech else ""
        least = self.settings.min_rows or (1 if len(texts) <= 10_000 else 2)
        self.vocabularies: dict[str, list[str]] = {}
        self.idf: dict[str, np.ndarray] = {}
        for name, analyse in self.analysers().items():
            self.vocabularies[name], self.idf[name] = learn(texts, analyse, least, self.settings.max_features)
        self.index_vocabularies()

    def encode(self, columns: Mapping[str, Cells]) -> csr_matrix:
        texts, rows, number = texts_of(columns)
        sorts = [(analyse, self.places[name], self.idf[name]) for name, analyse in self.analysers().items() if self.vocabularies[name]]
        weights, places, lengths = weigh(texts, sorts)
        # Rows that are absent lie between as empty rows.
        ends: np.ndarray = np.zeros(number + 1, dtype=np.int64)
        ends[rows + 1] = lengths
        return csr_matrix((weights, places, np.cumsum(ends)), shape=(number, max(1, sum(len(idf) for _, _, idf in sorts))), dtype=np.float32)

    def state(self) -> State:
        config = {"segment": self.segmenter.method, "language": self.language}
        arrays = {f"idf_{name}": idf for name, idf in self.idf.items()}
        return State(config, arrays, {name: "\n".join(found) for name, found in self.vocabularies.items()})

    def restore(self, state: State) -> None:
        self.segmenter = choose_segmenter(state.config["segment"], (), self.settings.lower)
        self.language = state.config["language"]
        self.vocabularies = {name: text.split("\n") if text else [] for name, text in state.texts.items()}
        self.idf = {name.removeprefix("idf_"): idf for name, idf in state.arrays.items()}
        for name, found in self.vocabularies.items():
            idf = self.idf[name]
            if idf.shape != (len(found),) or len(set(found)) < len(found) or not np.all((idf > 0) & (idf < 1e3)):
                raise ValueError(f"the vocabulary of {name} and its weights do not belong together")
        self.index_vocabularies()

    def index_vocabularies(self) -> None:
        """Each n-gram's column, looked up once: for 50,000 of them that takes longer than to encode a text."""
        self.places = {name: {gram: column for column, gram in enumerate(found)} for name, found in self.vocabularies.items()}

    def analysers(self) -> dict[str, Callable[[str], list[str]]]:
        """Name of each sort of n-gram to text -> n-grams."""
        found: dict[str, Callable[[str], list[str]]] = {}
        if self.settings.words:
            found["words"] = word_grams(self.segmenter, self.settings.words, stop_words(self.settings.stop_words))
        if self.settings.chars:
            found["chars"] = char_grams(self.settings.chars, self.settings.lower)
        if self.settings.part_of_speech:
            tag, span = tagger(self.language), self.settings.words or (1, 2)
            found["tags"] = lambda text: grams(tag(text), span)
        return found


def some(texts: list[str], seed: int) -> list[str]:
    """All texts, or as many at random as hold ``MOST_CHARACTERS`` together, so that counting stays within memory."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    if sizes.sum() <= MOST_CHARACTERS:
        return texts
    order = generator(seed, "bow").permutation(len(texts))
    return [texts[row] for row in np.sort(order[np.cumsum(sizes[order]) <= MOST_CHARACTERS])]


def grams(words: list[str], span: tuple[int, int]) -> list[str]:
    return [" ".join(words[start : start + size]) for size in range(span[0], span[1] + 1) for start in range(len(words) - size + 1)]


def word_grams(segmenter: Segmenter, span: tuple[int, int], stops: frozenset[str]) -> Callable[[str], list[str]]:
    def analyse(text: str) -> list[str]:
        words = [word for word in segmenter(text) if word.lower() not in stops]
        # A word of Chinese that the training rows lack is still made of characters that they have.
        characters = [character for word in words if len(word) > 1 and has_han(word) for character in word] if segmenter.method == "jieba" else []
        return grams(words, span) + characters

    return analyse


def char_grams(span: tuple[int, int], lower: bool) -> Callable[[str], list[str]]:
    """N-grams inside each piece between white space, with one space on each side; a piece shorter than n counts once, whole."""

    @lru_cache(maxsize=50_000)
    def inside(piece: str) -> tuple[str, ...]:
        padded = f" {piece} "
        sizes = range(span[0], min(span[1], len(padded)) + 1)
        return tuple(padded[start : start + size] for size in sizes for start in range(len(padded) - size + 1)) or (padded,)

    return lambda text: [gram for piece in clean(text, lower).split() for gram in inside(piece)]


def learn(texts: Sequence[str], analyse: Callable[[str], list[str]], least: int, most: int) -> tuple[list[str], np.ndarray]:
    """The n-grams that stay, in order of the alphabet, and the natural log of their inverse row frequency, plus 1."""
    if not any(analyse(text) for text in texts):
        return [], np.zeros(0)
    counter = CountVectorizer(analyzer=analyse)
    frequency = np.bincount(counter.fit_transform(texts).indices, minlength=len(counter.vocabulary_))
    kept = np.flatnonzero(frequency >= least)
    kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:most]])
    names = counter.get_feature_names_out()
    return [str(names[index]) for index in kept], np.log((1 + len(texts)) / (1 + frequency[kept])) + 1


def weigh(texts: Sequence[str], sorts: Sequence[tuple[Analyse, Mapping[str, int], np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weights ``[W] float32`` of all texts, their columns ``[W]``, and how many each text has ``[N]``; the sorts stand beside one another.

    Args:
        sorts: How a text is cut into n-grams, the column of each, and the weights of the columns.
    """
    counts, columns, lengths = array("i"), array("i"), array("i")
    for text in texts:
        first = 0
        for analyse, places, idf in sorts:
            seen = Counter(place for gram in analyse(text) if (place := places.get(gram)) is not None)
            found = sorted(seen)
            columns.extend([first + place for place in found] if first else found)
            counts.extend([seen[place] for place in found])
            lengths.append(len(found))
            first += len(idf)
    column, each = np.array(columns, dtype=np.int32), np.array(lengths, dtype=np.int64)
    values = (1 + np.log(np.array(counts, dtype=np.float64))) * np.concatenate([idf for _, _, idf in sorts] or [np.zeros(0)])[column]
    part = np.repeat(np.arange(len(each)), each)  # of one text and one sort
    values /= np.sqrt(np.bincount(part, values**2, minlength=len(each)))[part]
    return values.astype(np.float32), column, each.reshape(len(texts), len(sorts)).sum(axis=1)
