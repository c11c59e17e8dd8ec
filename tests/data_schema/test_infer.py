"""What real tables hold must come out right."""

from __future__ import annotations

import datetime
import os
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from consilience.core.errors import ColumnError, UnknownName
from consilience.data.schema import Schema, infer_schema
from consilience.data.table import Table

ROWS = 120
WORDS = [
    "the",
    "a",
    "red",
    "blue",
    "car",
    "house",
    "dog",
    "runs",
    "fast",
    "slow",
    "big",
    "small",
    "happy",
    "sad",
    "over",
    "under",
    "near",
    "far",
    "city",
    "tree",
    "river",
    "stone",
    "light",
    "dark",
]


def column(make, seed=0, rows=ROWS):
    draw = random.Random(seed)
    return [make(draw) for _ in range(rows)]


def schema_of(name, cells, **rest):
    return infer_schema(Table(pl.DataFrame({name: cells}), **rest)).columns[0]


FEATURES = {
    "gaps": ("number", lambda draw: draw.choice(["", "NA", "-", "?", f"{draw.random():.3f}", f"{draw.random():.3f}"])),
    "price": ("number", lambda draw: f"${draw.lognormvariate(8, 1):,.2f}"),
    "preis": ("number", lambda draw: f"{draw.uniform(1e3, 9e3):,.2f}".translate(str.maketrans(",.", ".,"))),
    "weight": ("number", lambda draw: f"{draw.uniform(1, 99):.1f} kg"),
    "share": ("number", lambda draw: f"{draw.randint(1, 100)}%"),
    "latitude": ("number", lambda draw: f"{draw.uniform(-90, 90):.6f}"),
    "age": ("number", lambda draw: str(draw.randint(18, 80))),
    "rooms": ("number", lambda draw: str(draw.randint(1, 6))),
    "year": ("number", lambda draw: str(draw.randint(1950, 2020))),
    "zip": ("category", lambda draw: draw.choice(["90210", "10001", "60601", "02134", "94105"])),
    "zipcode": ("category", lambda draw: draw.choice(["90210", "10001", "60601", "12134", "94105"])),
    "area": ("category", lambda draw: draw.choice(["z92677", "z93510", "z91901", "z93446"])),
    "place": ("category", lambda draw: str(draw.choice([90213, 10001, 60601, 12134, 94105]))),
    "city": ("category", lambda draw: draw.choice(["Austin, TX", "Salem, OR", "Salem, MA", "Dallas, TX", "Reno, NV"])),
    "yes_no": ("category", lambda draw: draw.choice(["yes", "no"])),
    "true_false": ("category", lambda draw: draw.choice(["True", "False", ""])),
    "y_n": ("category", lambda draw: draw.choice("YN")),
    "t_f": ("category", lambda draw: draw.choice("tf")),
    "zero_one": ("category", lambda draw: draw.choice("01")),
    "zero_one_gaps": ("category", lambda draw: draw.choice(["0.0", "1.0", ""])),
    "on_off": ("category", lambda draw: draw.choice(["on", "off"])),
    "shi_fou": ("category", lambda draw: draw.choice("是否")),
    "mixed": ("category", lambda draw: draw.choice(["yes", "NO", "True", "f", "1", "0"])),
    "grade": ("category", lambda draw: draw.choice(["A+", "B", "C-"])),
    "bracket": ("category", lambda draw: draw.choice(["10-20", "20-30", "30-40"])),
    "note": ("text", lambda draw: " ".join(draw.choices(WORDS, k=9)) + "."),
    "title": ("text", lambda draw: " ".join(draw.choices(WORDS, k=3))),
    "address": ("text", lambda draw: f"{draw.randint(1, 999)} {draw.choice(WORDS)} {draw.choice(WORDS)} Street"),
    "review": ("text", lambda draw: "".join(draw.choices("我你他是好不喜欢这个产品很快慢大小", k=12))),
    "tags": ("set", lambda draw: "|".join(draw.sample(WORDS[:8], draw.randint(1, 3)))),
    "topics": ("set", lambda draw: ", ".join(draw.sample(WORDS[:8], draw.randint(1, 3)))),
    "listed": ("set", lambda draw: str(draw.sample(WORDS[:8], draw.randint(1, 3)))),
    "us_day": ("date", lambda draw: f"{draw.randint(1, 12):02d}/{draw.randint(1, 28):02d}/2018"),
    "moment": ("date", lambda draw: f"2018-03-{draw.randint(1, 28):02d}T12:00:00+02:00"),
    "riqi": ("date", lambda draw: f"2018年{draw.randint(1, 12)}月{draw.randint(1, 28)}日"),
    "digits": ("date", lambda draw: f"2018{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"),
}


@pytest.mark.parametrize("name", FEATURES)
def test_kind_of_a_feature(name):
    kind, make = FEATURES[name]
    found = schema_of(name, column(make))
    assert (found.kind, found.role) == (kind, "feature"), found
    assert found.reason.endswith(".")
    assert 0.4 < found.confidence <= 1
    assert all(other.kind != kind and 0.05 < other.score <= 1 and other.reason for other in found.alternatives)


IDENTIFIERS = {
    "house_id": lambda place: str(place * 3 + 17),
    "PassengerId": lambda place: str(place + 1),
    "number": lambda place: str(1000 + place),
    "": lambda place: str(place),
    "hash": lambda place: f"{random.Random(place).getrandbits(64):016x}",
    "sku": lambda place: f"AB-{place * 7919 % 90000 + 10000}",
    "mail": lambda place: f"{WORDS[place % 20]}.{place}@x.org",
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers_are_left_out(name):
    cells = [IDENTIFIERS[name](place) for place in range(ROWS)]
    random.Random(1).shuffle(cells)
    schema = infer_schema(Table(pl.DataFrame({name: cells})))
    assert schema.columns[0].role == "ignored"
    assert [(finding.topic, finding.column) for finding in schema.findings] == [("identifier", name)]
    assert f"{ROWS} different values" in schema.columns[0].reason


def test_a_person_may_keep_an_identifier():
    found = infer_schema(Table(pl.DataFrame({"id": [str(place) for place in range(ROWS)]})), kinds={"id": "number"}).columns[0]
    assert (found.role, found.confidence) == ("feature", 1.0)


def test_unique_floats_texts_and_years_are_no_identifiers():
    frame = pl.DataFrame(
        {
            "paid": [place / 7 for place in range(ROWS)],
            "year": [str(1900 + place) for place in range(ROWS)],
            "words": [f"{WORDS[place % 24]} {WORDS[place // 24]} thing" for place in range(ROWS)],
            "single": ["".join(chr(97 + place // 26**k % 26) for k in range(3)) + "ow" for place in range(ROWS)],
        }
    )
    assert [(found.kind, found.role) for found in infer_schema(Table(frame)).columns] == [("number", "feature")] * 2 + [("text", "feature")] * 2


def test_columns_with_nothing_to_learn_are_left_out_and_said_so():
    frame = pl.DataFrame(
        {"same": ["x"] * 9, "empty": [""] * 9, "null": pl.Series([None] * 9, dtype=pl.Null), "words": ["NA"] * 9, "kept": list("abcabcabc")}
    )
    schema = infer_schema(Table(frame))
    assert [found.role for found in schema.columns] == ["ignored"] * 4 + ["feature"]
    assert sorted((finding.topic, finding.column) for finding in schema.findings) == [
        ("constant", "same"),
        ("missing", "empty"),
        ("missing", "null"),
        ("missing", "words"),
    ]
    assert schema.columns[1].missing == 9


def test_pictures_of_mixed_existence(tmp_path):
    for place in range(6):
        Image.new("RGB", (3, 3)).save(tmp_path / f"{place}.png")
    table = Table(pl.DataFrame({"pic": [f"{place}.png" for place in range(10)] + [None]}), {"pic": tmp_path})
    schema = infer_schema(table)
    found = schema.columns[0]
    assert (found.kind, found.role, found.unreadable, found.missing) == ("image", "feature", 4, 1)
    assert schema.findings[0].topic == "unreadable"
    assert "Row 6: The file '6.png' is not there." in schema.findings[0].message


def test_typed_columns():
    frame = pl.DataFrame(
        {
            "f": [1.5, None, 2.5] * 10,
            "i": list(range(3, 63, 2)),
            "b": [True, False, None] * 10,
            "d": [datetime.date(2020, 1, 1 + place) for place in range(30)],
            "l": [["a", "b"], ["b"], None] * 10,
            "c": pl.Series(["u", "v", "w"] * 10, dtype=pl.Categorical),
            "o": [datetime.timedelta(seconds=place) for place in range(30)],
        }
    )
    assert [found.kind for found in infer_schema(Table(frame)).columns] == ["number", "number", "category", "date", "set", "category", "number"]


def test_unknown_bytes_are_left_out():
    found = schema_of("raw", [b"abc", b"def"] * 10)
    assert (found.role, found.confidence) == ("ignored", 1.0)
    assert "Binary" in found.reason


def test_twins_are_found():
    frame = pl.DataFrame({"a": ["x", "y", None] * 9, "b": ["x", "y", "z"] * 9, "c": ["x", "y", None] * 9})
    findings = [(finding.topic, finding.column) for finding in infer_schema(Table(frame)).findings]
    assert findings == [("duplicate", "c")]


def test_a_person_overrides():
    table = Table(pl.DataFrame({"zip": ["12345", "23456", "34567"] * 9, "note": ["a b c d", "e f g h", "i j k l"] * 9, "who": list("abc") * 9}))
    schema = infer_schema(table, kinds={"zip": "text"}, ignore=["note"], group="who")
    assert [(found.kind, found.role, found.confidence) for found in schema.columns] == [
        ("text", "feature", 1.0),
        (schema.columns[1].kind, "ignored", 1.0),
        ("category", "group", 1.0),
    ]
    assert schema.group() == "who"


@pytest.mark.parametrize(
    "options",
    [{"target": "prise"}, {"kinds": {"prise": "number"}}, {"ignore": ["Prise"]}, {"group": "prise"}],
)
def test_unknown_columns_name_near_ones(options):
    with pytest.raises(ColumnError, match="Did you mean 'price'"):
        infer_schema(Table(pl.DataFrame({"price": [1.0, 2.0], "size": [1.0, 2.0]}), source="t.csv"), **options)


def test_unknown_kind():
    with pytest.raises(UnknownName, match="'category'"):
        infer_schema(Table(pl.DataFrame({"a": ["x"]})), kinds={"a": "categroy"})


@pytest.mark.parametrize("options", [{"target": "a", "ignore": ["a"]}, {"target": "a", "group": "a"}, {"group": "a", "ignore": ["a"]}])
def test_a_column_has_one_part(options):
    with pytest.raises(ColumnError, match="cannot also be"):
        infer_schema(Table(pl.DataFrame({"a": ["x", "y"], "b": ["x", "y"]})), **options)


def test_the_schema_survives_json():
    schema = infer_schema(Table(pl.DataFrame({"a": column(FEATURES["us_day"][1]), "y": column(lambda draw: draw.choice("ab"), 1)})), "y")
    assert Schema.model_validate_json(schema.model_dump_json()) == schema


@pytest.mark.parametrize("columns", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_wide_tables(columns):
    numbers = np.random.default_rng(0).normal(size=(40, columns)).round(3)
    schema = infer_schema(Table(pl.DataFrame({f"c{place}": numbers[:, place].astype(str) for place in range(columns)})))
    assert {(found.kind, found.role) for found in schema.columns} == {("number", "feature")}


REAL = {
    "houses": (
        "price",
        "regression",
        {"house_id": "number", "area": "number", "zipcode": "category", "frontal": "image"},
        {("identifier", "house_id")},
    ),
    "sroie": (
        "total",
        "regression",
        {"image": "image", "text": "text", "company": "text", "date": "date", "lines": "number"},
        {("group", "company")},
    ),
    "meld": (
        "emotion",
        "multiclass",
        {"utterance": "text", "context": "text", "speaker": "category", "sentiment": "category", "seconds": "number"},
        set(),
    ),
    "easyvqa": ("answer", "multiclass", {"image": "image", "question": "text"}, {("group", "image")}),
    "nlvr": ("label", "binary", {"image": "image", "sentence": "text"}, set()),
}


@pytest.mark.parametrize("name", REAL)
def test_real_tables(name):
    root = os.environ.get("CONSILIENCE_DATA")
    if not root or not (Path(root) / name / "train.csv").exists():
        pytest.skip("CONSILIENCE_DATA does not name a folder that holds this set")
    target, task, kinds, findings = REAL[name]
    folder = Path(root) / name
    tables = []
    for part in ("train.csv", "valid.csv"):
        frame = pl.read_csv(folder / part, infer_schema=False)
        tables.append(Table(frame, dict.fromkeys(frame.columns, folder), part))
    schema = infer_schema(tables[0], target, valid=tables[1])
    assert schema.target.task == task
    assert schema.target.log == (task == "regression")
    assert {found.name: found.kind for found in schema.columns if found.name in kinds} == kinds
    assert {(finding.topic, finding.column) for finding in schema.findings if finding.topic != "unreadable"} == findings
