"""What the first prediction costs in a process that has just begun, and how much memory a process needs that does nothing else.

A process of its own is the only honest measure: here everything is imported, loaded and warm already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.progress import Progress
from consilience.data.table import Table

__all__ = ["Start", "peak_memory_mb", "start_cold"]

LONGEST = 170
"""Seconds after which a process is given up."""


@dataclass(frozen=True)
class Start:
    """One process, from its beginning.

    Args:
        import_seconds: Until Python and the package are there.
        load_seconds: Until the model is loaded and verified.
        first_seconds: For the first row: weights of encoders are read, graphs made or taken from the cache.
        loaded_mb: Peak memory until then.
        peak_mb: Peak memory after a batch of rows; None where the system does not say.
        graphs_kept: False in the first process, which finds an empty cache.
    """

    import_seconds: float
    load_seconds: float
    first_seconds: float
    loaded_mb: float | None
    peak_mb: float | None
    graphs_kept: bool

    @property
    def seconds(self) -> float:
        """From the start of the process to the first answer."""
        return self.import_seconds + self.load_seconds + self.first_seconds

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "seconds": self.seconds}


def start_cold(folder: Path, table: Table, runs: int, progress: Progress) -> list[Start]:
    """So many processes, one after the other, that load the model and answer; the first finds nothing kept by others.

    Args:
        folder: The model.
        table: Rows; the first is answered first, then all at once.
        progress: Where it is said if a process gives no answer.

    Returns:
        What each of them took; empty where the rows cannot be handed to another process, or it does not answer.
    """
    if any(dtype == pl.Object for dtype in table.frame.dtypes):
        return []
    made: list[Start] = []
    with tempfile.TemporaryDirectory(prefix="consilience-profile-") as place:
        rows = Path(place) / "rows.arrow"
        table.frame.write_ipc(rows)
        bases = {name: str(Path(base).absolute()) for name, base in table.bases.items()}
        for run in range(runs):
            job = {"model": str(folder.absolute()), "rows": str(rows), "bases": bases, "cache": str(Path(place) / "cache"), "began": time.time()}
            found = _asked(job)
            if isinstance(found, str):
                progress.say(f"A new process gave no answer: {found.rstrip('.')}. What the first answer costs is left out.")
                break
            made.append(Start(**found, graphs_kept=run > 0))
    return made


def peak_memory_mb() -> float | None:
    """Most memory that this process ever held, in MB; None where the system does not say.

    Linux says it of this program alone in /proc; ``getrusage`` would count what the process held before it became this program.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def _asked(job: dict[str, Any]) -> dict[str, Any] | str:
    """What the process found, or why it gave no answer."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    command = [sys.executable, "-c", "from consilience.judge.profile._cold import answer; answer()"]
    environment = {**os.environ, "PYTHONPATH": path}
    try:
        # Our own interpreter with our own words; what is the person's goes in as data.
        done = subprocess.run(  # noqa: S603
            command, input=json.dumps(job), capture_output=True, text=True, encoding="utf-8", timeout=LONGEST, env=environment, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return f"it took more than {LONGEST} s"
    except OSError as error:
        return str(error.strerror or error)
    except (ValueError, IndexError):
        return (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1][:300]
    return found


def answer() -> None:
    """What the other process does: one line of JSON on standard output."""
    job = json.loads(sys.stdin.read())
    from consilience.features.store import FeatureStore
    from consilience.pipeline.folder import load_pipeline

    imported = time.time()
    pipeline = load_pipeline(job["model"], FeatureStore(Path(job["cache"])))
    table = Table(pl.read_ipc(job["rows"]), {name: Path(base) for name, base in job["bases"].items()})
    loaded = time.time()
    pipeline.predict(table.take(np.array([0])))
    first, before = time.time(), peak_memory_mb()
    pipeline.store = None
    pipeline.predict(table)
    found = {
        "import_seconds": max(0.0, imported - job["began"]),
        "load_seconds": loaded - imported,
        "first_seconds": first - loaded,
        "loaded_mb": before,
        "peak_mb": peak_memory_mb(),
    }
    print(json.dumps(found), flush=True)
