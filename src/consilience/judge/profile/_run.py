"""The measurements put together."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from consilience.core.errors import UsageError
from consilience.core.progress import Progress, Silent
from consilience.data.table import Table
from consilience.judge.profile._cold import Start, start_cold
from consilience.judge.profile._sizes import EncoderSize, MemberSize, encoder_sizes, folder_bytes, member_sizes
from consilience.judge.profile._stages import Stage, time_stages
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.folder import save_pipeline

__all__ = ["BATCHES", "Latency", "Profile", "Throughput", "profile_model"]

BATCHES = (1, 8, 64)
ROWS, SECONDS, STARTS = 200, 10.0, 3


@dataclass(frozen=True)
class Latency:
    """Seconds of ``count`` predictions, by percentile."""

    p50: float
    p95: float
    p99: float
    mean: float
    count: int

    def as_dict(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Throughput:
    """Rows a second where so many are asked for at once; ``batch`` is less than ``wanted`` where the table has fewer rows."""

    wanted: int
    batch: int
    rows_per_second: float
    seconds: Latency

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "seconds": self.seconds.as_dict()}


@dataclass(frozen=True)
class Profile:
    """What a model costs.

    Args:
        encoders, members: How large its parts are.
        disk_bytes: Of the model folder; weights of frozen encoders are not in it.
        cold: Seconds from the start of a process to its first answer, where an earlier process has kept its graphs; of the very first process where
            there is no other, None where there is none.
        starts: Each such process; the first finds an empty cache.
        warm: Seconds of one row in a process that has answered before.
        throughput: By batch size.
        stages: Where the seconds of one row go.
        peak_memory_mb: Of a process that loads the model and answers a batch; None where it cannot be known.
        batch: Rows of that batch.
        rows: Rows of the table that were used.
    """

    encoders: tuple[EncoderSize, ...]
    members: tuple[MemberSize, ...]
    disk_bytes: int
    cold: Latency | None
    starts: tuple[Start, ...]
    warm: Latency
    throughput: tuple[Throughput, ...]
    stages: tuple[Stage, ...]
    peak_memory_mb: float | None
    batch: int
    rows: int

    @property
    def parameters(self) -> int:
        """Of all encoders and members."""
        return sum(one.parameters for one in self.encoders) + sum(one.parameters for one in self.members)

    def conclusion(self) -> str:
        """One sentence."""
        most, best = max(self.stages, key=lambda stage: stage.share), max(self.throughput, key=lambda one: one.rows_per_second)
        rate = f"{best.rows_per_second:,.0f}" if best.rows_per_second >= 10 else f"{best.rows_per_second:.1f}"
        return (
            f"A row takes {_said(self.warm.p50)} (95 in 100 less than {_said(self.warm.p95)}), {100 * most.share:.0f} % of it in the "
            f"stage {most.name!r}; in batches of {best.batch} it is {rate} rows a second."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a page or a program."""
        return {
            "conclusion": self.conclusion(),
            "parameters": self.parameters,
            "encoders": [one.as_dict() for one in self.encoders],
            "members": [one.as_dict() for one in self.members],
            "disk_bytes": self.disk_bytes,
            "peak_memory_mb": self.peak_memory_mb,
            "batch": self.batch,
            "cold": None if self.cold is None else self.cold.as_dict(),
            "starts": [one.as_dict() for one in self.starts],
            "warm": self.warm.as_dict(),
            "throughput": [one.as_dict() for one in self.throughput],
            "stages": [one.as_dict() for one in self.stages],
            "rows": self.rows,
        }


def profile_model(
    pipeline: Pipeline,
    table: Table,
    *,
    folder: str | Path | None = None,
    seconds: float = SECONDS,
    starts: int = STARTS,
    progress: Progress | None = None,
) -> Profile:
    """Measures a model on rows of a table. Nothing comes from the feature store and nothing goes there, as with rows that nobody has seen.

    Args:
        pipeline: The model.
        table: Rows, with or without the target; up to 200 of them, spread evenly, are used.
        folder: Where it is saved; None saves it into a temporary folder.
        seconds: Roughly, for each of the five measurements in this process.
        starts: Processes that are started to see what the first answer costs; 0 for none.
        progress: Counts measurements.

    Raises:
        UsageError: The table has no rows, or a number is out of range.
    """
    if not len(table):
        raise UsageError("There are no rows to measure on.", hint="Give a table with at least one row; 100 are better.")
    if seconds <= 0 or starts < 0:
        raise UsageError(f"{seconds:g} seconds and {starts} processes cannot be.", hint="Give seconds above 0 and processes from 0 on.")
    some = table.take(np.unique(np.linspace(0, len(table) - 1, min(len(table), ROWS)).astype(np.int64)))
    batch = min(BATCHES[-1], len(some))
    sizes = [size for place, size in enumerate(BATCHES) if not place or BATCHES[place - 1] < len(some)]
    shown = progress or Silent()
    with shown.step("Profile", len(sizes) + 2 + bool(starts), "measurements") as step, tempfile.TemporaryDirectory() as place:
        where = Path(folder) if folder is not None else save_pipeline(pipeline, Path(place) / "model")
        disk = folder_bytes(where)
        began: list[Start] = []
        if starts:
            began = start_cold(where, some.take(np.arange(batch)), starts, shown)
            step.advance()
        pipeline.predict(some.take(np.array([0])))  # weights are read and graphs made here; a single row is never kept
        alone = replace(pipeline, store=None)
        alone.predict(some.take(np.arange(batch)))  # what the first row lacks is read here
        throughput = []
        for size in sizes:
            throughput.append(_throughput(alone, some, size, seconds))
            step.advance()
        stages = time_stages(alone, some, seconds)
        step.advance()
        encoders = encoder_sizes(pipeline)
        step.advance()
    return Profile(
        encoders=tuple(encoders),
        members=tuple(member_sizes(pipeline)),
        disk_bytes=disk,
        cold=_latency([one.seconds for one in began[1:] or began]) if began else None,
        starts=tuple(began),
        warm=throughput[0].seconds,
        throughput=tuple(throughput),
        stages=tuple(stages),
        peak_memory_mb=max((one.peak_mb for one in began if one.peak_mb is not None), default=None),
        batch=batch,
        rows=len(some),
    )


def _throughput(pipeline: Pipeline, table: Table, wanted: int, seconds: float) -> Throughput:
    """One batch after the other, over the table and again from its start, until the time is over; one to get warm, and at least three that count."""
    size = min(wanted, len(table))
    taken: list[float] = []
    began, number = time.perf_counter(), 0
    while number < 4 or (time.perf_counter() - began < seconds and number * size < 2 * max(len(table), 10 * size)):
        rows = (number * size + np.arange(size)) % len(table)
        start = time.perf_counter()
        pipeline.predict(table.take(rows))
        if number:
            taken.append(time.perf_counter() - start)
        number += 1
    return Throughput(wanted, size, size * len(taken) / sum(taken), _latency(taken))


def _said(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds >= 1 else f"{1000 * seconds:,.1f} ms"


def _latency(seconds: Sequence[float]) -> Latency:
    p50, p95, p99 = np.quantile(seconds, [0.5, 0.95, 0.99])
    return Latency(float(p50), float(p95), float(p99), float(np.mean(seconds)), len(seconds))
