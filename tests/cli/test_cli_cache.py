"""``consilience cache``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from consilience.features.store import FeatureStore


@pytest.fixture
def kept(tmp_path):
    with FeatureStore(tmp_path / "store") as store:
        for name in ("one", "two"):
            store.put_many([b"a", b"b"], name, [np.ones((1, 4)), np.zeros((1, 4))])
            store.describe(name, f"text/{name}")
    return tmp_path / "store"


def test_list_shows_what_is_kept(run, kept):
    shown = run("cache", "list", "--cache", kept).stdout
    assert "text/one" in shown
    assert "4 cells" in shown
    found = json.loads(run("cache", "list", "--cache", kept, "--json").stdout)
    assert {entry["label"]: entry["items"] for entry in found["entries"]} == {"text/one": 2, "text/two": 2}
    assert found["items"] == 4
    assert found["entries"][0]["used"].endswith("+00:00")


def test_nothing_kept(run, tmp_path):
    result = run("cache", "list", "--cache", tmp_path / "none")
    assert result.exit_code == 0
    assert "Nothing is kept" in result.stdout.replace("\n", " ")
    assert not (tmp_path / "none").exists()


def test_prune(run, kept):
    assert json.loads(run("cache", "prune", "--cache", kept, "--older-than", "1", "--json").stdout)["items"] == 0
    assert json.loads(run("cache", "prune", "--cache", kept, "--max-size", "1GB", "--json").stdout)["items"] == 0
    assert json.loads(run("cache", "prune", "--cache", kept, "--max-size", "60", "--json").stdout)["items"] == 2
    assert "Removed 2 cells" in run("cache", "prune", "--cache", kept, "--all").stdout
    assert "Nothing had to go" in run("cache", "prune", "--cache", kept, "--all").stdout


@pytest.mark.parametrize("words", [[], ["--all", "--older-than", "3"], ["--max-size", "much"]])
def test_prune_wants_to_know_what(run, kept, words):
    result = run("cache", "prune", "--cache", kept, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(run("cache", "list", "--cache", kept, "--json").stdout)["items"] == 4
