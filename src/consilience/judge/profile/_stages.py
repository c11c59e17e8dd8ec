"""Where the seconds of one prediction go: every row is followed from its cells to its scores by itself, without the store."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from consilience.data.kinds import Cells, Kind
from consilience.data.schema import Dataset, build_dataset
from consilience.data.table import Table
from consilience.data.table.again import again
from consilience.pipeline.fitted import Pipeline

__all__ = ["STAGES", "Stage", "time_stages"]

STAGES = ("read", "decode", "encode", "fuse", "head")


@dataclass(frozen=True)
class Stage:
    """A part of a prediction.

    Args:
        name: read (the row's cells are parsed, files opened for their hash), decode (files to pixels, waves, points), encode (to vectors), fuse
            (projections and fusion of a network) or head (what makes scores; of learners without a fusion, the whole learner).
        seconds: Mean over the rows.
        share: Of all stages; they sum to 1.
    """

    name: str
    seconds: float
    share: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Clock:
    """Seconds by stage; within a stage another one's time counts for that alone, and a stage within itself counts once."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._open: list[tuple[str, float]] = []
        self._thread = threading.get_ident()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The time until the end of the block. Other threads than the clock's own are not counted: they run beside it."""
        if threading.get_ident() != self._thread:
            yield
            return
        self.start(name)
        try:
            yield
        finally:
            self.stop()

    def start(self, name: str) -> None:
        """From here on time counts for this stage."""
        now = time.perf_counter()
        if self._open:
            outer, since = self._open[-1]
            self.seconds[outer] += now - since
        self._open.append((name, now))

    def stop(self) -> None:
        """From here on time counts for the stage around this one."""
        now = time.perf_counter()
        name, since = self._open.pop()
        self.seconds[name] += now - since
        if self._open:
            self._open[-1] = self._open[-1][0], now


def time_stages(pipeline: Pipeline, table: Table, seconds: float) -> list[Stage]:
    """Mean seconds of each stage over the table's rows, one at a time, until the time is over; at least three rows where there are as many."""
    clock, features, rows = Clock(), pipeline.needed_features(), 0
    began = time.perf_counter()
    with ExitStack() as stack:
        _watch_networks(pipeline, clock, stack)
        for row in range(len(table)):
            if rows >= 3 and time.perf_counter() - began > seconds:
                break
            with clock.stage("read"):
                one = again(table.take(np.array([row])), pipeline.recipe.also)
                dataset = _watched(build_dataset(one, pipeline.schema, with_target=False), clock)
            with clock.stage("encode"):
                extraction = features.extract(dataset, None)
                if extraction.failures:
                    continue
                examples = features.examples(dataset, extraction)
            with clock.stage("head"):
                pipeline.scored(dataset, examples)
            rows += 1
    total = sum(clock.seconds.values())
    return [Stage(name, clock.seconds[name] / max(1, rows), clock.seconds[name] / total if total else 0.0) for name in STAGES]


def _watched(dataset: Dataset, clock: Clock) -> Dataset:
    """The same rows, whose cells are read under the clock."""
    return replace(
        dataset, cells={name: Cells(name, _timed(cells.kind, clock), cells.values, cells.present) for name, cells in dataset.cells.items()}
    )


def _timed(kind: Kind, clock: Clock) -> Kind:
    """The same kind; it stays one of its class, for whoever asks."""
    base: Any = type(kind)

    class Timed(base):  # type: ignore[misc]
        def read(self, value: Any) -> Any:
            with clock.stage("decode"):
                return base.read(self, value)

        def key(self, value: Any) -> bytes:
            with clock.stage("read"):
                found: bytes = base.key(self, value)
                return found

    if hasattr(base, "read_at"):

        def read_at(self: Any, value: Any, size: int) -> Any:
            with clock.stage("decode"):
                return base.read_at(self, value, size)

        Timed.read_at = read_at
    made: Any = copy.copy(kind)
    made.__class__ = Timed
    timed: Kind = made
    return timed


def _watch_networks(pipeline: Pipeline, clock: Clock, stack: ExitStack) -> None:
    """Encoders, projections, fusion and head of the members' networks count for their stages while the stack is open."""
    for fitted, _ in pipeline.model.members.values():
        for network in getattr(fitted, "networks", ()):
            parts = [*((part, "encode") for part in network.encoders), *((part, "fuse") for part in (*network.projections, network.fusion))]
            for module, stage in [*parts, (network.head, "head")]:
                _watch(module, stage, clock, stack)


def _watch(module: Any, stage: str, clock: Clock, stack: ExitStack) -> None:
    stack.callback(module.register_forward_pre_hook(lambda *_: clock.start(stage)).remove)
    stack.callback(module.register_forward_hook(lambda *_: clock.stop()).remove)
