from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import consilience.features._environment as environment
from consilience.core.errors import StoreError
from consilience.features.store import FeatureStore, Freed, full_key, rounded

SOURCE = str(Path(environment.__file__).parents[2])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path / "cache" / "features") as store:
        yield store


def some(count: int, width: int = 8, tokens: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, tokens, width)).astype(np.float32)


def names(count: int) -> list[bytes]:
    return [b"%d" % index for index in range(count)]


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    head = "import sys, os, signal, resource, numpy as np\nfrom pathlib import Path\nfrom consilience.features.store import FeatureStore\n"
    head += "from consilience.core.errors import StoreError\nstore = FeatureStore(Path(sys.argv[1]))\n"
    words = [sys.executable, "-c", head + code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, text=True, env={**os.environ, "PYTHONPATH": SOURCE}, **pipes)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out


def test_reading_makes_nothing(store: FeatureStore) -> None:
    assert store.get_many([b"a"], "f") == [None]
    assert store.fingerprints() == []
    assert store.prune(max_bytes=0) == Freed(0, 0)
    assert not store.folder.exists()


def test_gives_back_what_was_put(store: FeatureStore) -> None:
    arrays = [some(1, tokens=tokens)[0] for tokens in (1, 7, 0)]
    store.put_many([b"a", b"b", b"c"], "f", arrays)
    found = store.get_many([b"c", b"nothing", b"b", b"a"], "f")
    assert found[1] is None
    for array, kept in zip((arrays[2], arrays[1], arrays[0]), (found[0], found[2], found[3]), strict=True):
        assert kept is not None
        assert kept.dtype == np.float16
        np.testing.assert_array_equal(kept, array.astype(np.float16))
    assert store.get_many([b"a"], "another") == [None]


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 6)), elements=st.floats(width=32)))
def test_what_comes_back_equals_what_is_rounded(array: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder, FeatureStore(Path(folder)) as store:
        store.put_many([b"a"], "f", [array])
        (kept,) = store.get_many([b"a"], "f")
    assert kept is not None
    assert kept.dtype == rounded(array).dtype
    assert kept.tobytes() == rounded(array).tobytes()
    np.testing.assert_array_equal(np.isfinite(kept), np.isfinite(array))


def test_large_values_are_kept_as_float32(store: FeatureStore) -> None:
    store.put_many([b"a"], "f", [np.array([[1e6, 0.1]])])
    (kept,) = store.get_many([b"a"], "f")
    assert kept is not None
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, np.array([[1e6, 0.1]], dtype=np.float32))


def test_result_is_writable_and_outlives_the_store(store: FeatureStore) -> None:
    store.put_many([b"a"], "f", [np.ones((1, 3))])
    (kept,) = store.get_many([b"a"], "f")
    store.close()
    assert kept is not None
    kept += 1
    assert kept.sum() == 6


def test_counts_each_cell_once(store: FeatureStore) -> None:
    store.put_many(names(10), "f", list(some(10)))
    size = store.fingerprints()[0].bytes
    store.put_many(names(10), "f", list(some(10, seed=1)))
    store.put_many(names(3), "g", list(some(3)))
    store.describe("f", "text/minilm")
    first, second = sorted(store.fingerprints(), key=lambda entry: entry.fingerprint)
    assert (first.fingerprint, first.label, first.items, first.bytes) == ("f", "text/minilm", 10, size)
    assert (second.fingerprint, second.label, second.items) == ("g", "", 3)
    assert abs(first.used - time.time()) < 100


def test_describing_again_writes_nothing(store: FeatureStore) -> None:
    store.describe("f", "a")
    before = (store.folder / "data.mdb").read_bytes()
    store.describe("f", "a")
    assert (store.folder / "data.mdb").read_bytes() == before
    store.describe("f", "b")
    assert [entry.label for entry in store.fingerprints()] == ["b"]


def test_grows_by_itself(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "FIRST_MAP", 1 << 20)
    arrays = some(6000, width=256)
    for at in range(0, 6000, 1500):
        store.put_many(names(6000)[at : at + 1500], "f", list(arrays[at : at + 1500]))
    assert (store.folder / "data.mdb").stat().st_size > 3 << 20
    assert all(array is not None for array in store.get_many(names(6000), "f"))


def test_follows_a_file_that_another_process_has_grown(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "FIRST_MAP", 1 << 20)
    store.put_many([b"mine"], "f", [np.ones((1, 4))])
    code = "store.put_many([b'%d' % i for i in range(6000)], 'f', list(np.ones((6000, 1, 1024))))"
    finish(python(code, store.folder))
    assert store.get_many([b"mine"], "f")[0] is not None
    assert store.get_many([b"5999"], "f")[0] is not None
    finish(python(code.replace("'f'", "'g'"), store.folder))
    store.put_many([b"more"], "f", [np.ones((1, 4))])
    assert [entry.items for entry in sorted(store.fingerprints(), key=lambda entry: entry.fingerprint)] == [6002, 6000]


def test_two_processes_write_at_once(store: FeatureStore) -> None:
    code = """
who = int(sys.argv[2])
for part in range(20):
    store.put_many([b'%d' % (who * 1000 + part * 20 + i) for i in range(20)], 'f', list(np.full((20, 1, 300), who + 1.0)))
    assert all(array is not None for array in store.get_many([b'%d' % (who * 1000 + part * 20 + i) for i in range(20)], 'f'))
"""
    for process in [python(code, store.folder, who) for who in range(2)]:
        finish(process)
    for who in range(2):
        for array in store.get_many([b"%d" % (who * 1000 + index) for index in range(400)], "f"):
            assert array is not None
            np.testing.assert_array_equal(array, np.full((1, 300), who + 1.0))
    assert store.fingerprints()[0].items == 800


def test_is_whole_after_kill_in_the_middle_of_writing(store: FeatureStore) -> None:
    code = """
part = 0
while True:
    store.put_many([b'%d' % (part * 50 + i) for i in range(50)], 'f', list(np.full((50, 1, 700), part % 1000)))
    part += 1
    print(part, flush=True)
"""
    for parts in (1, 3):
        process = python(code, store.folder)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(parts)]
        time.sleep(0.003 * parts)
        process.kill()
        process.communicate()
        done = int(told[-1]) * 50
        found = store.get_many([b"%d" % index for index in range(done)], "f")
        for index, array in enumerate(found):
            assert array is not None
            np.testing.assert_array_equal(array, np.full((1, 700), index // 50))
        store.put_many([b"after"], "f", [np.ones((1, 2))])
        assert store.get_many([b"after"], "f")[0] is not None
        entry = store.fingerprints()[0]
        assert entry.items >= done + 1
        assert (entry.items - 1) % 50 == 0  # a batch is there or it is not


def test_threads_share_one_store(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "FIRST_MAP", 1 << 20)
    wrong: list[object] = []

    def work(who: int) -> None:
        own = FeatureStore(store.folder) if who % 2 else store
        for part in range(10):
            keys = [b"%d-%d-%d" % (who, part, index) for index in range(30)]
            own.put_many(keys, "f", list(some(30, width=400, seed=who)))
            wrong.extend(array for array in own.get_many(keys, "f") if array is None)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert store.fingerprints()[0].items == 1200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_survives_a_fork(store: FeatureStore) -> None:
    store.put_many([b"a"], "f", [np.ones((1, 2))])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.put_many([b"b"], "f", [np.ones((1, 2))])
            code = 0 if all(array is not None for array in store.get_many([b"a", b"b"], "f")) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.put_many([b"c"], "f", [np.ones((1, 2))])
    assert all(array is not None for array in store.get_many([b"a", b"b", b"c"], "f"))


def test_two_stores_on_one_folder(store: FeatureStore) -> None:
    with FeatureStore(store.folder) as other:
        other.put_many([b"a"], "f", [np.ones((1, 2))])
    assert store.get_many([b"a"], "f")[0] is not None
    store.close()
    assert store.get_many([b"a"], "f")[0] is not None


def test_a_deleted_folder_is_made_again(store: FeatureStore) -> None:
    store.put_many([b"a"], "f", [np.ones((1, 2))])
    for path in store.folder.iterdir():
        path.unlink()
    store.folder.rmdir()
    assert store.get_many([b"a"], "f") == [None]
    store.put_many([b"a"], "f", [np.ones((1, 2))])
    assert store.get_many([b"a"], "f")[0] is not None


def put_raw(store: FeatureStore, key: bytes, value: bytes) -> None:
    store.close()
    with lmdb.open(str(store.folder), max_dbs=2) as env, env.begin(write=True) as txn:
        txn.put(key, value, db=env.open_db(b"features", txn=txn))


def get_raw(store: FeatureStore, key: bytes) -> bytes:
    store.close()
    with lmdb.open(str(store.folder), max_dbs=2) as env:
        db = env.open_db(b"features", create=False)
        with env.begin() as txn:
            return bytes(txn.get(key, db=db))


@pytest.mark.parametrize("at", [2, 3, 4, 8, 12, 16, 21, -1])
def test_a_wrong_entry_counts_as_absent_and_is_replaced(store: FeatureStore, at: int) -> None:
    store.put_many([b"a", b"b"], "f", [np.ones((1, 3)), np.zeros((1, 3))])
    value = bytearray(get_raw(store, full_key(b"a", "f")))
    value[at] ^= 1
    put_raw(store, full_key(b"a", "f"), bytes(value))
    first, second = store.get_many([b"a", b"b"], "f")
    assert first is None
    assert second is not None
    store.put_many([b"a"], "f", [np.ones((1, 3))])
    assert store.get_many([b"a"], "f")[0] is not None
    assert store.fingerprints()[0].items == 2


def test_an_entry_of_another_cell_counts_as_absent(store: FeatureStore) -> None:
    store.put_many([b"a", b"b"], "f", [np.ones((1, 3)), np.zeros((1, 3))])
    put_raw(store, full_key(b"a", "f"), get_raw(store, full_key(b"b", "f")))
    assert store.get_many([b"a"], "f") == [None]


@pytest.mark.parametrize("value", [b"", b"x", b"something that is no feature at all"])
def test_garbage_says_what_to_do(store: FeatureStore, value: bytes) -> None:
    store.put_many([b"a"], "f", [np.ones((1, 3))])
    put_raw(store, full_key(b"a", "f"), value)
    with pytest.raises(StoreError, match=r"no feature\. Empty it with `consilience cache prune --all`, or delete the folder"):
        store.get_many([b"a"], "f")


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "garbage":
        data[:] = bytes(np.random.default_rng(0).integers(0, 255, len(data), dtype=np.uint8))
    elif how == "cut":
        del data[len(data) // 3 :]
    elif how == "zeros":
        data[8192:] = bytes(len(data) - 8192)
    elif how == "text":
        data[:] = b"not a database"
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["garbage", "cut", "zeros", "text"])
def test_a_damaged_file_is_an_error_and_pruning_mends_it(tmp_path: Path, how: str) -> None:
    # In another process: damage that were not noticed could end it.
    with FeatureStore(tmp_path) as store:
        store.put_many(names(3000), "f", list(some(3000, width=100)))
    damage(tmp_path / "data.mdb", how)
    code = """
keys = [b'%d' % i for i in range(3000)]
for job in (lambda: store.get_many(keys, 'f'), lambda: store.put_many(keys, 'f', list(np.ones((3000, 1, 9))))):
    try:
        job()
    except StoreError as error:
        print(error)
store.prune()
store.put_many([b'a'], 'f', [np.ones((1, 2))])
print(store.get_many([b'a'], 'f')[0].shape)
"""
    *told, last = finish(python(code, tmp_path)).splitlines()
    assert last == "(1, 2)"
    assert len(told) == 2
    assert all("is damaged" in line and "`consilience cache prune --all`, or delete the folder" in line for line in told)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path)) as env, env.begin(write=True) as txn:
        txn.put(b"their", b"data")
    with FeatureStore(tmp_path) as store:
        with pytest.raises(StoreError, match="made by another program"):
            store.put_many([b"a"], "f", [np.ones((1, 2))])
        with pytest.raises(StoreError, match="made by another program"):
            store.get_many([b"a"], "f")


def test_another_version_is_refused(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_many([b"a"], "f", [np.ones((1, 2))])
    store.close()
    with lmdb.open(str(store.folder), max_dbs=2) as env, env.begin(write=True) as txn:
        txn.put(b"consilience", b'{"format": 99}')
    with pytest.raises(StoreError, match="another version"):
        store.get_many([b"a"], "f")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with FeatureStore(tmp_path / "file" / "cache") as store, pytest.raises(StoreError, match="cannot be"):
        store.put_many([b"a"], "f", [np.ones((1, 2))])


UNPRIVILEGED = """
folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions on this system")
def test_a_folder_that_may_only_be_read() -> None:
    # Not in tmp_path, into which only its owner may look.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with FeatureStore(folder) as store:
            store.put_many([b"a"], "f", [np.ones((1, 2))])
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        code = """
print(store.get_many([b'a', b'b'], 'f'))
try:
    store.put_many([b'b'], 'f', [np.ones((1, 2))])
except StoreError as error:
    print(error)
print(store.get_many([b'a'], 'f')[0].shape)
try:
    print(store.prune())
except StoreError as error:
    print('not pruned:', error)
"""
        told = finish(python(UNPRIVILEGED + code, folder)).splitlines()
        folder.chmod(0o755)
        assert told[0] == "[array([[1., 1.]], dtype=float16), None]"
        assert "cannot be written" in told[1]
        assert "--cache" in told[1]
        assert told[2] == "(1, 2)"
        assert told[3].startswith("not pruned:")


def test_a_full_disk_is_said_and_what_was_there_stays(store: FeatureStore) -> None:
    pytest.importorskip("resource")
    code = """
store.put_many([b'a'], 'f', [np.ones((1, 2))])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    store.put_many([b'%d' % i for i in range(1000)], 'f', list(np.ones((1000, 1, 500))))
except StoreError as error:
    print(error)
print(store.get_many([b'a', b'0'], 'f'))
store.put_many([b'b'], 'f', [np.ones((1, 2))])
print(store.fingerprints()[0].items)
"""
    told = finish(python(code, store.folder)).splitlines()
    assert told[0].startswith("The disk is full, or a file may not grow")
    assert "`consilience cache prune" in told[0]
    assert told[1:] == ["[array([[1., 1.]], dtype=float16), None]", "2"]


def test_prune_by_fingerprint_gives_the_space_back(store: FeatureStore) -> None:
    store.put_many(names(2000), "f", list(some(2000, width=300)))
    store.put_many(names(5), "g", list(some(5)))
    size = (store.folder / "data.mdb").stat().st_size
    kept = next(entry for entry in store.fingerprints() if entry.fingerprint == "f")
    assert store.prune(fingerprints={"f", "unknown"}) == Freed(2000, kept.bytes)
    assert (store.folder / "data.mdb").stat().st_size < size / 4
    assert store.get_many(names(2000), "f") == [None] * 2000
    assert all(array is not None for array in store.get_many(names(5), "g"))
    store.put_many(names(5), "f", list(some(5)))
    assert sorted(entry.items for entry in store.fingerprints()) == [5, 5]


def test_prune_by_age_and_by_size(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for days, name in enumerate("fgh"):
        monkeypatch.setattr(time, "time", lambda days=days: now - days * 86400)
        store.describe(name, name)
        store.put_many(names(10), name, list(some(10)))
    monkeypatch.setattr(time, "time", lambda: now)
    assert [entry.fingerprint for entry in store.fingerprints()] == ["f", "g", "h"]
    each = store.fingerprints()[0].bytes
    assert store.prune(older_than_days=5, fingerprints={"f"}) == Freed(0, 0)
    assert store.prune(older_than_days=1.5) == Freed(10, each)
    assert store.prune(max_bytes=2 * each) == Freed(0, 0)
    assert store.prune(max_bytes=2 * each - 1) == Freed(10, each)
    assert [entry.fingerprint for entry in store.fingerprints()] == ["f"]
    assert store.prune() == Freed(10, each)
    assert store.fingerprints() == []


def test_prune_in_parts(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.features.store.CHUNK", 7)
    store.put_many(names(50), "f", list(some(50)))
    store.put_many(names(50), "g", list(some(50)))
    assert store.prune(fingerprints=["f"]).items == 50
    assert [(entry.fingerprint, entry.items) for entry in store.fingerprints()] == [("g", 50)]
    assert all(array is not None for array in store.get_many(names(50), "g"))


def test_prune_while_another_process_uses_the_folder(store: FeatureStore) -> None:
    store.put_many(names(500), "f", list(some(500, width=100)))
    code = "store.get_many([b'0'], 'f'); print('open', flush=True); sys.stdin.readline(); store.put_many([b'late'], 'g', [np.ones((1, 2))])"
    with python(code, store.folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert store.prune().items == 500
        process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert store.get_many([b"late"], "g")[0] is not None
    assert [entry.fingerprint for entry in store.fingerprints()] == ["g"]
