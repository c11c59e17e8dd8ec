"""A frame -> a file, whole or not at all; the suffix says the format."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from consilience.core.errors import UsageError
from consilience.core.files import new_file
from consilience.data.table._plain import as_json

__all__ = ["check_suffix", "write_table"]


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    flat_cells(frame).write_csv(path)


def write_tsv(frame: pl.DataFrame, path: Path) -> None:
    flat_cells(frame).write_csv(path, separator="\t")


def write_json_lines(frame: pl.DataFrame, path: Path) -> None:
    bytes_as_text(frame).write_ndjson(path)


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path)


def write_arrow(frame: pl.DataFrame, path: Path) -> None:
    frame.write_ipc(path)


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".csv": write_csv,
    ".tsv": write_tsv,
    ".parquet": write_parquet,
    ".jsonl": write_json_lines,
    ".ndjson": write_json_lines,
    ".arrow": write_arrow,
    ".feather": write_arrow,
}


def check_suffix(target: str | Path) -> str:
    """The suffix in lower case, or ``"-"`` for standard output; to be called before hours of work whose result goes there.

    Raises:
        UsageError: No format has this suffix, or the target is a folder.

    >>> check_suffix("preds.CSV")
    '.csv'
    """
    if str(target) == "-":
        return "-"
    suffix = Path(target).suffix.lower()
    if suffix not in WRITERS:
        found = f"The suffix {suffix!r} is no format that can be written" if suffix else "There is no suffix that says the format"
        raise UsageError(f"{found}: {str(target)!r}.", hint=f"There are: {', '.join(WRITERS)}; or - for CSV on standard output.")
    if Path(target).expanduser().is_dir():
        raise UsageError(f"{str(target)!r} is a folder.", hint="Name a file.")
    return suffix


def write_table(frame: pl.DataFrame, target: str | Path) -> None:
    """Writes the frame beside the target and then puts it in its place; ``-`` is CSV on standard output.

    In CSV, lists are JSON text; in CSV and JSON lines, bytes are base64 text.

    Args:
        frame: The rows, in the order in which they are written.
        target: .csv, .tsv, .parquet, .jsonl, .ndjson, .arrow or .feather file, or ``-``.

    Raises:
        UsageError: No format has this suffix, or the file cannot be written there.
    """
    suffix = check_suffix(target)
    if suffix == "-":
        print_csv(frame)
        return
    try:
        with new_file(Path(target).expanduser()) as beside:
            WRITERS[suffix](frame, beside)
    except (OSError, pl.exceptions.PolarsError) as error:  # of a full disk, Parquet tells in an error of its own
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"{str(target)!r} cannot be written ({said}).", hint="Name another place; what stood there before is unchanged.") from error


def print_csv(frame: pl.DataFrame) -> None:
    """As UTF-8, whatever the terminal's encoding is."""
    text = flat_cells(frame).write_csv()
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    raw.write(text.encode("utf-8"))
    raw.flush()


def flat_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with nested cells as JSON text."""
    nested = [column for column in frame.iter_columns() if column.dtype.is_nested() or column.dtype == pl.Object]
    texts = {column.name: [None if cell is None else as_json(strict(cell)) for cell in column.to_list()] for column in nested}
    return bytes_as_text(frame).with_columns(pl.Series(name, cells, dtype=pl.String) for name, cells in texts.items())


def strict(cell: Any) -> Any:
    """Without what JSON has no word for: NaN and infinity are null, bytes base64."""
    if isinstance(cell, float):
        return cell if abs(cell) < float("inf") else None
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode()
    if isinstance(cell, dict):
        return {key: strict(value) for key, value in cell.items()}
    return [strict(item) for item in cell] if isinstance(cell, list) else cell


def bytes_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Binary).bin.encode("base64"))
