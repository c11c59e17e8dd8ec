"""How a command ends: codes, sentences, an empty standard output, and silence for a broken pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from consilience.cli import _model
from consilience.core.errors import FolderError

FAKE = """
import ctypes, os, sys, time, warnings
from consilience.cli import _model, main
class Fake:
    def evaluate(self, *words, **more):
        {body}
        accuracy = {{"value": float("nan"), "low": 0.1, "high": 0.2}}
        return {{"metrics": {{"accuracy": accuracy}}, "by_class": {{}}, "num_rows": 1, "num_quarantined": 0, "quarantine": [], "seconds": 0.1}}
_model.open_model = lambda *words: Fake()
sys.argv = ["consilience", "evaluate", "model", "table.csv", {options}]
main()
"""


def raising(error):
    def fake(*words):
        raise error

    return fake


def test_an_explained_mistake_is_one_message_and_code_2(run, monkeypatch):
    monkeypatch.setattr(_model, "open_model", raising(FolderError("The folder is damaged.", hint="Copy it again.")))
    for options in ([], ["--json"]):
        result = run("evaluate", "model", "table.csv", *options)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", "Error: The folder is damaged. Copy it again.\n")


def test_a_missing_model_is_explained(run, tmp_path):
    result = run("evaluate", tmp_path / "none", "table.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: There is no folder")
    assert "Traceback" not in result.stderr


def test_ctrl_c_says_that_work_is_kept(run, monkeypatch):
    monkeypatch.setattr(_model, "open_model", raising(KeyboardInterrupt()))
    result = run("evaluate", "model", "table.csv", "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Stopped. What was encoded is kept; run the same command again to go on." in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_real_ctrl_c(tmp_path, environment):
    code = FAKE.format(body="print('ready', flush=True); time.sleep(60)", options="")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Stopped." in err
    assert "Traceback" not in err


@pytest.mark.skipif(os.name != "posix", reason="file descriptors")
def test_json_is_alone_on_standard_output_whoever_else_prints(script):
    body = "print('python'); os.write(1, b'descriptor\\n'); ctypes.CDLL(None).printf(b'library\\n'); warnings.warn('careful')"
    done = script(FAKE.format(body=body, options="'--json'"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["accuracy"] == {"value": None, "low": 0.1, "high": 0.2}
    assert done.stdout.count("\n") == 1
    for word in ("python", "descriptor", "library", "careful"):
        assert word in done.stderr


def test_quiet_hides_warnings(script):
    done = script(FAKE.format(body="warnings.warn('careful')", options="'--quiet'"), PYTHONWARNINGS="")
    assert done.returncode == 0
    assert done.stderr == ""


def test_an_unexpected_fault_asks_for_a_report_and_shows_its_trace_only_on_demand(script):
    code = FAKE.format(body="raise ZeroDivisionError('by\\ndesign')", options="'--json'")
    done = script(code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "report" in done.stderr
    assert "ZeroDivisionError: by design" in done.stderr
    again = script(code, CONSILIENCE_DEBUG="1")
    assert (again.returncode, again.stdout) == (1, "")
    assert "Traceback" in again.stderr


def test_too_little_memory_is_no_fault_of_ours(script):
    done = script(FAKE.format(body="raise MemoryError", options=""))
    assert (done.returncode, done.stdout) == (1, "")
    assert "too little memory" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_broken_pipe_is_silent(tmp_path, environment):
    code = FAKE.format(body="time.sleep(0.5)", options="")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == ""
