"""Words as numbers, for encoders that learn an embedding: frequent words whole, rare and unseen ones in pieces."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["EMPTY", "PADDING", "Vocabulary"]

PADDING = 0
EMPTY = 1
"""The one token of a text that is there but has no word in it."""

FIRST_BUCKET = 2
BUCKETS = 64
"""Numbers for characters that were never seen, by hash, so that two of them need not fall together."""

LONGEST_WORD = 40
LONGEST_PIECE = 4


class Vocabulary:
    """Number of each word and piece.

    Words that occur twice or more in the training text are entries; the others are cut, greedily from the left, into the longest pieces of up to 4
    characters that other rare words have too. Pieces inside a word begin with ``##``. Since rare words of the training text are cut in the same way,
    pieces are trained.

    Args:
        entries: Words and pieces in order of their numbers.

    >>> vocabulary = Vocabulary(["red", "b", "##lu", "##e"])
    >>> [vocabulary.entries[number - vocabulary.first] for number in vocabulary.numbers("blue")]
    ['b', '##lu', '##e']
    """

    first = FIRST_BUCKET + BUCKETS

    def __init__(self, entries: list[str]) -> None:
        self.entries = entries
        self.place = {entry: self.first + index for index, entry in enumerate(entries)}
        self.numbers = lru_cache(maxsize=100_000)(self.find)

    @classmethod
    def learn(cls, sentences: Iterable[list[str]], most: int) -> Vocabulary:
        """The vocabulary of a training text with at most ``most`` whole words, and half as many pieces."""
        counts = Counter(word for sentence in sentences for word in sentence)
        words = [word for word in by_count(counts) if counts[word] > 1][:most]
        pieces: Counter[str] = Counter()
        for word in counts.keys() - set(words):
            word = word[:LONGEST_WORD]
            pieces.update({piece for start in range(len(word)) for piece in pieces_at(word, start)})
        letters = [piece for piece in by_count(pieces) if len(piece.removeprefix("##")) == 1]
        longer = [piece for piece in by_count(pieces) if len(piece.removeprefix("##")) > 1 and pieces[piece] > 2]
        whole = set(words)
        return cls(words + [piece for piece in (letters + longer)[: max(64, most // 2)] if piece not in whole])

    def __len__(self) -> int:
        """How many numbers there are, the reserved ones included."""
        return self.first + len(self.entries)

    def encode(self, words: Iterable[str], most: int) -> list[int]:
        """At most ``most`` numbers; never none."""
        found: list[int] = []
        for word in words:
            found += self.numbers(word)
            if len(found) >= most:
                break
        return found[:most] or [EMPTY]

    def find(self, word: str) -> tuple[int, ...]:
        """The word's number, or those of its pieces."""
        if word in self.place:
            return (self.place[word],)
        word = word[:LONGEST_WORD]
        found: list[int] = []
        start = 0
        while start < len(word):
            known = [piece for piece in pieces_at(word, start) if piece in self.place]
            piece = known[-1] if known else ""
            found.append(self.place[piece] if piece else FIRST_BUCKET + zlib.crc32(word[start].encode("utf-8", "replace")) % BUCKETS)
            start += max(1, len(piece.removeprefix("##")))
        return tuple(found)


def by_count(counts: Counter[str]) -> list[str]:
    """Most frequent first; the alphabet decides between equals, so that the order does not hang on that of the rows."""
    return sorted(counts, key=lambda word: (-counts[word], word))


def pieces_at(word: str, start: int) -> list[str]:
    """The pieces that begin at one character, shortest first."""
    head = "##" if start else ""
    return [head + word[start : start + size] for size in range(1, min(LONGEST_PIECE, len(word) - start) + 1)]
