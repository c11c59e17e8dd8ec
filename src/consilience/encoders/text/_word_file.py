"""Reads word vectors in the text format: one word and its numbers a line, with or without a first line of counts; plain or gzip."""

from __future__ import annotations

import gzip
from collections.abc import Collection
from pathlib import Path

import numpy as np

from consilience.core.errors import UsageError

__all__ = ["read_word_file"]


def read_word_file(path: Path, wanted: Collection[str], most: int, lower: bool = False) -> tuple[list[str], np.ndarray]:
    """The first ``most`` words of the file and all that are ``wanted``, with their vectors ``[V, D]`` float32.

    With ``lower``, the file's words are lowered; of two that fall together the first stays, which in such files is the more frequent one.

    Raises:
        UsageError: The file is not there or not in the text format; names the line.
    """
    path = path.expanduser()
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}.", hint="Check the path after the colon of 'word2vec:FILE'.")
    words: dict[str, np.ndarray] = {}
    width = 0
    with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            word, values = split(line, path, number)
            if (number == 1 and len(values) == 1) or not word:
                continue  # the counts of words and numbers
            width = width or len(values)
            if len(values) != width:
                raise UsageError(
                    f"{str(path)!r}, line {number}: {len(values)} numbers after the word, {width} before.", hint="Every word needs as many."
                )
            word = word.lower() if lower else word
            if word not in words and (len(words) < most or word in wanted):
                words[word] = numbers(values, path, number)
    if not words:
        raise UsageError(f"There are no word vectors in {str(path)!r}.", hint="A line holds one word and its numbers, with spaces between.")
    return list(words), np.stack(list(words.values()))


def split(line: bytes, path: Path, number: int) -> tuple[str, list[str]]:
    try:
        parts = line.decode("utf-8").rstrip().split(" ")
    except UnicodeDecodeError:
        raise UsageError(
            f"{str(path)!r}, line {number}: it is not text in UTF-8, perhaps the binary format of word2vec.",
            hint="Write it as text: gensim's KeyedVectors.load_word2vec_format(file, binary=True).save_word2vec_format(new, binary=False).",
        ) from None
    return parts[0], parts[1:]


def numbers(values: list[str], path: Path, number: int) -> np.ndarray:
    try:
        found = np.array(values, dtype=np.float32)
    except ValueError:
        found = np.array([np.nan], dtype=np.float32)
    if not np.isfinite(found).all():
        raise UsageError(
            f"{str(path)!r}, line {number}: what follows the word are not all finite numbers.", hint="A line holds one word and its numbers."
        )
    return found
