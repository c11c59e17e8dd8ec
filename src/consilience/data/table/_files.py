"""A file of any format -> a frame. The suffix says the format."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._delimited import read_delimited
from consilience.data.table._records import read_json, read_json_lines
from consilience.data.table._sheets import read_sheet

__all__ = ["READERS", "TEXTUAL", "read_file"]


def read_parquet(data: bytes, file: str) -> pl.DataFrame:
    return binary_frame(pl.read_parquet, data, file, "Parquet")


def read_arrow(data: bytes, file: str) -> pl.DataFrame:
    """The file format of Arrow (also called Feather) or its stream format."""
    return binary_frame(pl.read_ipc if data.startswith(b"ARROW1") else pl.read_ipc_stream, data, file, "Arrow")


def binary_frame(read: Callable[[io.BytesIO], pl.DataFrame], data: bytes, file: str, name: str) -> pl.DataFrame:
    try:
        return read(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:  # polars panics at some damaged files
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "Write it again, or give it the suffix of what it is."
        raise TableError(f"It is no {name} file that can be read ({said}).", file=file, hint=hint) from None


READERS: dict[str, Callable[[bytes, str], pl.DataFrame]] = {
    ".csv": read_delimited,
    ".tsv": lambda data, file: read_delimited(data, file, ".tsv"),
    ".txt": lambda data, file: read_delimited(data, file, ".txt"),
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".ipc": read_arrow,
    ".xlsx": read_sheet,
    ".xls": read_sheet,
    ".ods": read_sheet,
}
TEXTUAL = (".csv", ".tsv", ".txt")


def read_file(path: Path) -> tuple[pl.DataFrame, str]:
    """The file's frame and its suffix in lower case, without ``.gz``.

    Raises:
        TableError: The file is not there, is a folder, has another suffix, or cannot be read.
    """
    name = str(path)
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if format_of(entry) in READERS)
        hint = f"It holds: {', '.join(inside[:5])}{', ...' if len(inside) > 5 else ''}. Name one of them." if inside else "Name a file."
        raise TableError("It is a folder, not a table.", file=name, hint=hint)
    if not path.exists():
        raise TableError("There is no such file.", file=name, hint=near(path))
    suffix = format_of(path)
    if suffix not in READERS:
        hint = f"There are: {', '.join(READERS)}; each also with .gz after it."
        raise TableError(f"The suffix {suffix!r} is no table format." if suffix else "The file has no suffix.", file=name, hint=hint)
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableError(f"The compressed file is damaged ({error}).", file=name, hint="Compress or fetch it again.") from None
    except OSError as error:
        raise TableError(f"The file cannot be read ({error.strerror or error}).", file=name, hint="Look at its permissions.") from None
    if not data:
        raise TableError("The file is empty (0 bytes).", file=name, hint="Write it again.")
    return READERS[suffix](data, name), suffix


def format_of(path: Path) -> str:
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def near(path: Path) -> str:
    """What may have been meant instead of a file that is not there."""
    folder = path.parent
    if re.match(r"[a-z][a-z0-9+]+:/", str(path)):
        return "Tables are read from disk: fetch it first."
    if not folder.is_dir():
        return f"The folder {str(folder)!r} is not there either."
    try:
        names = sorted(entry.name for entry in folder.iterdir() if format_of(entry) in READERS)
    except OSError:
        return "Check its name."
    close = get_close_matches(path.name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    return f"Tables in that folder: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}." if names else "There is no table in that folder."
