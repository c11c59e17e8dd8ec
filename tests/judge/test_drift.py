"""Columns that differ from the training rows are found, and only those."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from consilience.data.schema import Dataset, Schema, build_dataset, infer_schema
from consilience.data.table import Table
from consilience.judge.drift import Drift, find_drift, find_uncompared
from consilience.pipeline.portrait import portray

WORDS = np.array(["stone", "river", "cloud", "grass", "metal", "paper"])


def frame(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    day = np.datetime64("2020-01-01") + random.integers(0, 300, rows)
    return pl.DataFrame(
        {
            "label": random.choice(["yes", "no"], rows),
            "size": random.normal(10, 3, rows).round(3),
            "count": random.poisson(1.0, rows),
            "colour": random.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
            "when": [str(one) for one in day],
            "words": [" ".join(random.choice(WORDS, random.integers(4, 12))) for _ in range(rows)],
        }
    )


def read(made: pl.DataFrame, schema: Schema) -> Dataset:
    return build_dataset(Table(made, {}, "later.csv"), schema, with_target=True)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return infer_schema(Table(frame(800, 0), {}, "train.csv"), "label", kinds={"count": "number"})


def drift(schema: Schema, later: pl.DataFrame, training: int = 0) -> list[Drift]:
    return find_drift(portray(read(frame(800, training), schema), schema), read(later, schema), schema)


def test_rows_of_the_same_source_are_not_called_drifted(schema: Schema) -> None:
    assert [found for seed in range(1, 41) for found in drift(schema, frame(400, seed))] == []


@pytest.mark.parametrize(
    ("column", "change", "of"),
    [
        ("size", pl.col("size") + 3, "number"),
        ("count", pl.col("count") + 2, "number"),
        ("colour", pl.lit("violet"), "category"),
        ("colour", pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("blue")).otherwise("colour"), "category"),
        ("when", pl.lit("2024-05-") + (1 + pl.int_range(pl.len()) % 28).cast(pl.String), "date"),
        ("words", pl.col("words") + " and then some more words that were never there", "length"),
        ("size", pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise("size"), "missing"),
        ("label", pl.lit("yes"), "category"),
    ],
)
def test_what_was_changed_is_found_first_and_alone(schema: Schema, column: str, change: pl.Expr, of: str) -> None:
    found = drift(schema, frame(400, 7).with_columns(change.alias(column)))
    assert [(one.column, one.of) for one in found] == [(column, of)]
    assert 0.1 <= found[0].distance <= 1


def test_a_value_that_training_never_had_is_any_other(schema: Schema) -> None:
    (found,) = drift(schema, frame(400, 7).with_columns(pl.lit("violet").alias("colour")))
    assert found.name is None
    assert (found.here, found.there) == (1.0, 0.0)


def test_medians_are_told(schema: Schema) -> None:
    (found,) = drift(schema, frame(400, 7).with_columns(size=pl.col("size") + 50))
    assert found.there == pytest.approx(10, abs=0.5)
    assert found.here == pytest.approx(60, abs=0.5)


def test_a_column_that_is_gone_is_left_to_others(schema: Schema) -> None:
    assert drift(schema, frame(400, 7).drop("size")) == []


def test_few_rows_prove_nothing(schema: Schema) -> None:
    assert drift(schema, frame(3, 7).with_columns(size=pl.col("size") + 50)) == []


def test_a_portrait_counts_every_present_cell_once(schema: Schema) -> None:
    made = portray(read(frame(800, 0).with_columns(size=pl.when(pl.col("size") > 12).then(None).otherwise("size")), schema), schema)
    for name, portrait in made.items():
        assert sum(portrait["counts"]) == portrait["present"], name
    assert made["size"]["present"] == int((frame(800, 0)["size"] <= 12).sum())
    counts = made["size"]["counts"]
    assert max(counts) - min(counts) <= 2, "tenths of the values"


def test_a_column_that_cannot_be_compared_has_a_reason(schema: Schema) -> None:
    empty = frame(100, 1).with_columns(size=pl.lit(None, dtype=pl.Float64)).drop("colour")
    there, here = portray(read(frame(100, 0), schema), schema), read(empty, schema)
    told = {one.column: one for one in find_uncompared(there, here, schema)}
    assert set(told) == {"size", "colour"}
    assert (told["size"].why, told["size"].first, told["size"].second) == ("empty", False, True)
    assert (told["colour"].why, told["colour"].first, told["colour"].second) == ("absent", False, True)
    back = {one.column: (one.why, one.first, one.second) for one in find_uncompared(portray(here, schema), read(frame(100, 0), schema), schema)}
    assert back == {"size": ("empty", True, False), "colour": ("absent", True, False)}
    assert find_uncompared(there, read(frame(100, 2), schema), schema) == []
