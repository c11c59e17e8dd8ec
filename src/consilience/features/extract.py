"""Cells to features: each distinct cell is read, prepared and encoded once; what is kept is not encoded again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from consilience.core.budget import Budget
from consilience.core.errors import CellError, StoreError
from consilience.core.hashing import hash_bytes
from consilience.core.progress import Progress
from consilience.data.kinds import Cells
from consilience.encoders import FrozenEncoder
from consilience.encoders._file_hash import hashes_kept
from consilience.features._batches import Item, ahead, batches, in_time
from consilience.features._keeper import Keeper
from consilience.features.runtime import Compiled, Runtime, compile_encoder, kept_under
from consilience.features.store import FeatureStore, rounded

__all__ = ["Extracted", "extract"]

A = TypeVar("A")
Batch = list[tuple[bytes, Item]]

AHEAD = 4  # batches that are prepared while one is encoded
HASHED_AT_ONCE = 64
LOOKED_AT = 16


@dataclass
class Extracted:
    """A column's features.

    Args:
        values: ``[N, D]`` float32 where no cell has more than one token, else ``[N, T, D]``; zeros where the mask is False.
        mask: ``[N]``, or ``[N, T]``, bool: False for absent and for failed cells.
        failures: Row to what is wrong with its cell; the error names column, row and file.
        encoded: How many distinct cells were encoded now.
        reused: How many distinct cells came from the store.
        seconds: How long it took.
        forwards: How many batches the encoder ran over.
        late: Rows whose cell was not reached within the budget: neither absent nor failed, and without features.
    """

    values: np.ndarray
    mask: np.ndarray
    failures: dict[int, CellError]
    encoded: int
    reused: int
    seconds: float
    forwards: int = 0
    late: set[int] = field(default_factory=set)


def extract(
    cells: Cells,
    encoder: FrozenEncoder,
    store: FeatureStore | None,
    *,
    progress: Progress,
    label: str,
    runtime: Runtime = "auto",
    budget: Budget | None = None,
) -> Extracted:
    """The features of a column's cells, from the store where it has them.

    Equal cells are encoded once. Values are rounded as the store rounds them, kept or not, so that a second run gives the same to the bit; so
    does a run that goes on where another was killed. Batches are made of cells of like length in the order of their keys, which is random:
    the order of rows has no influence. Which other cells are new has hardly any: in another batch a text may differ in the last bits of
    float32, which the rounding to float16 nearly always hides.

    A cell that cannot be read, or for which the encoder gives numbers that are not finite, never raises: it is in ``failures``.
    Interrupting keeps what was encoded.

    Args:
        cells: The column.
        encoder: What makes features of them.
        store: Where they are kept; None keeps nothing, and a single cell is neither looked up nor kept.
        progress: Counts distinct cells, and says what is wrong with the store.
        label: What the person reads beside the bar.
        runtime: What runs the encoder, see ``compile_encoder``.
        budget: When it ends, the batches in work are finished and no other is begun; at least one is made. None is no limit.
    """
    began = time.monotonic()
    compiled = compile_encoder(encoder, runtime=runtime, progress=progress, graphs=store.graphs if store is not None else None)
    # A single row is asked for while somebody waits: to hash its cell, hand it to a thread or keep it would take longer than to encode it again.
    alone = len(cells) == 1
    kept = None if alone else store
    with hashes_kept(kept.hashes if kept is not None else None):
        fingerprint = kept_under(encoder, compiled.precision) if kept is not None else ""
    errors: dict[bytes, CellError] = {}
    done: dict[bytes, np.ndarray] = {}
    forwards = 0
    with in_line() if alone else pool_of_threads() as pool:
        keys, failures = ({0: b""}, {}) if alone and cells.present[0] else keys_of(cells, pool)
        first = {key: row for row, key in reversed(keys.items())}
        order = sorted(first)
        read = Reader(cells, encoder)
        keeper = Keeper(kept, progress, fingerprint)
        found = keeper.get(order)
        missing = [key for key, array in zip(order, found, strict=True) if array is None]
        many = len(missing) > encoder.batch_size
        if missing and not compiled.warmed:
            planned = compiled.precision
            warm(compiled, pool.map(read, (first[key] for key in missing[:LOOKED_AT])), beside=many)
            if compiled.precision != planned:  # OpenVINO could not be used: what it made with less precision is not mixed with what torch makes
                keeper.fingerprint = kept_under(encoder, compiled.precision)
                found = keeper.get(order)
                missing = [key for key, array in zip(order, found, strict=True) if array is None]
        done.update((key, array) for key, array in zip(order, found, strict=True) if array is not None)
        reused = len(done)
        if keeper.store is not None and order:
            with suppress(StoreError):  # when it was last used is not worth a word
                keeper.store.describe(keeper.fingerprint, name_of(encoder))
        with progress.step(label, total=len(order), unit="cells") as step:
            step.advance(reused)
            try:
                prepared = zip(missing, ahead(pool, read, [first[key] for key in missing], AHEAD * encoder.batch_size), strict=True)
                made = in_time(batches(good(prepared, errors, step), encoder), budget or Budget())
                for batch, arrays in run(compiled, made, many=many):
                    forwards += 1
                    for (key, _), array in zip(batch, arrays, strict=True):
                        if isinstance(array, CellError):
                            errors[key] = array
                        else:
                            done[key] = array
                            keeper.put(key, array)
                    keeper.flush()
                    step.advance(len(batch))
            finally:
                keeper.flush(now=True)
    failures.update({row: errors[key] for row, key in keys.items() if key in errors})
    late = {row for row, key in keys.items() if key not in done and key not in errors}
    values, mask = spread(len(cells), encoder, {row: done[key] for row, key in keys.items() if key in done})
    placed = {row: with_place(error, cells, row) for row, error in sorted(failures.items())}
    return Extracted(values, mask, placed, len(done) - reused, reused, time.monotonic() - began, forwards, late)


class Reader:
    """Row to prepared cell, or to what is wrong with it."""

    def __init__(self, cells: Cells, encoder: FrozenEncoder) -> None:
        self.cells, self.encoder = cells, encoder
        read_at, size = getattr(cells.kind, "read_at", None), encoder.image_size
        # A large picture is decoded at about the size that the encoder wants, where its kind can do that.
        self.decode: Callable[[Any], Any] = cells.kind.read if read_at is None or size is None else lambda value: read_at(value, size)

    def __call__(self, row: int) -> Item | CellError:
        return attempt(lambda row: self.encoder.prepare(self.decode(self.cells.values[row])), row)


def attempt(job: Callable[[int], A], row: int) -> A | CellError:
    try:
        return job(row)
    except CellError as error:
        return error
    except OSError as error:  # the file went away, or may not be read
        return CellError(f"The file cannot be read: {error.strerror or error}.", file=error.filename)


def keys_of(cells: Cells, pool: Executor) -> tuple[dict[int, bytes], dict[int, CellError]]:
    """Row to the hash of its cell's content, and rows whose cell cannot even be read for that."""
    rows = [int(row) for row in np.flatnonzero(cells.present)]
    parts = [rows[at : at + HASHED_AT_ONCE] for at in range(0, len(rows), HASHED_AT_ONCE)]

    def hashed(part: list[int]) -> list[bytes | CellError]:
        return [attempt(lambda row: hash_bytes(cells.key(row)), row) for row in part]

    results = pool.map(hashed, parts) if cells.kind.media else map(hashed, parts)
    keys: dict[int, bytes] = {}
    failures: dict[int, CellError] = {}
    for part, found in zip(parts, results, strict=True):
        for row, key in zip(part, found, strict=True):
            if isinstance(key, CellError):
                failures[row] = key
            else:
                keys[row] = key
    return keys, failures


def good(prepared: Iterable[tuple[bytes, Item | CellError]], errors: dict[bytes, CellError], step: Any) -> Iterator[tuple[bytes, Item]]:
    """The cells that could be prepared; the others go to ``errors``."""
    for key, item in prepared:
        if isinstance(item, CellError):
            errors[key] = item
            step.advance(1)
        else:
            yield key, item


def warm(compiled: Compiled, prepared: Iterable[Item | CellError], *, beside: bool) -> None:
    """Makes the graph ready with cells of unlike length: the two shortest and the two longest of those given."""
    items = sorted((item for item in prepared if not isinstance(item, CellError)), key=compiled.encoder.length)
    if items:
        compiled.warm(compiled.encoder.collate(items[:2] + items[2:][-2:]), beside=beside)


def run(compiled: Compiled, made: Iterable[Batch], *, many: bool) -> Iterator[tuple[Batch, list[np.ndarray | CellError]]]:
    """Each batch with what became of its cells, in order: several batches beside one another where there are many, and the graph can."""
    beside = many and compiled.streams > 1

    def job(batch: Batch) -> tuple[Batch, list[np.ndarray | CellError]]:
        return batch, encoded(compiled, [item for _, item in batch], beside=beside)

    if not beside:
        yield from map(job, made)
        return
    with pool_of_threads(compiled.streams, "encode") as pool:
        yield from ahead(pool, job, made, compiled.streams + 1)


def encoded(compiled: Compiled, items: list[Item], *, beside: bool) -> list[np.ndarray | CellError]:
    """Each cell's tokens ``[T, D]``, rounded as the store keeps them."""
    values, mask = compiled.encode(compiled.encoder.collate(items), beside=beside)
    arrays: list[np.ndarray | CellError] = []
    for tokens, there in zip(values, mask, strict=True):
        array = rounded(tokens[there])
        if np.isfinite(array).all():
            arrays.append(array)
        else:
            arrays.append(CellError(f"The encoder {name_of(compiled.encoder)} gives numbers that are not finite for it."))
    return arrays


def spread(num_rows: int, encoder: FrozenEncoder, arrays: dict[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Values and mask of all rows from the tokens ``[T, D]`` of those that have some."""
    length = max((len(array) for array in arrays.values()), default=1)
    # The encoder is asked only where nothing else tells the width: some have to build their network to know.
    width = next((array.shape[1] for array in arrays.values()), None) or encoder.width
    values, mask = np.zeros((num_rows, max(length, 1), width), dtype=np.float32), np.zeros((num_rows, max(length, 1)), dtype=bool)
    for row, array in arrays.items():
        values[row, : len(array)] = array
        mask[row, : len(array)] = True
    return (values[:, 0], mask[:, 0]) if length <= 1 else (values, mask)


def with_place(error: CellError, cells: Cells, row: int) -> CellError:
    """The same error with the column, the row and the row's own file."""
    value = cells.values[row]
    file = str(value) if isinstance(value, Path) else error.file
    return CellError(error.what, hint=error.hint, table=error.table, column=error.column or cells.name, row=row, file=file, found=error.found)


def name_of(encoder: FrozenEncoder) -> str:
    """A readable name, such as ``image/efficientnet_lite0``."""
    module = type(encoder).__module__
    root = "consilience.encoders."
    name = module[len(root) :].replace(".", "/") if module.startswith(root) else type(encoder).__qualname__
    return f"{name}:{encoder.argument}" if encoder.argument else name


class InLine(Executor):
    """Does each job at once, in the thread that asks for it."""

    def submit(self, fn: Callable[..., A], /, *args: Any, **kwargs: Any) -> Future[A]:
        future: Future[A] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextmanager
def in_line() -> Iterator[Executor]:
    """Instead of threads, where there is hardly anything to do."""
    yield InLine()


@contextmanager
def pool_of_threads(count: int = 0, name: str = "prepare") -> Iterator[ThreadPoolExecutor]:
    """Threads that read and prepare; what has not begun is dropped when the block ends, also by an interruption."""
    pool = ThreadPoolExecutor(max_workers=count or max(2, min(16, cpu_count() or 1)), thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
