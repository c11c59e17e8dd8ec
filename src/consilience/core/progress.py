"""One display of progress for reading, encoding and learning: bars in a terminal, plain lines elsewhere, or silence."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["Lines", "Progress", "Rich", "Silent", "Step", "default_progress"]


class Step(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int = 1) -> None: ...

    def note(self, text: str) -> None:
        """A few words on how it goes, which stand beside the bar until others do."""


class Progress(Protocol):
    """Where work says how far it is."""

    def step(self, label: str, total: int, unit: str = "rows") -> Any:
        """A context manager that gives a Step."""

    def say(self, text: str) -> None:
        """One whole sentence for the person."""


class Counter:
    """A step that counts and shows nothing."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def note(self, text: str) -> None:
        """Shows nothing."""


class Silent:
    """Says nothing."""

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        yield Counter()

    def say(self, text: str) -> None:
        """Says nothing."""


class Lines:
    """One plain line on standard error when a step ends."""

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        counter, began = Counter(), time.monotonic()
        yield counter  # what fails ends without a line: the error says it
        seconds = time.monotonic() - began
        speed = f", {said_speed(counter.done / seconds, unit)}" if seconds > 0.05 and counter.done else ""
        if not total:
            return
        self.say(f"{label}: {counter.done:,} of {total:,} {unit} in {seconds:.1f} s{speed}")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Rich:
    """Bars with speed and time left, on standard error; the bar of a step within a step stands below it while that lasts."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.bars: Any = None

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        if self.bars is not None:
            task = self.bars.add_task(label, total=total, unit=unit, note="")
            yield Bar(self.bars, task)
            self.bars.remove_task(task)
            return
        self.bars = made_bars(self.console)
        try:
            with self.bars:
                yield Bar(self.bars, self.bars.add_task(label, total=total, unit=unit, note=""))
        finally:
            self.bars = None

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)


class Bar:
    """One step of ``Rich``."""

    def __init__(self, bars: Any, task: Any) -> None:
        self.bars, self.task = bars, task

    def advance(self, amount: int = 1) -> None:
        self.bars.advance(self.task, amount)

    def note(self, text: str) -> None:
        self.bars.update(self.task, note=text)


def said_speed(speed: float, unit: str) -> str:
    """A speed as a person says it; of what takes long, how long each takes.

    >>> said_speed(1234.5, "rows"), said_speed(2.34, "cells"), said_speed(0.02, "epochs")
    ('1,234 rows/s', '2.3 cells/s', '50 s each')
    """
    if speed < 1:
        return f"{1 / speed:,.0f} s each" if speed < 0.1 else f"{1 / speed:.1f} s each"
    return f"{speed:,.0f} {unit}/s" if speed >= 10 else f"{speed:.1f} {unit}/s"


def made_bars(console: Any) -> Any:
    """Rich's bars with our columns."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        """Rows a second of late."""

        def render(self, task: Task) -> Text:
            speed, unit = task.finished_speed or task.speed, task.fields["unit"]
            return Text("" if not speed else said_speed(speed, unit))

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        Speed(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=console)


def default_progress(quiet: bool = False) -> Progress:
    """Bars in a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        return Silent()
    return Rich() if sys.stderr.isatty() else Lines()
