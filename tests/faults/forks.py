"""A process that has imported everything, and forks a child for each job: so that a child can be killed a hundred times in a minute.

Reads one job a line from standard input, as JSON, and answers with one line. It must stay without threads: it only imports and forks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

EVENTS = ("open", "os.", "shutil.", "ctypes.dlsym")
"""Audit events before which a child may be told to die: every way to touch a file."""


def fit(words: list[str], folder: str) -> None:
    """The command line itself."""
    from consilience.cli import main

    os.chdir(folder)
    sys.argv = ["consilience", *words]
    main()


def look(model: str, table: str) -> None:
    """What a model is, as far as it does not depend on the clock."""
    import consilience

    made = consilience.load(model, cache=Path(model).parent / "cache")
    board = [{name: entry[name] for name in ("name", "loss", "metrics", "weights")} for entry in made.facts["leaderboard"]]
    seen = {"seed": made.pipeline.recipe.seed, "chosen": made.facts["chosen"], "verdict": made.verdict, "board": board}
    print(json.dumps({**seen, "predictions": made.predict_proba(table).tobytes().hex()}))


def save(model: str, out: str, rounds: int = 1, other: str | None = None, in_one_step: bool = True) -> None:
    """Saves one model, or two by turns, over what stands in ``out``."""
    import consilience
    from consilience.core import files

    if not in_one_step:
        files.swap = lambda first, second: False
    models = [consilience.load(folder) for folder in (model, other) if folder]
    ready()
    for turn in range(rounds):
        models[turn % len(models)].save(out)


JOBS = {"fit": fit, "look": look, "save": save}
READY: list[Any] = []


def ready() -> None:
    """From here on events count, and moments too."""
    for begin in READY:
        begin()


def child(job: dict[str, Any], pipe: int) -> None:
    """Never comes back."""
    code = 1
    counted = [0, False]

    def hook(event: str, _: Any) -> None:
        if counted[1] and event.startswith(EVENTS):
            counted[0] += 1
            if counted[0] == job.get("die_at"):
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        if "limit" in job:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
        if "user" in job:
            os.setgid(job["user"])
            os.setuid(job["user"])
        READY.append(lambda: os.write(pipe, b"."))
        READY.append(lambda: counted.__setitem__(1, True))
        if job["job"] != "save":
            ready()
        sys.addaudithook(hook)
        JOBS[job["job"]](**job["words"])
        counted[1] = False
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1  # as the shell says where Python ends so
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if "modules" in job:
            Path(job["modules"]).write_text(json.dumps([[name, counted[0]] for name in sys.modules]))
        os._exit(code)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """One child from birth to end."""
    listen, tell = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(listen)
        child(job, tell)
    os.close(tell)
    os.read(listen, 1)
    began = time.monotonic()
    if "after" in job:
        time.sleep(job["after"])  # the moment of the kill is the point; no result hangs on how long anything takes
        os.kill(number, job["signal"])
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    os.close(listen)
    return {"code": code, "seconds": time.monotonic() - began, "out": Path(job["out"]).read_text(), "err": Path(job["err"]).read_text()}


def main() -> None:
    """Until standard input ends."""
    for name in ("consilience.api", "consilience.cli"):
        import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        done = run(job)
        if "modules" in job:
            found = json.loads(Path(job["modules"]).read_text())
            done["events"] = found[0][1]
            for name, _ in found:
                try:
                    import_module(name)
                except Exception:  # a part of another program's main, or of a vendored package
                    continue
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
