"""Help: light, complete, readable."""

from __future__ import annotations

import json

import pytest

COMMANDS = ["cache", "embed", "evaluate", "fit", "inspect", "list", "predict", "pretrain", "report"]
HEAVY = ("torch", "polars", "pydantic", "sklearn", "numpy", "scipy", "rich", "transformers", "lightgbm")


def modules_after(script, words):
    code = f"""
import sys, json
from consilience.cli import app
import typer
try:
    typer.main.get_command(app)({words!r})
except SystemExit as end:
    found = [end.code, sorted({{name.partition('.')[0] for name in sys.modules}}), sorted(n for n in sys.modules if n.startswith('consilience'))]
    print(json.dumps(found), file=sys.stderr)
"""
    done = script(code)
    code, loaded, ours = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(loaded), set(ours), done.stdout


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(script, words):
    loaded, ours, _ = modules_after(script, words)
    by_typer = {"pydantic"} if words[0] == "fit" else set()  # newer versions read a command's words with it
    assert not loaded & (set(HEAVY) - by_typer)
    assert {name for name in ours if not name.startswith("consilience.cli")} <= {
        "consilience",
        "consilience._version",
        "consilience.core",
        "consilience.core.errors",
    }


@pytest.mark.parametrize("what", ["kinds", "encoders", "fusions", "tasks", "learners"])
def test_list_loads_no_torch(script, what):
    loaded, _, out = modules_after(script, ["list", what])
    assert not loaded & {"torch", "polars", "sklearn", "transformers", "numpy"}
    assert out


def test_every_command_is_found_and_explained(run):
    shown = run("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in shown
        result = run(name, "--help")
        assert result.exit_code == 0
        assert f"consilience {name}" in result.stdout or name == "cache"
    assert {name for name in COMMANDS if run(name).exit_code == 0} == set()  # none of them does anything without arguments


def test_help_fits_80_columns(run):
    for words in ([], *([name] for name in COMMANDS), ["cache", "list"], ["cache", "prune"]):
        shown = run(*words, "--help").stdout
        assert max(map(len, shown.splitlines())) <= 80, shown


def test_fit_has_the_promised_options(run):
    shown = run("fit", "--help").stdout
    more = "valid valid-only no-refit time-limit ignore kind encoder fusion learner task group join recipe cache folds seed class-weights focal"
    for word in f"target out {more} offline strict quiet json".split():
        option = f"--{word}"
        assert f"{option} " in shown or f"{option}\n" in shown, option


def test_version(run):
    from consilience._version import __version__

    assert run("--version").stdout == f"consilience {__version__}\n"


def test_unknown_command_is_a_usage_error(run):
    result = run("fitt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "fit" in result.stderr
