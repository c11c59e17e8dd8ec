"""The task that a target asks for, and what makes a target unusable."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import TargetError, UnknownName
from consilience.data.schema import infer_schema
from consilience.data.table import Table

RANDOM = np.random.default_rng(0)


def understand(cells, **options):
    frame = pl.DataFrame({"y": cells, "x": [f"words number {place} of many" for place in range(len(cells))]})
    return infer_schema(Table(frame), "y", **options)


CASES = {
    "decimals": ([f"{value:.3f}" for value in RANDOM.normal(size=60)], "regression"),
    "units": ([f"{value:.1f} kg" for value in RANDOM.uniform(1, 99, 60)], "regression"),
    "many integers": ([str(value) for value in range(100, 160)], "regression"),
    "spread integers": ([str(value) for value in RANDOM.choice([100000, 250000, 350000, 475000], 60)], "regression"),
    "floats": (RANDOM.normal(size=60).tolist(), "regression"),
    "digits": ([str(value) for value in RANDOM.integers(0, 10, 60)], "multiclass"),
    "whole floats": (RANDOM.integers(0, 3, 60).astype(float).tolist(), "multiclass"),
    "names": (RANDOM.choice(["cat", "dog", "cow"], 60).tolist(), "multiclass"),
    "zips": (RANDOM.choice(["02134", "10001", "90210"], 60).tolist(), "multiclass"),
    "yes": (RANDOM.choice(["yes", "no"], 60).tolist(), "binary"),
    "zero one": (RANDOM.choice(["0", "1"], 60).tolist(), "binary"),
    "minus one": (RANDOM.choice(["-1", "1"], 60).tolist(), "binary"),
    "booleans": (RANDOM.choice([True, False], 60).tolist(), "binary"),
    "phrases": (RANDOM.choice(["a quite long name of a class", "another name of a class, also long"], 60).tolist(), "binary"),
    "lists": ([["a", "b"], ["b"], [], ["a", "c"]] * 15, "multilabel"),
    "bars": (["a|b", "b", "c|a|d", "d"] * 15, "multilabel"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_task_is_inferred(name):
    cells, task = CASES[name]
    schema = understand(cells)
    assert schema.target.task == task, schema.target
    assert schema.target.reason
    assert 0.4 < schema.target.confidence <= 1
    assert bool(schema.target.classes) == (task != "regression")
    assert next(column for column in schema.columns if column.role == "target").name == "y"


def test_classes_are_sorted_by_value_where_they_are_numbers():
    assert understand([str(value % 12) for value in range(120)]).target.classes == tuple(map(str, range(12)))
    assert understand(["b", "a", "10"] * 9).target.classes == ("10", "a", "b")


def test_lists_of_one_item_are_classes():
    assert understand([["a"], ["b"], ["c"]] * 9).target.task == "multiclass"


def test_skewed_positive_numbers_are_learned_as_logarithm():
    values = RANDOM.lognormal(10, 1, 200)
    target = understand(values.tolist()).target
    assert target.log
    assert "logarithm" in target.reason
    assert not understand((-values).tolist()).target.log
    assert not understand([0.0, *values]).target.log
    assert not understand(RANDOM.normal(50, 5, 200).tolist()).target.log
    assert not understand(RANDOM.uniform(1, 2, 200).tolist()).target.log


@pytest.mark.parametrize(
    ("task", "cells", "classes"),
    [
        ("regression", ["1", "2", "3"] * 9, ()),
        ("multiclass", ["1.5", "2.5", "3.5"] * 9, ("1.5", "2.5", "3.5")),
        ("multilabel", ["a;b", "b"] * 9, ("a", "b")),
        ("binary", ["p", "q"] * 9, ("p", "q")),
    ],
)
def test_a_person_names_the_task(task, cells, classes):
    target = understand(cells, task=task).target
    assert (target.task, target.classes, target.confidence) == (task, classes, 1.0)


def test_a_person_names_the_kind():
    assert understand(["1", "2", "3"] * 9, kinds={"y": "number"}).target.task == "regression"
    assert understand(["1.5", "2.5"] * 9, kinds={"y": "category"}).target.task == "binary"
    with pytest.raises(TargetError, match="image"):
        understand(["1", "2"], kinds={"y": "image"})


@pytest.mark.parametrize(
    ("cells", "options", "words"),
    [
        ([], {}, "no rows"),
        (["a"], {}, "one row"),
        (["", None, "NA"], {}, "All 3 cells of the target are empty"),
        (["a"] * 9, {}, "one single class"),
        (["1.5"] * 9, {}, "one single value"),
        (["5"] * 9, {"task": "regression"}, "one single value"),
        ([["a"]] * 9, {"task": "multilabel"}, "the same set"),
        (["a", "b", "c"] * 3, {"task": "binary"}, "two classes"),
        (["a", "b", "c"] * 3, {"task": "regression"}, "'a' is not a number"),
        ([f"this is text number {place} of many" for place in range(40)], {}, "no class repeats"),
        ([f"2018-03-{1 + place % 28:02d}" for place in range(40)], {}, "dates"),
    ],
)
def test_targets_that_cannot_be_learned(cells, options, words):
    with pytest.raises(TargetError, match=words) as caught:
        understand(cells or pl.Series("y", cells, dtype=pl.String), **options)
    assert caught.value.column == "y"


def test_unknown_task():
    with pytest.raises(UnknownName, match="multiclass"):
        understand(["a", "b"], task="clasification")


def test_gaps_and_lonely_classes_are_said():
    schema = understand(["a", "b", "", "a", "b", "c", None])
    messages = {finding.topic: finding.message for finding in schema.findings}
    assert messages["missing"].startswith("2 of 7 rows have no target")
    assert "'c'" in messages["rare"]
    schema = understand(["1.5", "2.5", "oops", *[f"{value}.25" for value in range(60)]])
    assert "Row 2: 'oops' is not a number." in next(finding.message for finding in schema.findings if finding.topic == "unreadable")


def test_five_thousand_classes():
    schema = understand([f"class {place % 5000}" for place in range(15000)])
    assert (schema.target.task, len(schema.target.classes)) == ("multiclass", 5000)
