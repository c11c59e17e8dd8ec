"""Names that are nasty, or that are also ours: columns, classes, groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import consilience
from consilience.core.errors import ColumnError, TableError

Columns = dict[str, list[Any]]
Fit = Callable[..., consilience.Model]

OURS = ["prediction", "probability", "probability_bad", "low", "high", "note", "_row", "vector", "rows__", "key", "text", "table", "image"]
STRANGE = [
    "a.b/c\\d=e:f",
    'it\'s "so"',
    "x" * 300,
    "\U0001f642 \U0001f468‍\U0001f469‍\U0001f467",
    "שלום עולם",
    "[bold]{0} %s $(x)",
    "line\nbreak\ttab",
    "\x1b[31mred",
    "--target",
    "../up",
    "None",
    "0",
]


def named(names: list[str], columns: Columns) -> Columns:
    """Columns of these names: texts, numbers and categories in turn."""
    cells = [columns["words"], columns["size"], [f"shop {row % 3}" for row in range(24)]]
    return {name: [f"{cell}" for cell in cells[place % 3]] for place, name in enumerate(names)} | {"y": columns["y"]}


@pytest.mark.parametrize("names", [OURS, STRANGE], ids=["ours", "strange"])
def test_columns_of_any_name_are_learned_kept_and_shown(names: list[str], clean: Columns, fit: Fit, tmp_path: Path) -> None:
    table = named(names, clean)
    model = fit(table)
    assert [column.name for column in model.schema.features()] == names
    loaded = consilience.load(model.save(tmp_path / "model"))
    found = loaded.predict_table(table, proba=True)
    assert found["prediction"].to_list() == clean["y"]
    assert found.columns == ["prediction", "probability", "probability_bad", "probability_good", "note"]
    assert len(loaded.embed_table(table)) == 24
    assert loaded.report(tmp_path / "r.html", table).exists()


@pytest.mark.parametrize("name", ["prediction", "_row", "text", "line\nbreak\ttab", "a.b/c\\d=e:f"])
def test_a_group_of_any_name(name: str, clean: Columns, fit: Fit) -> None:
    model = fit({**clean, name: [f"g{row // 2}" for row in range(24)]}, group=name)
    assert model.schema.group() == name
    assert model.predict(clean).tolist() == clean["y"]


@pytest.mark.parametrize("name", ["prediction", "note", "text", "\U0001f642", "x" * 300, "a=b.c/d"])
def test_a_target_and_classes_of_any_name(name: str, clean: Columns, fit: Fit) -> None:
    labels = [{"bad": name, "good": "שלום \U0001f642"}[label] for label in clean["y"]]
    table = {"size": clean["size"], "words": clean["words"], name: labels}
    model = fit(table, name)
    found = model.predict_table(table, proba=True, keep=["size"])
    assert found["prediction"].to_list() == labels
    assert sorted(found.columns) == sorted(["size", "prediction", "probability", "note", f"probability_{name}", "probability_שלום \U0001f642"])
    assert model.evaluate(table)["num_rows"] == 24


@pytest.mark.parametrize("name", ["prediction", "probability", "note", "probability_bad"])
def test_a_column_that_the_output_has_too_cannot_be_kept(
    name: str, model: consilience.Model, clean: Columns, tmp_path: Path, run: Callable[..., Any]
) -> None:
    table = {**clean, name: ["mine"] * 24}
    assert model.predict_table(table, proba=True)["prediction"].to_list() == clean["y"]
    model.save(tmp_path / "model")
    pl.DataFrame(table).write_csv(tmp_path / "t.csv")
    result = run("predict", tmp_path / "model", tmp_path / "t.csv", "--keep", name, "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    said = f"Error: Table 't.csv', column '{name}': It is to be kept, but the output has a column of that name. Rename it first.\n"
    assert result.stderr == said


def test_a_number_called_text_does_not_take_the_encoders_of_texts(clean: Columns, fit: Fit) -> None:
    model = fit({"text": clean["size"], "words": clean["words"], "y": clean["y"]}, encoders={"text": "bow"})
    assert {encoder["slot"]: encoder["columns"] for encoder in model.facts["encoders"]} == {"table:columns": ["text"], "words:bow": ["words"]}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a,b,a,y\n1,2,3,x\n4,5,6,z\n", "A column name is there more than once: 'a'. Give each column a name of its own."),
        ("a, a ,y\n1,2,x\n4,5,z\n", "A column name is there more than once: 'a'."),
        ({1: [1, 2], "1": [3, 4], "y": ["a", "b"]}, "A column name is there more than once: '1'."),
    ],
)
def test_two_columns_of_one_name(source: Any, said: str, fit: Fit, tmp_path: Path) -> None:
    if isinstance(source, str):
        (tmp_path / "t.csv").write_text(source)
        source = tmp_path / "t.csv"
    with pytest.raises(TableError) as caught:
        fit(source)
    assert said in str(caught.value)
    assert isinstance(source, dict) or "t.csv" in str(caught.value)


def test_columns_without_a_name_get_one(clean: Columns, fit: Fit, tmp_path: Path) -> None:
    text = pl.DataFrame(clean).write_csv().replace("size,words,y", ",,y")
    (tmp_path / "t.csv").write_text(text)
    model = fit(tmp_path / "t.csv")
    assert [column.name for column in model.schema.features()] == ["column_1", "column_2"]
    with pytest.raises(ColumnError, match=r"column '': The group column is not a column of this table\. There are: 'column_1', 'column_2', 'y'\."):
        fit(tmp_path / "t.csv", group="")


def test_names_and_values_of_all_scripts_on_a_terminal(clean: Columns, tmp_path: Path, run: Callable[..., Any]) -> None:
    name = "\U0001f642 שם\x1b[31m\u202e"
    table = {"size": clean["size"], name: [f"{text} مرحبا \U0001f468‍\U0001f469‍\U0001f467\x07" for text in clean["words"]], "y": clean["y"]}
    table["y"] = [{"bad": "שלום\u202e", "good": "\U0001f600"}[label] for label in clean["y"]]
    pl.DataFrame(table).write_csv(tmp_path / "t.csv")
    shown = [
        run("inspect", tmp_path / "t.csv", "--target", "y"),
        run("fit", tmp_path / "t.csv", "--target", "y", "--learner", "linear", "--encoder", "text=bow", "--out", tmp_path / "model"),
        run("evaluate", tmp_path / "model", tmp_path / "t.csv"),
        run("predict", tmp_path / "model", "--cell", "size=1", "--cell", f"{name}=good"),
    ]
    for result in shown:
        assert result.exit_code == 0, result.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout + result.stderr)
    assert "שלום" in shown[2].stdout
    found = run("predict", tmp_path / "model", tmp_path / "t.csv", "--json")
    assert [row["prediction"] for row in json.loads(found.stdout)["predictions"]] == table["y"]
