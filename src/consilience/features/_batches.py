"""Prepared cells, a few ahead of their use, in batches of like length."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

import numpy as np

from consilience.encoders import FrozenEncoder

__all__ = ["Item", "ahead", "batches"]

A = TypeVar("A")
B = TypeVar("B")
Item = dict[str, np.ndarray]

WAITING_CELLS, WAITING_BYTES = 4096, 64 << 20  # prepared cells that may wait for others of their length


def ahead(pool: Executor, job: Callable[[A], B], things: Iterable[A], limit: int) -> Iterator[B]:
    """``job`` of each thing, in order, with no more than ``limit`` of them waiting to be taken."""
    waiting: deque[Future[B]] = deque()
    for thing in things:
        if len(waiting) >= limit:
            yield waiting.popleft().result()
        waiting.append(pool.submit(job, thing))
    while waiting:
        yield waiting.popleft().result()


def batches(prepared: Iterable[tuple[bytes, Item]], encoder: FrozenEncoder) -> Iterator[list[tuple[bytes, Item]]]:
    """Batches of cells of one length, as soon as there are enough; what is left, or too much to wait with, goes together by length."""
    waiting: dict[int, list[tuple[bytes, Item]]] = {}
    count = size = 0
    for key, item in prepared:
        same = waiting.setdefault(encoder.length(item), [])
        same.append((key, item))
        count, size = count + 1, size + bytes_of(item)
        if len(same) == encoder.batch_size:
            yield waiting.pop(encoder.length(item))
            count, size = count - len(same), size - sum(bytes_of(item) for _, item in same)
        elif count > WAITING_CELLS or size > WAITING_BYTES:
            yield from rest(waiting, encoder.batch_size)
            waiting, count, size = {}, 0, 0
    yield from rest(waiting, encoder.batch_size)


def rest(waiting: dict[int, list[tuple[bytes, Item]]], batch_size: int) -> Iterator[list[tuple[bytes, Item]]]:
    together = [pair for _, same in sorted(waiting.items()) for pair in same]
    for at in range(0, len(together), batch_size):
        yield together[at : at + batch_size]


def bytes_of(item: Item) -> int:
    return sum(array.nbytes for array in item.values())
