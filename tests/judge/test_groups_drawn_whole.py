"""Where a group column says which rows belong together: five copies of each row tell no more than one of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.data.table import read_table
from consilience.judge.robustness._measure import Bench
from consilience.judge.slices import find_slices
from consilience.judge.slices._sums import Sums
from consilience.judge.worth._yardstick import Yardstick
from consilience.judge.worth.patterns import score_patterns
from consilience.metrics import CLASSIFICATION, REGRESSION, Interval
from consilience.pipeline.fitted import Pipeline, Scored

TIMES = 5


def copies(scored: Scored, grouped: bool) -> Scored:
    """Each row five times; ``grouped`` says that these are of one group."""
    rows = np.repeat(np.arange(len(scored.dataset)), TIMES)
    made = scored.take(rows)
    return replace(made, dataset=replace(made.dataset, groups=rows if grouped else None))


def width(interval: Interval | dict[str, Any]) -> float:
    found = interval.as_dict() if isinstance(interval, Interval) else interval
    return float(found["high"] - found["low"])  # type: ignore[operator]


def widths_of(pipeline: Pipeline, scored: Scored) -> Iterator[tuple[str, float]]:
    """Every sort of interval that is drawn over rows, by where it comes from."""
    yard = Yardstick(pipeline, scored)
    for name, found in yard.intervals(yard.of(scored.output) - yard.of(pipeline.without(scored, ["text"]).output)).items():
        yield f"yardstick {name}", width(found)
    for pattern in score_patterns(pipeline, scored)[:3]:
        for name in ("accuracy", "log_loss", "macro_f1"):
            yield f"pattern {pattern['modalities']} {name}", width(pattern["metrics"][name])
        yield f"cost {pattern['modalities']}", width(pattern["cost"])
    bench = Bench(pipeline, scored, 0)
    for name, found in bench.measure(bench.without("text")).items():
        yield f"bench {name}", width(found)
    yield "area", width(bench.area([bench.without("text")] * 2))
    for one in find_slices(pipeline, scored, least=50 if len(scored.dataset) > 100 else 10).slices:
        yield f"slice {one.name}", width(one.metric)
        yield f"gap {one.name}", width(one.gap)


def test_copies_in_groups_are_as_uncertain_as_one_of_each(pipeline: Pipeline, scored: Scored) -> None:
    once, grouped, alone = (dict(widths_of(pipeline, part)) for part in (scored, copies(scored, True), copies(scored, False)))
    assert once.keys() == grouped.keys() == alone.keys()
    seen = [name for name in once if once[name] > 0.02 and not name.startswith("bench ece")]
    assert {name.split()[0] for name in seen} == {"yardstick", "pattern", "cost", "bench", "area", "slice", "gap"}
    for name in seen:
        assert 0.75 < grouped[name] / once[name] < 1.33, name
    # Without a word on groups the very same rows look as sure as five times as many.
    assert np.median([alone[name] / once[name] for name in seen]) < 0.55


@pytest.mark.parametrize("metric", [CLASSIFICATION["accuracy"], REGRESSION["mae"]], ids=["right or wrong", "amounts"])
def test_sums_of_groups(metric: Any) -> None:
    random = np.random.default_rng(0)
    part = (random.random(60) < 0.7).astype(float) if metric.name == "accuracy" else random.exponential(size=60)
    inside = np.arange(60) < 25
    rows = np.repeat(np.arange(60), TIMES)
    once = Sums(metric, part, np.ones(60)).intervals([inside], 0)[0]
    whole = Sums(metric, part[rows], np.ones(300)).intervals([inside[rows]], 0, rows)[0]
    alone = Sums(metric, part[rows], np.ones(300)).intervals([inside[rows]], 0)[0]
    for one, other, careless in zip(once, whole, alone, strict=True):
        assert width(other) == pytest.approx(width(one), rel=0.05)
        assert width(careless) < 0.6 * width(one)


def test_evaluate_draws_the_group_column_whole() -> None:
    dice = np.random.default_rng(0)

    def frame(rows: int) -> pl.DataFrame:
        sizes = dice.normal(size=rows)
        made = pl.DataFrame({"who": [f"p{row}" for row in range(rows)], "size": sizes, "price": 3 * sizes + dice.normal(size=rows)})
        return made[np.repeat(np.arange(rows), TIMES)]

    options = {"target": "price", "learners": ["linear"], "presets": "fast", "progress": False, "group": "who"}
    model = consilience.fit(frame(80), **options)  # type: ignore[arg-type]
    table = frame(60)
    grouped, alone = model.evaluate(table)["metrics"], model.evaluate(table.drop("who"))["metrics"]
    for name in ("mae", "rmse", "r2"):
        assert grouped[name]["value"] == pytest.approx(alone[name]["value"])
        assert width(grouped[name]) / width(alone[name]) == pytest.approx(np.sqrt(TIMES), rel=0.35)
    # Rows without a group are each one by themselves, also where the table goes through in pieces.
    gaps = table.with_columns(pl.lit(None, dtype=pl.String).alias("who"))
    assert model.evaluate(gaps)["metrics"] == alone
    assert model.pipeline.score(read_table(gaps), with_target=True).dataset.groups is not None


@pytest.mark.parametrize("counts", [True, False])
def test_what_groups_have_in_common_is_no_evidence_against_a_part(counts: bool) -> None:
    """Nothing is worse; but rows of a group err together, and a part is made of whole groups, as a town is of its people."""
    draw = np.random.default_rng(0)
    groups, worse = np.repeat(np.arange(30), 8), np.arange(240) < 120
    alone, whole = [], []
    for turn in range(200):
        level = draw.normal(size=30)[groups] + 0.3 * draw.normal(size=240)
        sums = Sums(CLASSIFICATION["accuracy"], (level > 0).astype(float) if counts else np.exp(0.3 * level), np.ones(240))
        alone.append(sums.chances([worse], turn)[0])
        whole.append(sums.chances([worse], turn, groups)[0])
    assert np.mean(np.array(alone) < 0.05) > 0.15
    assert 0.01 < np.mean(np.array(whole) < 0.05) < 0.09


def test_a_part_that_is_worse_in_most_of_its_groups_is_found() -> None:
    draw = np.random.default_rng(0)
    groups, worse = np.repeat(np.arange(30), 8), np.arange(240) < 120
    wrong = draw.random(240) < np.where(worse, 0.45, 0.05)
    sums = Sums(CLASSIFICATION["accuracy"], (~wrong).astype(float), np.ones(240))
    inside, outside = sums.chances([worse, ~worse], 0, groups)
    assert inside < 0.001
    assert outside > 0.9
    few = sums.chances([groups < 2], 0, groups)
    assert few > 0.01  # two groups can say little, whatever they say
    assert sums.least_chances([groups < 2], groups)[0] == 0.25
