"""Slices: what is cut, what chance makes of it, and that a planted weakness is found."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from consilience.core.errors import ColumnError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.data.schema import ColumnSchema, Dataset, Schema
from consilience.data.table import Table
from consilience.judge.slices import find_slices
from consilience.judge.slices._cuts import Cut, asked_cuts, cuts_of, distinct_cuts
from consilience.judge.slices._find import Slice, Slices, _pairs
from consilience.judge.slices._sums import Sums, sums_of
from consilience.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, Interval
from consilience.pipeline.fitted import Pipeline, Scored


def dataset_of(**columns: tuple[str, list[object]]) -> tuple[Dataset, Schema]:
    """Column name to kind and cells."""
    cells, described = {}, []
    for name, (kind, values) in columns.items():
        made = KINDS.get(kind)()
        parsed = made.parse(pl.Series(name, values))
        cells[name] = Cells(name, made, parsed.values, parsed.present)
        described.append(ColumnSchema(name=name, kind=kind, role="feature", reason="said", confidence=1.0))
    rows = len(next(iter(cells.values())))
    return Dataset(cells, np.arange(rows)), Schema(columns=tuple(described), num_rows=rows)


def names(dataset: Dataset, schema: Schema) -> dict[str, int]:
    """Name of each cut to its rows."""
    return {cut.name: int(cut.rows.sum()) for cut in cuts_of(dataset, schema, {})}


def test_each_kind_is_cut_in_its_own_way() -> None:
    dataset, schema = dataset_of(
        colour=("category", ["red", "red", "blue", None]),
        tags=("set", ["a|b", "a", "b", "a"]),
        size=("number", [1.0, 2.0, 3.0, 4.0]),
        words=("text", ["ab", "ab", "abcdef", "abcdef"]),
        day=("date", ["2024-03-01", "2024-07-01", "2025-01-01", "2025-02-01"]),
    )
    found = names(dataset, schema)
    assert found["colour = red"] == 2
    assert found["colour = blue"] == 1
    assert found["colour is missing"] == 1
    assert (found["tags has a"], found["tags has b"]) == (3, 2)
    assert sum(rows for name, rows in found.items() if name.startswith("size: ")) == 4
    assert (found["words: 2 characters"], found["words: 6 characters"]) == (2, 2)
    assert (found["day: year 2024"], found["day: year 2025"]) == (2, 2)


def test_a_value_that_many_rows_share_is_never_cut() -> None:
    dataset, schema = dataset_of(size=("number", [0.0] * 60 + [float(value) for value in range(1, 41)]))
    ranges = [cut for cut in cuts_of(dataset, schema, {}) if cut.of == "number"]
    values = dataset.cells["size"].values
    for one, other in combinations(ranges, 2):
        assert not set(values[one.rows]) & set(values[other.rows])
    assert sum(int(cut.rows.sum()) for cut in ranges) == 100


def test_dates_within_one_month_are_cut_by_days_or_ranges() -> None:
    dataset, schema = dataset_of(day=("date", [f"2024-05-{day:02}" for day in range(1, 31)]))
    ranges = [cut for cut in cuts_of(dataset, schema, {}) if cut.of == "date"]
    assert len(ranges) == 4
    assert ranges[0].name == "day: 2024-05-01 to 2024-05-08"


def test_patterns_of_modalities_are_exact() -> None:
    dataset, schema = dataset_of(size=("number", [1.0, 1.0, 1.0, 1.0]))
    present = {"image": np.array([True, True, False, False]), "text": np.array([True, False, True, False])}
    found = {cut.name: np.flatnonzero(cut.rows).tolist() for cut in cuts_of(dataset, schema, present) if cut.of == "pattern"}
    assert found == {"all modalities": [0], "only image": [1], "only text": [2], "no evidence": [3]}


def test_small_cuts_and_the_same_rows_twice_are_left_out() -> None:
    dataset, schema = dataset_of(a=("category", ["x", "x", "x", "y", "y", "z"]), b=("category", ["p", "p", "p", "q", "q", "q"]))
    kept = distinct_cuts(cuts_of(dataset, schema, {}), least=2)
    assert {cut.name: cut.also for cut in kept} == {"a = x": ("b = p",), "a = y": (), "b = q": ()}


def test_one_more_column_may_be_asked_for() -> None:
    dataset, _ = dataset_of(size=("number", [1.0, 2.0, 3.0, 4.0]))
    table = Table(pl.DataFrame({"size": [0.0, 1.0, 2.0, 3.0, 4.0], "region": ["-", "north", "south", "south", "north"]}))
    dataset = replace(dataset, rows=np.array([1, 2, 3, 4]))  # the first row was set aside
    found = {cut.name: np.flatnonzero(cut.rows).tolist() for cut in asked_cuts(table, dataset, ["region"])}
    assert found["region = north"] == [0, 3]
    with pytest.raises(ColumnError, match="regoin"):
        asked_cuts(table, dataset, ["regoin"])


@pytest.mark.parametrize("task", ["accuracy", "mae", "micro_f1"])
def test_sums_are_the_metric(task: str) -> None:
    dice = np.random.default_rng(0)
    metric = {**CLASSIFICATION, **MULTILABEL, **REGRESSION}[task]
    truth: np.ndarray = {"accuracy": dice.integers(0, 3, 50), "mae": dice.normal(size=50), "micro_f1": dice.random((50, 3)) < 0.4}[task]
    output: np.ndarray = {"accuracy": dice.dirichlet(np.ones(3), 50), "mae": dice.normal(size=50), "micro_f1": dice.random((50, 3))}[task]

    class Stub:
        metrics = {task: metric}
        headline = task

        def truth(self, encoded: np.ndarray) -> np.ndarray:
            return encoded

    sums = sums_of(Stub(), truth, output)  # type: ignore[arg-type]
    assert sums.value() == pytest.approx(metric.compute(truth, output))
    rows = np.arange(50) < 20
    ((value, gap),) = sums.intervals([rows], 0)
    assert value.value == pytest.approx(metric.compute(truth[rows], output[rows]))
    assert gap.value == pytest.approx(metric.sign * (metric.compute(truth[~rows], output[~rows]) - value.value))
    assert value.low <= value.value <= value.high


def test_chance_is_exact_for_right_and_wrong() -> None:
    part = np.array([1, 1, 1, 0, 0, 1, 1, 0], dtype=float)
    sums = Sums(CLASSIFICATION["accuracy"], part, np.ones(8))
    rows = np.isin(np.arange(8), [2, 3, 4])
    as_bad = np.mean([part[list(chosen)].sum() <= part[rows].sum() for chosen in combinations(range(8), 3)])
    assert sums.chances([rows], 0)[0] == pytest.approx(as_bad)
    # The same by permutations, for a loss that is not a count.
    errors = Sums(REGRESSION["mae"], 2 * (1 - part), np.ones(8))
    assert errors.chances([rows], 0)[0] == pytest.approx(as_bad, abs=0.02)


def test_p_values_promise_no_more_than_they_hold() -> None:
    """Where every row is as hard as the others, few slices are called worse."""
    dice, rows = np.random.default_rng(1), np.arange(60) < 15
    right = [Sums(CLASSIFICATION["accuracy"], (dice.random(60) < 0.7).astype(float), np.ones(60)) for _ in range(2000)]
    assert np.mean([sums.chances([rows], 0)[0] <= 0.05 for sums in right]) <= 0.06
    errors = Sums(REGRESSION["mae"], dice.exponential(size=60), np.ones(60))
    found = errors.chances([dice.permutation(60) < 15 for _ in range(400)], 0)
    assert 0.02 < np.mean(found <= 0.05) < 0.09
    assert 0.45 < np.mean(found) < 0.55


def weak(scored: Scored) -> tuple[Scored, np.ndarray]:
    """The same rows, those of the largest sizes with another label."""
    cells = scored.dataset.cells["size"]
    sizes = np.where(cells.present, np.nan_to_num(cells.values), -np.inf)
    bad = sizes >= np.quantile(sizes[cells.present], 0.75)
    target = np.array(scored.dataset.target, dtype=object)
    target[bad] = np.where(target[bad] == "c", "a", "c")
    return replace(scored, dataset=replace(scored.dataset, target=target)), bad


def test_a_planted_weakness_comes_first(pipeline: Pipeline, scored: Scored) -> None:
    planted, _ = weak(scored)
    found = find_slices(pipeline, planted)
    assert found.slices[0].worse
    assert found.slices[0].columns == ("size",)
    assert found.slices[0].gap.low > 0.2
    assert "size" in found.conclusion()
    ps = np.array([one.p for one in found.slices])
    assert np.allclose([one.adjusted for one in found.slices], false_discovery_control(ps))
    assert [one.worse for one in found.slices] == sorted((one.worse for one in found.slices), reverse=True)
    assert not any(one.worse for one in find_slices(pipeline, scored).slices)


def test_a_pair_is_named_only_where_it_is_worse_than_both() -> None:
    dice = np.random.default_rng(0)
    a, b = dice.random(800) < 0.5, dice.random(800) < 0.5
    cuts = [Cut("a", "category", ("a",), a), Cut("b", "category", ("b",), b)]
    only_both = Sums(CLASSIFICATION["accuracy"], np.where(a & b, dice.random(800) < 0.3, dice.random(800) < 0.9).astype(float), np.ones(800))
    pairs, looks = _pairs(only_both, cuts, 10, 0)
    assert [pair.name for pair in pairs] == ["a, b"]
    assert looks == 1
    assert pairs[0].rows == int((a & b).sum())
    only_a = Sums(CLASSIFICATION["accuracy"], np.where(a, dice.random(800) < 0.3, dice.random(800) < 0.9).astype(float), np.ones(800))
    assert _pairs(only_a, cuts, 10, 0)[0] == []
    errors = Sums(REGRESSION["mae"], np.where(a & b, 3.0, 1.0) * dice.exponential(size=800), np.ones(800))
    assert [pair.name for pair in _pairs(errors, cuts, 10, 0)[0]] == ["a, b"]


def test_rows_without_a_target_are_refused(pipeline: Pipeline, scored: Scored) -> None:
    blind = replace(scored, dataset=replace(scored.dataset, target=None))
    with pytest.raises(UsageError, match="target"):
        find_slices(pipeline, blind)
    with pytest.raises(UsageError, match="1 rows"):
        find_slices(pipeline, scored, least=1)


def test_a_table_cannot_tell_to_cut_says_so(pipeline: Pipeline, scored: Scored) -> None:
    found = find_slices(pipeline, scored, least=1000)
    assert found.slices == ()
    assert "No part of the 60 rows" in found.conclusion()


def test_the_least_p_value_is_that_of_the_worst_that_could_be() -> None:
    dice = np.random.default_rng(0)
    part = (dice.random(60) < 0.8).astype(float)
    rows = [np.arange(60) < 4, np.arange(60) < 15]
    sums = Sums(CLASSIFICATION["accuracy"], part, np.ones(60))
    for inside, found in zip(rows, sums.least_chances(rows), strict=True):
        # As many wrong rows inside as there are, or as have room.
        worst = np.ones(60)
        wrong = int((part == 0).sum())
        worst[np.r_[np.flatnonzero(inside), np.flatnonzero(~inside)][:wrong]] = 0
        assert found == pytest.approx(Sums(CLASSIFICATION["accuracy"], worst, np.ones(60)).chances([inside], 0)[0])
        assert found <= sums.chances([inside], 0)[0]
    errors = Sums(REGRESSION["mae"], dice.exponential(size=60), np.ones(60))
    assert (errors.least_chances(rows) == 1e-4).all()


def test_slices_that_cannot_tell_are_told_of(pipeline: Pipeline, scored: Scored) -> None:
    found = find_slices(pipeline, scored, least=2)
    said = found.as_dict()
    assert 0 < len(found.cannot_tell) < len(found.slices)
    assert said["cannot_tell"] == len(found.cannot_tell) == sum(one["cannot_tell"] for one in said["slices"])
    assert "too few rows or errors" in found.conclusion()
    # Even the worst that such a slice could be would not be called worse beside the others as they are.
    one = found.cannot_tell[0]
    others = [other.p for other in found.slices if other is not one]
    assert false_discovery_control(np.array([one.least, *others]))[0] > 0.05


def test_a_slice_that_others_would_follow_can_tell() -> None:
    """Of p-values .02, .04 and .045 all three pass the correction, of .02 by itself (.04, .045 and .5 beside it) none does."""
    nothing = Interval(0.0, 0.0, 0.0)
    slices = tuple(
        Slice(str(p), "category", (), 20, nothing, nothing, p, q, least=least)
        for p, q, least in zip((0.04, 0.045, 0.5), false_discovery_control([0.04, 0.045, 0.5]), (0.04, 0.045, 0.02), strict=True)
    )
    found = Slices("accuracy", True, nothing, 100, 10, slices, (), 0)
    assert not found.worse
    assert [one.name for one in found.cannot_tell] == ["0.04", "0.045"]
    assert "2 of all slices" in found.conclusion()


def test_few_right_rows_leave_room_for_wrong_ones() -> None:
    """Resamples of twelve right rows are twelve right rows."""
    part = np.ones(40)
    part[20:24] = 0
    inside = np.arange(40) < 12
    ((value, gap),) = Sums(CLASSIFICATION["accuracy"], part, np.ones(40)).intervals([inside], 0)
    assert (value.value, value.high) == (1.0, 1.0)
    assert 0.7 < value.low < 0.8
    assert gap.low < gap.value < 0 < gap.high


def test_many_slices_of_amounts_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(0)
    sums = Sums(REGRESSION["mae"], dice.exponential(size=50), np.ones(50))
    parts = [dice.permutation(50) < 20 for _ in range(7)]
    whole = sums.intervals(parts, 0)
    monkeypatch.setattr("consilience.judge.slices._sums._CELLS", 120)
    for one, other in zip(sums.intervals(parts, 0), whole, strict=True):
        for found, wanted in zip(one, other, strict=True):
            assert (found.low, found.value, found.high) == pytest.approx((wanted.low, wanted.value, wanted.high))
