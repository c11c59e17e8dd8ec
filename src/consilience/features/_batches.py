"""Prepared cells, a few ahead of their use, in batches of like length."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

import numpy as np

from consilience.core.budget import Budget
from consilience.encoders import FrozenEncoder

__all__ = ["Item", "ahead", "batches", "in_time"]

A = TypeVar("A")
B = TypeVar("B")
Item = dict[str, np.ndarray]
Pairs = list[tuple[bytes, Item]]

WAITING_CELLS, WAITING_BYTES = 4096, 64 << 20  # prepared cells that may wait for others of their length
MOST_LENGTH = 512  # cells x length of a batch: more is not faster, and the last batch, which nothing runs beside, would be long


def ahead(pool: Executor, job: Callable[[A], B], things: Iterable[A], limit: int) -> Iterator[B]:
    """``job`` of each thing, in order, with no more than ``limit`` of them waiting to be taken."""
    waiting: deque[Future[B]] = deque()
    for thing in things:
        if len(waiting) >= limit:
            yield waiting.popleft().result()
        waiting.append(pool.submit(job, thing))
    while waiting:
        yield waiting.popleft().result()


def in_time(things: Iterable[A], budget: Budget) -> Iterator[A]:
    """The things up to the end of the budget, at least one: what has a limit still has something to show."""
    for thing in things:
        yield thing
        if budget.left() <= 0:
            return


def batches(prepared: Iterable[tuple[bytes, Item]], encoder: FrozenEncoder) -> Iterator[Pairs]:
    """Batches of cells of one length, as soon as there are enough; what is left, or too much to wait with, goes together by length.

    The same cells in the same order give the same batches, also where the first so many batches were made in an earlier run and their
    cells are no longer among those given.
    """
    waiting: dict[int, Pairs] = {}
    count = size = 0
    for key, item in prepared:
        length = encoder.length(item)
        same = waiting.setdefault(length, [])
        same.append((key, item))
        count, size = count + 1, size + bytes_of(item)
        if len(same) == most(length, encoder):
            yield waiting.pop(length)
            count, size = count - len(same), size - sum(bytes_of(item) for _, item in same)
        elif count > WAITING_CELLS or size > WAITING_BYTES:
            yield from rest(waiting, encoder)
            waiting, count, size = {}, 0, 0
    yield from rest(waiting, encoder)


def most(length: int, encoder: FrozenEncoder) -> int:
    """How many cells of a length a batch has."""
    return max(1, min(encoder.batch_size, MOST_LENGTH // max(length, 1)))


def rest(waiting: dict[int, Pairs], encoder: FrozenEncoder) -> Iterator[Pairs]:
    """The longest together, then the next. The batches come in the order of their keys, so that a budget that ends leaves out no length."""
    together = [pair for _, same in sorted(waiting.items(), reverse=True) for pair in same]
    parts: list[Pairs] = []
    while together:
        end = most(encoder.length(together[0][1]), encoder)
        parts.append(together[:end])
        together = together[end:]
    yield from sorted(parts, key=lambda part: min(key for key, _ in part))


def bytes_of(item: Item) -> int:
    return sum(array.nbytes for array in item.values())
