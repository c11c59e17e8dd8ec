"""The benchmark's modules stand beside its script, not in a package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))


@pytest.fixture
def options(tmp_path: Path):
    from _bench import Options

    return Options(data=None, openmoji=tmp_path / "openmoji", out=tmp_path / "out", cache=tmp_path / "cache")
