"""Same seed, same machine: the same predictions to the bit, in another process, and after saving and loading."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import consilience
from consilience.learn.learners import LEARNERS

LEARNED = sorted(name for name in LEARNERS.keys() if name != "ensemble")  # noqa: SIM118  # a registry is no dict

FIT = """
import sys
import numpy as np
import consilience
given = {} if sys.argv[3] == "all" else {"learners": (sys.argv[3],)}
model = consilience.fit(
    sys.argv[1] + "/train.csv", target="label", ignore=("picture",), kinds={"words": "text"}, encoders={"words": "bow"},
    folds=2, progress=False, cache=sys.argv[2] + "/cache", seed=7, **given,
)
probabilities = model.predict_proba(sys.argv[1] + "/test.csv")
np.save(sys.argv[2] + "/probabilities.npy", probabilities)
model.save(sys.argv[2] + "/model")
print(sorted({name.partition(":")[0].partition("-")[0] for name in model.pipeline.model.members}))
print(sorted({entry["learner"] for entry in model.facts["leaderboard"]}))
print([(entry["name"], entry["loss"]) for entry in model.facts["leaderboard"]])
"""


def fitted(data: Path, folder: Path, learner: str) -> tuple[list[str], np.ndarray]:
    """A fit in a process of its own: what it printed, and probabilities."""
    folder.mkdir()
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    line = [sys.executable, "-c", FIT, str(data), str(folder), learner]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), np.load(folder / "probabilities.npy")


def check(data: Path, place: Path, learner: str) -> list[str]:
    """Two processes, and this one that loads what each of them saved."""
    (told, first), (again, second) = (fitted(data, place / name, learner) for name in ("one", "two"))
    assert told == again
    assert first.tobytes() == second.tobytes()
    assert len(np.unique(first)) > 1
    for name in ("one", "two"):
        assert consilience.load(place / name / "model").predict_proba(data / "test.csv").tobytes() == first.tobytes()
    return told


@pytest.mark.slow
def test_all_learners_together_in_two_processes(data: Path, tmp_path: Path) -> None:
    told = check(data, tmp_path, "all")
    assert all(repr(name) in told[1] for name in LEARNED if name != "end_to_end")  # which so few rows are too few for


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("learner", LEARNED)
def test_each_learner_in_two_processes(data: Path, tmp_path: Path, learner: str) -> None:
    told = check(data, tmp_path, learner)
    assert told[0] == repr([learner])


@pytest.mark.parametrize("learner", LEARNED)
def test_each_learner_saved_and_loaded(data: Path, tmp_path: Path, learner: str) -> None:
    """The chosen model is of this learner, of all the evidence, and of pieces as well as of the whole table."""
    made = consilience.fit(
        data / "train.csv",
        target="label",
        kinds={"words": "text", "picture": "image"},
        encoders={"words": "bow", "picture": "hog"},
        learners=(learner,),
        presets="fast",
        folds=2,
        progress=False,
        cache=tmp_path / "cache",
    )
    assert {name.partition(":")[0].partition("-")[0] for name in made.pipeline.model.members} == {learner}
    loaded = consilience.load(made.save(tmp_path / "model"))
    again = consilience.load(loaded.save(tmp_path / "again"))
    for table in ("test.csv", "train.csv"):
        expected = made.predict_proba(data / table)
        assert np.isfinite(expected).all()
        assert loaded.predict_proba(data / table).tobytes() == expected.tobytes()
        assert again.predict_proba(data / table).tobytes() == expected.tobytes()
        assert loaded.embed(data / table).tobytes() == made.embed(data / table).tobytes()
