"""Fuzzers of the three doors through which foreign bytes come in: tables, pictures, model folders.

Each runs for ``CONSILIENCE_FUZZ_SECONDS`` (30) from the seed ``CONSILIENCE_FUZZ_SEED`` (0), in a process of its own. Only errors of the drawn tree
may come out; no other exception, no warning, no end of the process, no more than 20 seconds and 3 GB for an input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.pipeline.conftest import FAST

import consilience

PROGRAM = Path(__file__).with_name("fuzzing.py")
SECONDS = float(os.environ.get("CONSILIENCE_FUZZ_SECONDS", "30"))
SEED = int(os.environ.get("CONSILIENCE_FUZZ_SEED", "0"))
START = 300
"""Seconds that a busy machine may take to start the program."""


def run(target: str, tmp_path: Path, *words: str, seconds: float = SECONDS) -> dict[str, Any]:
    """What the fuzzer found; fails with the input that repeats it."""
    beat = tmp_path / "beat"
    command = [sys.executable, "-W", "error", str(PROGRAM), target, "--seed", str(SEED), *words]
    done = subprocess.run(
        [*command, "--seconds", str(seconds), "--beat", str(beat)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + START,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    failures = [line for line in told if "input" in line]
    if not told or "good" not in told[-1]:
        failures.append(
            {"input": beat.read_text() if beat.exists() else "?", "what": f"the process ended with {done.returncode}", "error": done.stderr[-2000:]}
        )
    said = "\n".join(f"{line['what']}: {line.get('error', '')}\n  repeat: {' '.join([*command, '--only', str(line['input'])])}" for line in failures)
    assert not failures, f"seed {SEED}:\n{said}"
    return dict(told[-1])


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 2 * START)
def test_tables(tmp_path: Path) -> None:
    found = run("csv", tmp_path)
    assert found["good"] > 0
    assert found["refused"] > 0


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 2 * START)
def test_pictures(tmp_path: Path) -> None:
    found = run("image", tmp_path)
    assert found["good"] > 0
    assert found["refused"] > 0


@pytest.fixture(scope="module")
def models(made: Path, fitted: consilience.Model, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of a linear model, of trees, and of a network with a text encoder of its own; each with a row to predict."""
    folder = tmp_path_factory.mktemp("models")
    frame = pl.read_csv(made / "train.csv", infer_schema=False).with_columns(pl.format(f"{made}/{{}}", "picture").alias("picture"))
    row = next(row for row in frame.rows(named=True) if all(row.values()))
    words: dict[str, Any] = {"cache": folder / "store", "folds": 2, "presets": "fast", "progress": False}
    trees = consilience.fit(frame, target="size", learners=("trees",), encoders=FAST["encoders"], **words)
    network = consilience.fit(
        frame.select("words", "size", "shop", "label"),
        target="label",
        learners=("network",),
        fusion="concat",
        encoders={"text": "gru"},
        **words | {"presets": "balanced"},
    )
    saved = [model.save(folder / name) for name, model in (("linear", fitted), ("trees", trees), ("network", network))]
    for path in saved:
        (path / "row.json").write_text(json.dumps(row))
    return saved


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 3 * START)
def test_model_folders(models: list[Path], tmp_path: Path) -> None:
    found = run("folder", tmp_path, *(word for path in models for word in ("--model", str(path))))
    assert found["good"] > 0
    assert found["refused"] > 0


@pytest.mark.slow
@pytest.mark.timeout(2 * START)
def test_what_a_fuzzer_finds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way in which an input can go wrong fails the test, with the input's number."""
    for number, harm in enumerate(("raise KeyError('planted')", "import warnings; warnings.warn('planted')", "import os; os.abort()")):
        folder = tmp_path / str(number)
        folder.mkdir()
        program = PROGRAM.read_text().replace(
            "    def probe(draw: random.Random) -> None:\n", f"    def probe(draw: random.Random) -> None:\n        {harm}\n"
        )
        (folder / "fuzzing.py").write_text(program)
        (folder / "mutations.py").write_text(PROGRAM.with_name("mutations.py").read_text())
        monkeypatch.setattr(sys.modules[__name__], "PROGRAM", folder / "fuzzing.py")
        with pytest.raises(AssertionError, match=r"--only 0"):
            run("csv", folder, seconds=0.5)
