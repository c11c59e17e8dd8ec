"""Results on disk: one pair of files for each table, split and method, so that a run can be interrupted and gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from _bench import Bench, Split

__all__ = ["Result", "Results"]


@dataclass(frozen=True)
class Result:
    """What a method said of one split's test rows.

    Args:
        outputs: Cell (a method may have several) to ``[N_test, K]`` probabilities in the order of the table's classes, or ``[N_test]`` numbers.
        facts: Seconds and whatever else the method tells, as JSON values.
    """

    outputs: dict[str, np.ndarray]
    facts: dict[str, Any]


class Results:
    """A folder of results.

    Args:
        folder: Where they are; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, bench: Bench, split: Split, method: str) -> Result | None:
        """The result, or None if there is none of these very rows."""
        facts = self._path(bench, split, method, "json")
        arrays = self._path(bench, split, method, "npz")
        if not facts.exists() or not arrays.exists():
            return None
        known = json.loads(facts.read_text(encoding="utf-8"))
        if known.pop("rows") != split.print:
            return None
        with np.load(arrays) as found:
            return Result({name: found[name] for name in found.files}, known)

    def put(self, bench: Bench, split: Split, method: str, outputs: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Keeps it; a result is there as a whole or not at all."""
        arrays, path = self._path(bench, split, method, "npz"), self._path(bench, split, method, "json")
        arrays.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(f"{arrays}.new", "wb") as file:
            np.savez_compressed(file, **{name: np.asarray(output, dtype=np.float64) for name, output in outputs.items()})  # type: ignore[arg-type]
        os.replace(f"{arrays}.new", arrays)
        Path(f"{path}.new").write_text(json.dumps({**facts, "rows": split.print}, indent=1), encoding="utf-8")
        os.replace(f"{path}.new", path)

    def of(self, bench: Bench, method: str) -> Iterator[tuple[Split, Result]]:
        """The splits that this method has done."""
        for split in bench.splits:
            found = self.get(bench, split, method)
            if found is not None:
                yield split, found

    def put_encoding(self, bench: Bench, seconds: float, encoded: int, reused: int) -> None:
        """Keeps how long the frozen features took, unless an earlier run encoded more: from a full store there is nothing to measure."""
        path = self.folder / bench.name / "encoding.json"
        if encoded >= self.encoding(bench).get("encoded", 0):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"seconds": round(seconds, 3), "encoded": encoded, "reused": reused}), encoding="utf-8")

    def encoding(self, bench: Bench) -> dict[str, Any]:
        """Seconds, cells encoded and cells reused; empty where nothing is known."""
        path = self.folder / bench.name / "encoding.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def _path(self, bench: Bench, split: Split, method: str, suffix: str) -> Path:
        return self.folder / bench.name / f"{split.name}.{method}.{suffix}"
