"""Long tables beside the table, from fit to predict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from consilience.cli import app
from consilience.cli._long import with_long
from consilience.data.table import Table


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose rows are told by their readings alone, in another file and in no order."""
    draw = np.random.default_rng(0)
    pl.DataFrame({"id": [f"r{row}" for row in range(40)], "label": ["calm", "busy"] * 20}).write_csv(tmp_path / "train.csv")
    readings = [
        {"id": f"r{row}", "time": second, "pulse": round(float((0 if row % 2 == 0 else 3 * (second % 2)) + draw.normal(0, 0.3)), 3)}
        for row in range(40)
        for second in range(10)
    ]
    pl.DataFrame(readings).sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "readings.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path / "store"))
    return tmp_path


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_readings_tell_the_rows(folder: Path):
    shown = json.loads(run("inspect", "train.csv", "--target", "label", "--long", "readings.csv:id:time", "--json", "--quiet"))
    assert {column["name"]: column["kind"] for column in shown["columns"]}["readings"] == "series"
    run("fit", "train.csv", "--target", "label", "--long", "readings.csv:id:time", "--learner", "linear", "--out", "model", "--quiet")
    found = json.loads(run("evaluate", "model", "train.csv", "--long", "readings.csv:id:time", "--json", "--quiet"))
    assert found["metrics"]["accuracy"]["value"] > 0.9
    run("predict", "model", "train.csv", "--long", "readings.csv:id:time", "--out", "preds.csv", "--keep", "id", "--quiet")
    assert (pl.read_csv("preds.csv")["prediction"] == pl.read_csv("train.csv")["label"]).mean() > 0.9


@pytest.mark.parametrize("spec", ["readings.csv", "readings.csv:", "readings.csv:id:time:more"])
def test_what_cannot_be_read_is_said(folder: Path, spec: str):
    assert "FILE:KEY" in run("inspect", "train.csv", "--long", spec, code=2)


@pytest.fixture
def graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose rows are told by their graphs alone, rings or stars, in two other files and in no order."""
    size, names = 6, [f"g{row}" for row in range(40)]
    pl.DataFrame({"graph": names, "label": ["ring", "star"] * 20}).write_csv(tmp_path / "train.csv")
    nodes = [{"graph": name, "node": f"n{place}", "atom": "C", "mass": 12.5} for name in names for place in range(size)]
    pl.DataFrame(nodes).sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "nodes.csv")
    edges = [
        {"graph": name, "source": f"n{place if row % 2 == 0 else 0}", "target": f"n{(place + 1) % size if row % 2 == 0 else place}"}
        for row, name in enumerate(names)
        for place in range(row % 2, size)
    ]
    pl.DataFrame(edges).sample(fraction=1.0, shuffle=True, seed=2).write_csv(tmp_path / "edges.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path / "store"))
    return tmp_path


def test_graphs_of_two_tables_tell_the_rows(graphs: Path):
    given = ("--long", "nodes.csv+edges.csv:graph", "--quiet")
    shown = json.loads(run("inspect", "train.csv", "--target", "label", "--json", *given))
    assert {column["name"]: column["kind"] for column in shown["columns"]}["nodes"] == "graph"
    run("fit", "train.csv", "--target", "label", "--learner", "linear", "--out", "model", *given)
    found = json.loads(run("evaluate", "model", "train.csv", "--json", *given))
    assert found["metrics"]["accuracy"]["value"] > 0.9
    run("predict", "model", "train.csv", "--out", "preds.csv", *given)
    assert (pl.read_csv("preds.csv")["prediction"] == pl.read_csv("train.csv")["label"]).mean() > 0.9


def test_a_graph_is_what_the_two_tables_say(graphs: Path):
    made = with_long(["train.csv"], None, ["nodes.csv+edges.csv:graph"])
    assert isinstance(made, Table)
    star = json.loads(made.frame["nodes"][1])
    assert {node["id"] for node in star["nodes"]} == {f"n{place}" for place in range(6)}
    assert all(node["atom"] == "C" and node["mass"] == 12.5 for node in star["nodes"])
    assert {(edge["source"], edge["target"]) for edge in star["edges"]} == {("n0", f"n{place}") for place in range(1, 6)}


def test_a_row_without_a_graph_has_an_empty_cell(graphs: Path):
    pl.DataFrame({"graph": ["g3", "other", None], "label": ["star"] * 3}).write_csv("few.csv")
    made = with_long(["few.csv"], None, ["nodes.csv+edges.csv:graph"])
    assert isinstance(made, Table)
    assert made.frame["nodes"].is_null().to_list() == [False, True, True]


def test_a_file_may_have_a_plus_sign_in_its_name(graphs: Path):
    Path("edges.csv").rename("a+b.csv")
    made = with_long(["train.csv"], None, ["nodes.csv+a+b.csv:graph"])
    assert isinstance(made, Table)
    assert len(json.loads(made.frame["nodes"][0])["edges"]) == 6
    Path("readings+more.csv").write_text("graph,x\ng0,1\ng0,2\n", encoding="utf-8")
    both = with_long(["train.csv"], None, ["readings+more.csv:graph"])
    assert isinstance(both, Table)
    assert json.loads(both.frame["readings+more"][0]) == {"x": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("nodes.csv+edges.csv", "NODES+EDGES:KEY"),
        ("nodes.csv+edges.csv:graph:time", "NODES+EDGES:KEY"),
        ("nodes.csv+:graph", "NODES+EDGES:KEY"),
        ("nodes.csv+gone.csv:graph", "gone.csv"),
        ("nodes.csv+edges.csv:nothing", "nothing"),
        ("nodes.csv+edges.csv:label", "label"),
    ],
)
def test_what_makes_no_graph_is_said(graphs: Path, spec: str, told: str):
    assert told in run("inspect", "train.csv", "--long", spec, code=2)
