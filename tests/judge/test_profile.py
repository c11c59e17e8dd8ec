"""What a model costs: the clock counts each second once, nothing comes from the store, and sizes are those of the parts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from consilience.core.errors import UsageError
from consilience.core.plain import plain
from consilience.core.progress import Silent
from consilience.core.state import State
from consilience.data.table import Table
from consilience.features.store import FeatureStore
from consilience.judge.profile import _cold, _run, profile_model
from consilience.judge.profile import _stages as stages
from consilience.judge.profile._cold import peak_memory_mb, start_cold
from consilience.judge.profile._sizes import _numbers, encoder_sizes, folder_bytes, member_sizes
from consilience.judge.profile._stages import STAGES, Clock, time_stages
from consilience.pipeline.fitted import Pipeline, Scored
from consilience.pipeline.folder import save_pipeline


class Said(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)


class NoStore(FeatureStore):
    """A store that must not be asked for features."""

    def get_many(self, *_: Any) -> Any:
        raise RuntimeError("a row was looked up")

    def put_many(self, *_: Any) -> Any:
        raise RuntimeError("a row was kept")


@pytest.fixture
def table(scored: Scored) -> Table:
    """The rows of ``scored`` as a table: only what the cells say."""
    import polars as pl

    columns = {}
    for name, cells in scored.dataset.cells.items():
        columns[name] = [str(value) if there else None for value, there in zip(cells.values, cells.present, strict=True)]
    return Table(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))


def test_a_stage_within_another_counts_for_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(stages.time, "perf_counter", lambda: now[0])
    clock = Clock()

    def later(seconds: float) -> None:
        now[0] += seconds

    with clock.stage("encode"):
        later(1)
        with clock.stage("decode"):
            later(10)
            with clock.stage("decode"):
                later(100)
        later(1000)
        with clock.stage("read"):
            later(10_000)
    later(5)
    assert clock.seconds == {"read": 10_000, "decode": 110, "encode": 1001, "fuse": 0, "head": 0}


def test_stages_of_real_rows(pipeline: Pipeline, table: Table) -> None:
    found = time_stages(replace(pipeline, store=None), table, 0.5)
    assert [stage.name for stage in found] == list(STAGES)
    assert sum(stage.share for stage in found) == pytest.approx(1)
    by_name = {stage.name: stage.seconds for stage in found}
    assert by_name["decode"] > 0  # pictures
    assert by_name["fuse"] == 0  # a linear model has no fusion of its own
    assert min(by_name[name] for name in ("read", "encode", "head")) > 0


def test_a_network_fuses_under_the_clock() -> None:
    import torch

    from consilience.fusion import FUSIONS
    from consilience.layers.mlp import MLP
    from consilience.model import CachedFeatures, Network, Slot

    cls: Any = FUSIONS.get("concat")
    slots = [Slot(name, name, torch.nn.Sequential(CachedFeatures()), 4) for name in ("image", "text")]
    network = Network(slots, cls(["image", "text"], 8, cls.Settings()), MLP(8, 3, hidden=8, dropout=0.0))
    model = SimpleNamespace(members={"net": (SimpleNamespace(networks=[network]), ("image", "text"))}, weights={"net": 1.0})
    pipeline: Any = SimpleNamespace(model=model)
    clock = Clock()
    with stages.ExitStack() as stack:
        stages._watch_networks(pipeline, clock, stack)
        batch = {name: {"values": torch.zeros(2, 1, 4), "mask": torch.ones(2, 1, dtype=torch.bool)} for name in ("image", "text")}
        with clock.stage("head"):
            network(batch)
    assert clock.seconds["fuse"] > 0
    assert clock.seconds["encode"] > 0
    before = dict(clock.seconds)
    network(batch)  # nobody watches any more
    assert clock.seconds == before
    assert member_sizes(pipeline)[0].parameters == sum(one.numel() for one in network.parameters())


def test_numbers_of_what_was_learned() -> None:
    trees = "tree\nleaf_value=0.1 0.2 0.3\nthreshold=1 2\nsplit_gain=9 9\n"
    assert _numbers(State({}, {"a": np.zeros((2, 3))}, {"model": trees})) == 6 + 5


def test_the_profile_of_a_model(pipeline: Pipeline, table: Table, tmp_path: Path) -> None:
    folder = save_pipeline(pipeline, tmp_path / "model")
    found = profile_model(replace(pipeline, store=NoStore(tmp_path / "store")), table, folder=folder, seconds=0.2, starts=0)
    assert found.disk_bytes == folder_bytes(folder) == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert [one.wanted for one in found.throughput] == [1, 8, 64]
    assert [one.batch for one in found.throughput] == [1, 8, 60]
    for one in found.throughput:
        assert one.seconds.p50 <= one.seconds.p95 <= one.seconds.p99
        assert one.rows_per_second == pytest.approx(one.batch / one.seconds.mean)
    assert found.cold is None
    assert found.peak_memory_mb is None
    assert {one.slot for one in found.encoders} == {slot.name for slot in pipeline.needed_features().slots}
    assert found.parameters == sum(one.parameters for one in encoder_sizes(pipeline)) + sum(one.parameters for one in member_sizes(pipeline))
    assert found.parameters > 0
    assert plain(found.as_dict()) == json.loads(json.dumps(found.as_dict(), allow_nan=False))


def test_batches_are_rows_that_differ(pipeline: Pipeline, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal rows would be encoded once, and the speed would be a fable."""
    asked: list[list[str | None]] = []

    def predict(self: Pipeline, rows: Table, **_: Any) -> None:
        asked.append([str(row) for row in rows.frame.iter_rows()])

    monkeypatch.setattr(Pipeline, "predict", predict)
    _run._throughput(pipeline, table, 64, 0.01)
    assert len(asked) >= 4
    assert all(len(set(rows)) == len(rows) == 60 for rows in asked)


def test_what_cannot_be_measured_is_refused(pipeline: Pipeline, table: Table) -> None:
    with pytest.raises(UsageError, match="no rows"):
        profile_model(pipeline, table.take(np.zeros(0, dtype=np.int64)))
    with pytest.raises(UsageError, match="0 seconds"):
        profile_model(pipeline, table, seconds=0)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (CompletedProcess([], 1, "", "Traceback ...\nValueError: no such model."), "ValueError: no such model. What the first"),
        (CompletedProcess([], 3, "", ""), "it ended with code 3."),
        (TimeoutExpired([], 1), "more than"),
    ],
)
def test_a_process_that_gives_no_answer_is_told_of(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, told: str) -> None:
    def run(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(_cold.subprocess, "run", run)
    said = Said()
    assert start_cold(tmp_path / "nothing", table, 2, said) == []
    assert len(said.told) == 1
    assert told in said.told[0]


def test_memory_is_known_here() -> None:
    held = peak_memory_mb()
    assert held is None or held > 10


@pytest.mark.slow
def test_a_new_process_answers(pipeline: Pipeline, table: Table, tmp_path: Path) -> None:
    folder = save_pipeline(pipeline, tmp_path / "model")
    found = profile_model(pipeline, table, folder=folder, seconds=0.1, starts=2)
    assert [one.graphs_kept for one in found.starts] == [False, True]
    assert found.cold is not None
    assert found.cold.count == 1
    assert found.cold.p50 == pytest.approx(found.starts[1].seconds)
    assert found.peak_memory_mb is None or found.peak_memory_mb > 50
