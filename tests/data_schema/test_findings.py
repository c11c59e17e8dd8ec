"""Leaks, groups and drift: found where they are, and not where they are not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from consilience.data.schema import infer_schema
from consilience.data.table import Table

RANDOM = np.random.default_rng(0)
WORDS = np.array(["the", "a", "red", "blue", "car", "house", "dog", "runs", "fast", "slow", "big", "small", "happy", "sad", "over", "under"])
LABELS = RANDOM.choice(["cat", "dog", "cow"], 300)
NUMBERS = RANDOM.lognormal(5, 1, 300)


def sentences(rows=300, words=8):
    return [" ".join(RANDOM.choice(WORDS, words)) for _ in range(rows)]


def leaks(target, **columns):
    schema = infer_schema(Table(pl.DataFrame({"y": target, **columns})), "y")
    assert all(found.role == "feature" for found in schema.columns if found.name in columns)
    return {finding.column for finding in schema.findings if finding.topic == "leak"}


@pytest.mark.parametrize(
    "cells",
    [
        [f" {label.upper()}" for label in LABELS],
        [f"this picture shows a {label} in the {word}" for label, word in zip(LABELS, RANDOM.choice(WORDS, 300), strict=True)],
        [{"cat": "7", "dog": "8", "cow": "9"}[label] for label in LABELS],
        [label if place % 30 else "" for place, label in enumerate(LABELS)],
    ],
)
def test_columns_that_give_a_class_away(cells):
    assert leaks(LABELS, told=cells) == {"told"}


def test_columns_that_only_help():
    guess = np.where(RANDOM.random(300) < 0.8, LABELS, "dog")
    some = [f"{text} {label}" if place % 3 else text for place, (text, label) in enumerate(zip(sentences(), LABELS, strict=True))]
    every = [f"{text} cat dog cow" for text in sentences()]
    ids = [f"{WORDS[place % 16]} {WORDS[place // 16 % 16]} {place}" for place in range(300)]
    assert leaks(LABELS, guess=guess, some=some, every=every, ids=ids) == set()


def test_a_common_class_is_no_leak():
    labels = np.where(np.arange(300) % 50 == 0, "rare", "no")
    assert leaks(labels, answer=[f"there is no {text}" for text in sentences()], other=np.where(RANDOM.random(300) < 0.03, "yes", "no")) == set()


@pytest.mark.parametrize("told", [NUMBERS * 1.21 + 3, np.log(NUMBERS), -NUMBERS, NUMBERS + RANDOM.normal(0, 0.1, 300)])
def test_columns_that_give_a_number_away(told):
    assert leaks(NUMBERS, told=told) == {"told"}


def test_numbers_that_only_help():
    text = [f"the total is {value:.2f} today" for value in NUMBERS]
    assert leaks(NUMBERS, near=NUMBERS * RANDOM.lognormal(0, 0.2, 300), noise=RANDOM.normal(size=300), text=text) == set()


def test_sets_that_are_the_target():
    sets = [list(RANDOM.choice(WORDS[:6], 2, replace=False)) for _ in range(100)]
    assert leaks(
        sets, told=["; ".join(reversed(cell)) for cell in sets], other=[list(RANDOM.choice(WORDS[:6], 2, replace=False)) for _ in range(100)]
    ) == {"told"}


def grouped(first, groups, rows, shuffled=False):
    names = [f"shop {first + place % groups}" for place in range(rows)]
    frame = {
        "shop": names,
        "colour": RANDOM.choice(["red", "blue"], rows),
        "note": sentences(rows),
        "size": RANDOM.normal(size=rows).round(1),
        "y": RANDOM.choice(["a", "b"], rows),
    }
    return Table(pl.DataFrame(frame), source="valid.csv")


def test_values_that_keep_to_one_table_are_a_group():
    findings = [finding for finding in infer_schema(grouped(0, 40, 200), "y", valid=grouped(40, 10, 50)).findings if finding.topic == "group"]
    assert [finding.column for finding in findings] == ["shop"]
    assert "--group shop" in findings[0].message


@pytest.mark.parametrize("valid", [grouped(35, 10, 50), grouped(40, 2, 50), grouped(40, 4, 8)])
def test_no_group_where_values_are_shared_or_too_few(valid):
    assert not [finding for finding in infer_schema(grouped(0, 40, 200), "y", valid=valid).findings if finding.topic == "group"]


def test_unique_values_are_no_group():
    def table(start):
        return Table(
            pl.DataFrame({"name": [f"thing {place} of the {WORDS[place % 16]}" for place in range(start, start + 60)], "y": ["a", "b"] * 30})
        )

    assert not [finding for finding in infer_schema(table(0), "y", valid=table(60)).findings if finding.topic == "group"]


def test_drift_is_said():
    table = grouped(0, 40, 200)
    valid = Table(table.frame.drop("colour").with_columns(y=pl.lit("a")), source="v.csv")
    findings = {(finding.topic, finding.column): finding.message for finding in infer_schema(table, "y", valid=valid).findings}
    assert "v.csv lacks the column" in findings["drift", "colour"]
    assert findings["drift", "y"].endswith("v.csv: b.")
