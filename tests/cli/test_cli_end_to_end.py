"""From a table to predictions, as a person does it."""

from __future__ import annotations

import json

import polars as pl
import pytest


def test_fit_prints_one_object_and_nothing_else(fitted, model):
    facts = json.loads(fitted.stdout)
    assert {"leaderboard", "chosen", "fusion_gain", "seconds", "peak_memory_mb", "encoders", "schema", "num_rows", "num_quarantined"} <= set(facts)
    assert facts["num_rows"] == 60
    assert {entry["learner"] for entry in facts["leaderboard"]} <= {"linear", "ensemble"}
    assert facts["chosen"] in [entry["name"] for entry in facts["leaderboard"]]
    assert {"read", "encode", "learn", "total"} <= set(facts["seconds"])
    assert {"metric", "value", "low", "high", "versus", "verdict"} <= set(facts["fusion_gain"])
    assert "NaN" not in fitted.stdout
    assert (model / "MANIFEST.json").is_file()


def test_fit_for_a_person_ends_with_the_verdict(run, data, tmp_path):
    result = run("fit", data / "train.csv", "--target", "label", "--learner", "linear", "--encoder", "words=bow", "--out", tmp_path / "m", "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "using" in lines[-1] + lines[-2] + lines[-3]
    for words in ("Target 'label': binary", "text: words", "number: size", "candidate", "linear:text", "chosen", "The model ("):
        assert words in result.stdout
    assert (tmp_path / "m" / "MANIFEST.json").is_file()


def test_fit_looks_at_the_place_before_the_work(run, data, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    result = run("fit", tmp_path / "none.csv", "--target", "label", "--out", tmp_path / "mine")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds something that is no model" in result.stderr
    assert (tmp_path / "mine" / "thesis.txt").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--target"),
        (["--target", "labl"], "Did you mean 'label'"),
        (["--target", "label", "--learner", "linaer"], "Did you mean 'linear'"),
        (["--target", "label", "--encoder", "words"], "--encoder COLUMN=NAME"),
        (["--target", "label", "--valid-only"], "--valid"),
        (["--target", "label", "--recipe", "none.yaml"], "none.yaml"),
    ],
)
def test_fit_mistakes(run, data, tmp_path, words, said):
    result = run("fit", data / "train.csv", "--out", tmp_path / "m", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / "m").exists()


def test_options_count_over_the_recipe():
    from consilience.cli.fit import _settings

    (choice,) = _settings(None, {"encoders": {"words": "cnn{size: 8}"}})["encoders"]["words"]
    assert (choice.name, choice.settings) == ("cnn", {"size": 8})


def test_recipe_and_options_are_joined(tmp_path):
    from consilience.cli.fit import _settings

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("target: a\nseed: 5\nignore: [x]\nkinds: {zip: number, day: date}\nencoders: {t: bow}\nlearners: [linear]\n")
    nothing = {"target": None, "seed": None, "ignore": None, "kinds": {}, "encoders": {}, "learners": None, "task_settings": {}}
    assert _settings(str(recipe), nothing) == {
        "target": "a",
        "seed": 5,
        "ignore": ["x"],
        "kinds": {"zip": "number", "day": "date"},
        "encoders": {"t": "bow"},
        "learners": ["linear"],
    }
    given = {**nothing, "seed": 0, "ignore": ["y"], "kinds": {"zip": "category"}, "learners": ["trees"], "refit": False}
    made = _settings(str(recipe), given)
    assert (made["seed"], made["ignore"], made["kinds"], made["learners"], made["refit"]) == (
        0,
        ["x", "y"],
        {"zip": "category", "day": "date"},
        ["trees"],
        False,
    )


def test_evaluate(run, data, model):
    found = json.loads(run("evaluate", model, data / "test.csv", "--json").stdout)
    assert {"metrics", "by_class", "num_rows", "num_quarantined", "seconds"} <= set(found)
    assert {"accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "log_loss", "auc", "ece"} <= set(found["metrics"])
    assert all(set(metric) == {"value", "low", "high"} for metric in found["metrics"].values())
    assert found["metrics"]["accuracy"]["value"] > 0.8
    shown = run("evaluate", model, data / "test.csv").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "accuracy" in shown
    assert "20 of 20 rows were scored" in shown


def test_predict_writes_every_row_in_order(run, data, model, tmp_path):
    printed = run("predict", model, data / "test.csv", "--keep", "size", "--quiet")
    assert (printed.exit_code, printed.stderr) == (0, "")
    frame = pl.read_csv(printed.stdout.encode(), infer_schema=False)
    assert frame.columns == ["size", "prediction", "probability", "note"]
    assert frame["size"].to_list() == pl.read_csv(data / "test.csv", infer_schema=False)["size"].to_list()
    assert run("predict", model, data / "test.csv", "--keep", "size", "--out", "-", "--quiet").stdout == printed.stdout
    written = run("predict", model, data / "test.csv", "--proba", "--out", tmp_path / "p.parquet")
    assert (written.exit_code, written.stdout) == (0, "")
    assert "20 rows" in written.stderr
    frame = pl.read_parquet(tmp_path / "p.parquet")
    assert frame.columns == ["prediction", "probability", "probability_bad", "probability_good", "note"]
    assert frame.height == 20


def test_predict_table_as_json(run, data, model, tmp_path):
    found = json.loads(run("predict", model, data / "test.csv", "--json").stdout)
    assert (found["num_rows"], found["num_quarantined"], len(found["predictions"])) == (20, 0, 20)
    assert set(found["predictions"][0]) == {"prediction", "probability", "note"}
    found = json.loads(run("predict", model, data / "test.csv", "--json", "--out", tmp_path / "p.csv").stdout)
    assert found["num_rows"] == 20
    assert (tmp_path / "p.csv").is_file()


def test_predict_one_example(run, model):
    result = run("predict", model, "--cell", "words=nice lovely box", "--cell", "size=3")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("label: good (probability ")
    assert " 1.000" not in result.stdout
    assert "Not given, so the model does without: colour." in result.stderr
    answer = json.loads(run("predict", model, "--cell", "words=poor awful thing", "--json").stdout)
    assert set(answer) == {"prediction", "probability", "probabilities", "note"}
    assert answer["prediction"] == "bad"
    assert list(answer["probabilities"]) == ["bad", "good"]
    assert answer["probability"] == pytest.approx(answer["probabilities"]["bad"])
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_the_target_of_an_example_is_not_looked_at(run, model):
    given = json.loads(run("predict", model, "--cell", "words=nice", "--cell", "label=bad", "--json").stdout)
    assert given == json.loads(run("predict", model, "--cell", "words=nice", "--json").stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cell", "wrds=nice"], "Did you mean 'words'"),
        (["--cell", "words"], "--cell COLUMN=VALUE"),
        (["--cell", "label=bad"], "'words'"),
        (["--cell", "words=a", "--cell", "words=b"], "twice"),
        (["test.csv", "--cell", "words=nice"], "Both --cell and a table"),
        (["--json"], "nothing to predict"),
        (["test.csv", "--out", "p.foo"], ".parquet"),
        (["test.csv", "--out", "-", "--json"], "standard output"),
        (["test.csv", "--keep", "nothing"], "nothing"),
        (["none.csv"], "none.csv"),
    ],
)
def test_predict_mistakes(run, data, model, monkeypatch, words, said):
    monkeypatch.chdir(data)
    result = run("predict", model, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_embed(run, data, model, tmp_path):
    result = run("embed", model, data / "test.csv", "--out", tmp_path / "v.parquet", "--keep", "size", "--keep", "size")
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    frame = pl.read_parquet(tmp_path / "v.parquet")
    assert frame.columns == ["size", "vector", "note"]
    assert frame.height == 20
    assert len(set(frame["vector"].list.len())) == 1


def test_report(run, data, model, tmp_path):
    result = run("report", model, "--data", data / "test.csv", "--out", tmp_path / "report.html")
    assert result.exit_code == 0, result.stderr
    assert "report.html" in result.stdout.replace("\n", "")
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_report_wants_a_page(run, model, tmp_path):
    result = run("report", model, "--out", tmp_path / "report.pdf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert ".html" in result.stderr


def test_a_number_comes_with_an_interval(run, data, tmp_path):
    fit = run("fit", data / "train.csv", "--target", "size", "--ignore", "words", "--learner", "linear", "--out", tmp_path / "m", "--json")
    assert fit.exit_code == 0, fit.stderr
    assert json.loads(fit.stdout)["task"] == "regression"
    shown = run("predict", tmp_path / "m", "--cell", "label=good").stdout
    assert "90 % interval" in shown
    answer = json.loads(run("predict", tmp_path / "m", "--cell", "label=good", "--json").stdout)
    assert answer["low"] < answer["prediction"] < answer["high"]
    shown = run("evaluate", tmp_path / "m", data / "test.csv").stdout
    assert "rmse" in shown
    assert "precision" not in shown
