"""``profile`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run


def test_what_is_shown(run: Run, data: Path, model: Path) -> None:
    done = run("profile", model, data / "test.csv", "--seconds", 0.1, "--starts", 0)
    assert done.exit_code == 0, done.stderr
    for word in ("parameters", "p99", "rows/s", "decode", "MB on disk", "A row takes"):
        assert word in done.stdout


def test_json_is_one_object(run: Run, data: Path, model: Path) -> None:
    found = json.loads(run("profile", model, data / "test.csv", "--seconds", 0.1, "--starts", 0, "--json").stdout)
    assert found["disk_bytes"] == sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    assert sum(stage["share"] for stage in found["stages"]) == pytest.approx(1)
    assert found["cold"] is None
    assert [one["wanted"] for one in found["throughput"]] == [1, 8, 64]


def test_mistakes_are_told(run: Run, data: Path, model: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("label,size,colour,words\n", encoding="utf-8")
    done = run("profile", model, empty, "--starts", 0)
    assert done.exit_code == 2
    assert "rows" in done.stderr
    assert run("profile", model, data / "test.csv", "--seconds", 0).exit_code == 2
