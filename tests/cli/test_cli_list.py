"""``consilience list``."""

from __future__ import annotations

import json

import pytest

from consilience.core import extras


@pytest.mark.parametrize(
    ("what", "known"), [("kinds", "text"), ("encoders", "text/bow"), ("fusions", "concat"), ("tasks", "binary"), ("learners", "linear")]
)
def test_json_is_one_object_with_a_source_each(run, what, known):
    result = run("list", what, "--json")
    assert result.exit_code == 0, result.stderr
    methods = json.loads(result.stdout)[what]
    assert known in [method["name"] for method in methods]
    assert all(method["summary"] and method["source"] for method in methods)


def test_missing_extra_shows_the_pip_line(run, monkeypatch):
    monkeypatch.setattr(extras, "missing_packages", lambda extra: ("timm",) if extra == "timm" else ())
    methods = {method["name"]: method for method in json.loads(run("list", "encoders", "--json").stdout)["encoders"]}
    assert methods["image/timm"]["install"] == "pip install 'consilience[timm]'"
    assert methods["image/timm"]["missing"] == ["timm"]
    assert methods["text/bow"]["install"] is None


def test_in_a_pipe_each_method_is_one_line(run, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(extras, "missing_packages", lambda extra: ("timm",) if extra == "timm" else ())
    lines = run("list", "encoders").stdout.splitlines()
    keys = [method["name"] for method in json.loads(run("list", "encoders", "--json").stdout)["encoders"]]
    assert [line.split()[0] for line in lines] == keys
    (line,) = [line for line in lines if line.startswith("image/timm ")]
    assert "pip install 'consilience[timm]'" in line


@pytest.mark.parametrize("what", ["encoders", "fusions"])
def test_table_fits_80_columns(run, what):
    shown = run("list", what).stdout
    assert max(map(len, shown.splitlines())) <= 80


def test_unknown_word_names_what_there_is(run):
    result = run("list", "encodres")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "encoders" in result.stderr
