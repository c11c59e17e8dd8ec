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
        speed = f", {counter.done / seconds:,.0f} {unit}/s" if seconds > 0.05 and counter.done else ""
        if not total:
            return
        self.say(f"{label}: {counter.done:,} of {total:,} {unit} in {seconds:.1f} s{speed}")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Rich:
    """Bars with speed and time left, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Step]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.text import Text

        class Speed(ProgressColumn):
            """Rows a second of late."""

            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text("" if not speed else f"{speed:,.0f} {unit}/s" if speed >= 10 else f"{speed:.1f} {unit}/s")

        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            Speed(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console) as bars:
            task = bars.add_task(label, total=total)

            class Bar:
                def advance(self, amount: int = 1) -> None:
                    bars.advance(task, amount)

            yield Bar()

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)


def default_progress(quiet: bool = False) -> Progress:
    """Bars in a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        return Silent()
    return Rich() if sys.stderr.isatty() else Lines()
