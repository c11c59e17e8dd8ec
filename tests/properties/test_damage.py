"""What fuzzers found, each once more by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

import consilience
from consilience.core.errors import FolderError, TableError
from consilience.core.hashing import hash_file
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._dates import read_date
from consilience.data.kinds._numbers import read_number
from consilience.data.schema import infer_schema
from consilience.data.table import read_table
from consilience.learn.learners._forest import read_booster

WIDTH = 4


def boosted(rounds: int = 12, classes: int = 3) -> str:
    random = np.random.default_rng(0)
    features = random.standard_normal((120, WIDTH))
    features[::7, 1] = np.nan
    labels = random.integers(0, classes, 120) if classes > 1 else features[:, 0] + features[:, 2] ** 2
    words = {"objective": "multiclass", "num_class": classes} if classes > 1 else {"objective": "regression"}
    booster = lightgbm.train({**words, "verbosity": -1, "num_leaves": 7, "num_threads": 1}, lightgbm.Dataset(features, labels), rounds)
    return str(booster.model_to_string())


@pytest.fixture(scope="module")
def text() -> str:
    return boosted()


@pytest.mark.parametrize(("rounds", "classes"), [(12, 3), (1, 1), (40, 1)])
def test_a_booster_comes_back(rounds: int, classes: int) -> None:
    text = boosted(rounds, classes)
    booster = read_booster(text, WIDTH, classes)
    rows = np.random.default_rng(1).standard_normal((9, WIDTH))
    assert np.array_equal(booster.predict(rows), lightgbm.Booster(model_str=text).predict(rows))


def test_trees_of_one_leaf_come_back() -> None:
    features = np.zeros((60, WIDTH))
    data = lightgbm.Dataset(features, np.arange(60.0))
    text = lightgbm.train({"objective": "regression", "verbosity": -1, "num_threads": 1}, data, 3).model_to_string()
    assert read_booster(text, WIDTH, 1).predict(features).shape == (60,)


def first(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """Changes the values of the first line of this name, and the size that LightGBM notes of the tree."""

    def damage(text: str) -> str:
        found = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
        assert found is not None
        line = f"{name}={' '.join(change(found[1].split()))}"
        made = text[: found.start()] + line + text[found.end() :]
        grown = len(line) - len(found[0])
        return (
            re.sub(r"tree_sizes=(\d+)", lambda size: f"tree_sizes={int(size[1]) + grown}", made, count=1)
            if "Tree=0" in text[: found.start()]
            else made
        )

    return damage


DAMAGE: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "not ascii": lambda text: text.replace("Column_0", "Säule_0"),
    "a line less": lambda text: re.sub(r"left_child=.*\n", "", text, count=1),
    "a line renamed": lambda text: text.replace("left_child=", "left_chilx=", 1),
    "sizes": lambda text: re.sub(r"tree_sizes=(\d)", r"tree_sizes=9\1", text),
    "fewer trees": lambda text: re.sub(r"tree_sizes=\d+ ", "tree_sizes=", text),
    "other classes": lambda text: text.replace("num_class=3", "num_class=2"),
    "other columns": lambda text: text.replace(f"max_feature_idx={WIDTH - 1}", "max_feature_idx=9"),
    "no number": first("threshold", lambda values: ["x", *values[1:]]),
    "not finite": first("leaf_value", lambda values: ["nan", *values[1:]]),
    "no threshold": first("threshold", lambda values: ["nan", *values[1:]]),
    "a column beyond": first("split_feature", lambda values: [str(WIDTH), *values[1:]]),
    "a column before": first("split_feature", lambda values: ["-1", *values[1:]]),
    "a value less": first("threshold", lambda values: values[1:]),
    "a leaf more": first("leaf_value", lambda values: [*values, "1"]),
    "a circle": first("left_child", lambda values: ["0", *values[1:]]),
    "to nowhere": first("left_child", lambda values: ["1000", *values[1:]]),
    "to no leaf": first("right_child", lambda values: [*values[:-1], "-1000"]),
    "a leaf twice": first("right_child", lambda values: [*values[:-1], "-1"]),
    "by category": first("decision_type", lambda values: ["1", *values[1:]]),
    "of categories": first("num_cat", lambda values: ["1"]),
    "linear": first("is_linear", lambda values: ["1"]),
    "many leaves": first("num_leaves", lambda values: ["2000000000"]),
    "no leaves": first("num_leaves", lambda values: ["0"]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_booster_is_refused_before_it_ends_the_process(name: str, text: str) -> None:
    damaged = DAMAGE[name](text)
    assert damaged != text
    with pytest.raises((ValueError, KeyError)):
        read_booster(damaged, WIDTH, 3)


@pytest.mark.timeout(120)
def test_long_cells_take_no_time(tmp_path: Path) -> None:
    long = [
        "1" * 200_000,
        "1." + "1" * 200_000 + "x",
        "1 Jan 2020 12:00" + " " * 200_000 + "x",
        "1,234" * 50_000,
        " 1" * 100_000,
        "a" * 200_000,
        "[" * 200_000,
        "|a" * 100_000,
    ]
    for cell in long:
        assert read_date(cell) is None
        assert cell.isdigit() or read_number(cell) is None
        column = pl.Series("x", [cell, "1.5", "2020-01-01"] * 4)
        for name in KINDS:
            kind = KINDS.get(name)()
            assert kind.sniff(Profile("x", column)).reason
            assert len(kind.parse(column).values) == 12
    frame = pl.DataFrame({"x": long, "y": long[::-1]})
    frame.write_csv(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").frame.equals(frame)
    infer_schema(read_table(frame))


@pytest.mark.timeout(120)
def test_a_long_line_in_an_unknown_encoding_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"caf\xe9,b\n" + b"3" * 2_000_000 + b",x\n")
    frame = read_table(tmp_path / "t.csv").frame
    assert frame.columns == ["café", "b"]
    assert len(frame["café"][0]) == 2_000_000


@pytest.mark.parametrize(("data", "said"), [(b"sep=;\n\n\na;b\n1;2;3\n", "Line 5 has 3 cells"), (b"sep=;\n\n", "nothing but its separator")])
def test_blank_lines_below_the_separator(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(TableError, match=said):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"sep=;\r\n\r\na;b\r\n1;2\r\n")
    assert read_table(tmp_path / "t.csv").frame.rows() == [("1", "2")]


def without_a_word(folder: Path) -> None:
    file = next(folder.glob("trees/*.words.txt"))
    file.write_text("\n".join(file.read_text(encoding="utf-8").split("\n")[:-3]), encoding="utf-8")


def with_other_weights(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        file = folder / "weights" / "member0.safetensors"
        arrays = load_file(file)
        name = next(name for name in arrays if name.endswith("weights0"))
        save_file({**arrays, name: np.ascontiguousarray(change(arrays[name]))}, file)

    return harm


def with_other_values(file: str, **values: object) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        found = json.loads((folder / file).read_text(encoding="utf-8"))
        (folder / file).write_text(json.dumps({**found, **values}), encoding="utf-8")

    return harm


def without_a_column(folder: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    schema["columns"] = [column for column in schema["columns"] if column["name"] != "shop"]
    (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")


HARM = {
    "a word less": without_a_word,
    "a weight less": with_other_weights(lambda weights: weights[:-1]),
    "not a number": with_other_weights(lambda weights: np.full_like(weights, np.nan)),
    "too large": with_other_weights(lambda weights: np.full_like(weights, 1e308)),
    "temperature zero": with_other_values("calibration.json", temperature=0.0),
    "a column less": without_a_column,
}


@pytest.mark.parametrize("name", HARM)
def test_parts_that_do_not_fit_show_when_a_model_is_loaded(name: str, fitted: consilience.Model, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "model")
    consilience.load(folder)
    HARM[name](folder)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"] = {file: hash_file(folder / file) for file in manifest["files"]}
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(FolderError, match="cannot be read") as refused:
        consilience.load(folder)
    assert refused.value.hint
