"""What kinds of media share: cells that name files or hold their bytes, and the content that tells one from another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes, hash_content
from consilience.data.kinds._base import Evidence, Parsed, Profile
from consilience.data.kinds._cells import as_text, clean, clean_sample, filled, objects
from consilience.data.kinds._paths import Outside, locate

__all__ = ["content", "content_key", "parse_files", "sample_files", "sniff_files"]

TEXTS = (pl.String, pl.Categorical, pl.Enum)
REMOTE = ("http://", "https://", "ftp://", "s3://", "gs://")
LOOKED_FOR = 100


def sniff_files(profile: Profile, what: str, suffixes: tuple[str, ...], is_content: Callable[[bytes], bool]) -> Evidence:
    """How much a column's cells are files of a sort: by the ending of their names, or by how their bytes begin.

    Args:
        what: The word for one of them, such as ``"picture"``.
        suffixes: Endings in lower case, with the point.
        is_content: Tells from a cell's bytes.
    """
    dtype = profile.column.dtype
    if dtype == pl.Binary:
        cells = [cell for cell in profile.sample[:200] if cell]
        share = sum(map(is_content, cells)) / max(1, len(cells))
        return Evidence(0.98 * share, f"{share:.0%} of the cells are {what}s in memory")
    if dtype not in TEXTS:
        return Evidence(0.0, f"the cells are {dtype}")
    texts = clean_sample(profile.sample)
    named = [text for text in texts if is_name(text, suffixes)]
    if not named:
        return Evidence(0.0, f"no cell names a {what} file")
    share = len(named) / len(texts)
    some = named[:: max(1, len(named) // LOOKED_FOR)][:LOOKED_FOR]
    there = sum(isinstance(locate(text, profile.base), Path) for text in some)
    reason = f"{share:.0%} of the filled cells are names of {what} files"
    if there < len(some):
        reason += f"; of {len(some)} that were looked for {there} are there"
    return Evidence(0.98 * min(1.0, share / 0.9) ** 0.5 if share >= 0.3 else 0.5 * share, reason)


def sample_files(profile: Profile, suffixes: tuple[str, ...], most: int = 20) -> list[Path | bytes]:
    """Some of the column's files that are there, or its bytes, for kinds that have to look inside; spread over the column."""
    if profile.column.dtype == pl.Binary:
        return [cell for cell in profile.sample if cell][:most]
    if profile.column.dtype not in TEXTS:
        return []
    named = [text for text in clean_sample(profile.sample) if is_name(text, suffixes)]
    found = (locate(text, profile.base) for text in named[:: max(1, len(named) // most)][:most])
    return [path for path in found if isinstance(path, Path)]


def parse_files(column: pl.Series, base: Path | None, what: str) -> Parsed:
    """Values are ``Path``, ``bytes``, or what stands for a path that must not be followed; a file that is gone is absent, with a sentence.

    Args:
        what: The word for one of them, such as ``"picture"``.
    """
    if column.dtype == pl.Binary:
        return Parsed(objects(column, len(column)), filled(column))
    problems: dict[int, str] = {}
    values = np.empty(len(column), dtype=object)
    present = np.zeros(len(column), dtype=bool)
    names = clean(column) if column.dtype in TEXTS else as_text(column)
    for row, name in enumerate(names):
        if name is None:
            continue
        if name.lower().startswith(REMOTE):
            problems[row] = f"The {what} {name!r} is on a network; nothing is fetched. Download it and name the file."
        elif (found := locate(name, base)) is None:
            problems[row] = f"The file {name!r} is not there."
        else:
            values[row], present[row] = found, True
    return Parsed(values, present, problems)


def content(value: Path | bytes | Outside) -> bytes:
    """The bytes of a file or of a cell.

    Raises:
        CellError: The file is gone, or where nothing may be read.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, Outside):
        raise value.error()
    try:
        return Path(value).read_bytes()
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=str(value)) from None


def content_key(value: Any) -> bytes:
    """The same content has the same key, whether it lies in a file or in memory.

    Raises:
        CellError: The file cannot be read.
    """
    if isinstance(value, Path):
        try:
            return hash_content(value)
        except OSError as error:
            raise CellError(f"The file cannot be read: {error.strerror or error}.", file=str(value)) from None
    return hash_bytes(content(value))


def is_name(text: str, suffixes: tuple[str, ...]) -> bool:
    return text.lower().endswith(suffixes) and "\n" not in text and len(text) < 1024
