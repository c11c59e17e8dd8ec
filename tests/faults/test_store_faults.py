"""The feature store after what people and machines do to it: a fit says so in words, goes on, and ends with the same model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import consilience.features._environment as environment
from consilience.core.errors import StoreError
from consilience.features.store import FeatureStore

SOURCE = str(Path(environment.__file__).parents[2])


def python(code: str, *words: object) -> subprocess.Popen[str]:
    head = "import os, sys, signal, time, numpy as np\nfrom pathlib import Path\nimport consilience.features.store as module\n"
    head += "from consilience.core.errors import StoreError\nstore = module.FeatureStore(Path(sys.argv[1]))\n"
    line = [sys.executable, "-c", head + code, *map(str, words)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCE})


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("held", [True, False], ids=["in a transaction", "after one"])
def test_a_lock_that_a_killed_process_held(tmp_path: Path, held: bool) -> None:
    """LMDB's write lock dies with its owner: the next process goes on by itself, and finds what was committed."""
    code = """
store.put_many([b'a'], 'f', [np.ones((1, 2))])
def stop(*_, **__):
    print('locked', flush=True)
    time.sleep(60)
if sys.argv[2] == 'True':
    module.replace = stop
    store.put_many([b'b'], 'f', [np.ones((1, 2))])
stop()
"""
    with python(code, tmp_path, held) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    with python("store.put_many([b'c'], 'f', [np.zeros((1, 2))]); print(store.get_many([b'a', b'b', b'c'], 'f'))", tmp_path) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.count("array") == 2
    assert out.count("None") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_store_is_pruned_after_the_process_that_pruned_was_killed(tmp_path: Path) -> None:
    """It had copied the file, and not yet put the copy in its place."""
    code = """
store.put_many([b'%d' % i for i in range(500)], 'f', list(np.ones((500, 1, 100))))
store.put_many([b'a'], 'g', [np.ones((1, 2))])
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store.prune(fingerprints=['f'])
"""
    with python(code, tmp_path) as process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with FeatureStore(tmp_path) as store:
        assert store.get_many([b"a"], "g")[0] is not None
        store.put_many([b"b"], "h", [np.ones((1, 2))])
        store.prune(fingerprints=["h"])
        store.put_many([b"c"], "h", [np.ones((1, 2))])
        store.prune(fingerprints=["h"])
        assert [entry.fingerprint for entry in store.fingerprints()] == ["g"]
    assert not (tmp_path / "compact").exists()


def damaged(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[len(content) // 8 :]
    elif how == "empty":
        content.clear()
    elif how == "noise":
        content[:] = np.random.default_rng(0).bytes(len(content))
    elif how == "text":
        content[:] = b"hello"
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "empty", "noise", "text"])
def test_a_fit_over_a_damaged_store(forks: Any, data: Path, words: list[str], models: dict[int, Path], tmp_path: Path, how: str) -> None:
    line = ["fit", "train.csv", *words, "--seed", 2, "--out", tmp_path / "model", "--cache", tmp_path / "cache"]
    assert forks.fit(data, *line)["code"] == 0
    damaged(tmp_path / "cache" / "data.mdb", how)
    done = forks.fit(data, *line)
    assert done["code"] == 0, done["err"]
    told = done["err"].count("The work goes on, but new features are not kept.")
    assert told == (0 if how == "empty" else 1)
    if told:
        assert "is damaged" in done["err"]
        assert "`consilience cache prune --all`, or delete the folder" in done["err"]
    assert "12 of 12 cells" in done["err"]
    assert forks.look(tmp_path / "model", data) == forks.look(models[2], data)
    assert forks.fit(data, "cache", "prune", "--cache", tmp_path / "cache", "--all")["code"] == 0
    assert "not kept" not in forks.fit(data, *line)["err"]


def test_a_fit_over_a_store_that_may_only_be_read(forks: Any, data: Path, words: list[str], models: dict[int, Path]) -> None:
    """What is kept is used; what is new is not kept, which is said once."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        table = [(data / name).read_bytes() for name in ("train.csv",)]
        (place / "train.csv").write_bytes(table[0])
        for picture in data.glob("0-*.png"):
            (place / picture.name).write_bytes(picture.read_bytes())
        line = ["fit", "train.csv", *words, "--seed", 2, "--cache", place / "cache"]
        assert forks.fit(place, *line, "--out", place / "first")["code"] == 0
        for path in (place / "cache").iterdir():
            path.chmod(0o444)
        (place / "cache").chmod(0o555)
        (place / "out").mkdir()
        (place / "out").chmod(0o777)
        given = {"user": 65534} if os.geteuid() == 0 else {}
        done = forks.fit(place, *line, "--out", place / "out" / "model", **given)
        assert done["code"] == 0, done["err"]
        assert "not kept" not in done["err"]  # nothing new
        assert "12 cells/s" not in done["err"]
        (place / "0-0.png").write_bytes((place / "0-2.png").read_bytes() + b"\0")  # another content, the same picture
        done = forks.fit(place, *line, "--out", place / "out" / "model", **given)
        assert done["code"] == 0, done["err"]
        assert done["err"].count("cannot be written") == 1
        assert done["err"].count("The work goes on, but new features are not kept.") == 1
        (place / "cache").chmod(0o755)


DAMAGE = """
import consilience.features._environment as environment
keys = [b'%d' % i for i in range(600)]
true = np.random.default_rng(0).normal(size=(600, 1, 100)).astype(np.float32)
whole = (Path(sys.argv[1]) / 'data.mdb').read_bytes()
dice = np.random.default_rng(int(sys.argv[2]))
last = len(whole) // 4096
for turn in range(int(sys.argv[3])):
    content = bytearray(whole)
    page = int(dice.integers(last)) if turn % 2 else last - 1 - int(dice.integers(16))
    content[4096 * page + int(dice.integers(12, 40))] = int(dice.integers(256))
    folder = Path(sys.argv[1]) / str(turn)
    folder.mkdir()
    (folder / 'data.mdb').write_bytes(content)
    print(turn, page, flush=True)
    with module.FeatureStore(folder) as store:
        try:
            for found, array in zip(store.get_many(keys, 'f'), true):
                assert found is None or (found == array.astype(np.float16)).all()
        except StoreError:
            pass
    (folder / 'data.mdb').unlink()
"""


def test_a_byte_that_flipped_is_never_a_wrong_feature(tmp_path: Path) -> None:
    """It is a feature that is made again, or an error; near the end of the file, too, where a damaged page points behind it."""
    arrays = np.random.default_rng(0).normal(size=(600, 1, 100)).astype(np.float32)
    with FeatureStore(tmp_path) as store:
        store.put_many([b"%d" % index for index in range(600)], "f", list(arrays))
    size = (tmp_path / "data.mdb").stat().st_size
    os.truncate(tmp_path / "data.mdb", size - size % 4096)
    with python(DAMAGE, tmp_path, 0, 200) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, f"{out[-20:]} {err[-800:]}"
    assert out.count("\n") == 200


def test_an_error_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"x" * 10_000)
    with FeatureStore(tmp_path) as store, pytest.raises(StoreError, match=r"damaged.*cache prune"):
        store.get_many([b"a"], "f")
