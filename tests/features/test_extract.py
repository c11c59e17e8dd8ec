from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience.features._batches as waiting
import consilience.features._keeper as keeping
import consilience.features._openvino as bridge
import consilience.features.extract as extraction
import consilience.features.runtime as runtime
from consilience.core.budget import Budget
from consilience.core.errors import StoreError
from consilience.core.hashing import hash_bytes
from consilience.core.progress import Silent
from consilience.features.extract import Extracted, extract
from consilience.features.runtime import kept_under
from consilience.features.store import FeatureStore

HERE = Path(__file__).parent
SOURCE = Path(extraction.__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path / "cache") as store:
        yield store


def run(cells: Any, encoder: Any, store: FeatureStore | None = None, progress: Any = None, **options: Any) -> Extracted:
    return extract(cells, encoder, store, progress=progress or Silent(), label="words", **options)


def code_of(word: str) -> np.ndarray:
    """What the hashing encoder gives for one word, rounded as the store rounds."""
    return np.sin(np.frombuffer(hash_bytes(word.encode())[:5], dtype=np.uint8).astype(np.float32)).astype(np.float16).astype(np.float32)


def test_every_row_gets_its_own_cell(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = [f"word {index % 13}" if index % 5 else None for index in range(60)]
    encoder, progress = fakes.Hashing(), fakes.Noted()
    made = run(fakes.cells(words), encoder, store, progress)
    assert made.values.shape == (60, 5)
    assert made.values.dtype == np.float32
    np.testing.assert_array_equal(made.mask, [word is not None for word in words])
    for row, word in enumerate(words):
        np.testing.assert_array_equal(made.values[row], np.zeros(5) if word is None else code_of(word))
    assert (made.encoded, made.reused, encoder.encoded) == (13, 0, 13)
    assert (made.forwards, made.late) == (len(encoder.seen), set())
    assert (progress.total, progress.done, progress.said) == (13, 13, [])
    assert made.failures == {}
    assert made.seconds > 0


def test_the_second_time_nothing_is_encoded_and_nothing_differs(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = [f"word {index}" for index in range(50)]
    first, progress = run(fakes.cells(words), fakes.Hashing(), store), fakes.Noted()
    second = run(fakes.cells(words), encoder := fakes.Hashing(), store, progress)
    without = run(fakes.cells(words), fakes.Hashing(), None)
    assert (second.encoded, second.reused, second.forwards, encoder.encoded) == (0, 50, 0, 0)
    assert (progress.total, progress.done) == (50, 50)
    assert first.values.tobytes() == second.values.tobytes() == without.values.tobytes()
    third = run(fakes.cells([*words, "new", "newer"]), encoder, store)
    assert (third.encoded, third.reused) == (2, 50)
    np.testing.assert_array_equal(third.values[:50], first.values)
    assert run(fakes.cells(words), fakes.Hashing(scale=2.0), store).encoded == 50
    assert sorted((entry.label, entry.items) for entry in store.fingerprints()) == [("Hashing", 50), ("Hashing", 52)]


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.text("ab ", min_size=1, max_size=9), min_size=1, max_size=30), seed=st.integers(0, 99))
def test_the_order_of_rows_has_no_influence(words: list[str], seed: int) -> None:
    module = sys.modules[test_the_order_of_rows_has_no_influence.__module__]
    fakes = module.FAKES
    order = np.random.default_rng(seed).permutation(len(words))
    one, other = fakes.Hashing("sequence"), fakes.Hashing("sequence")
    straight, mixed = run(fakes.cells(words), one), run(fakes.cells(words).take(order), other)
    assert straight.values[order].tobytes() == mixed.values.tobytes()
    np.testing.assert_array_equal(straight.mask[order], mixed.mask)
    assert one.seen == other.seen


@pytest.fixture(autouse=True)
def _for_hypothesis(fakes: SimpleNamespace) -> None:
    globals()["FAKES"] = fakes


def test_sequences_are_padded(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = ["a", "b c d", None, "e f", " "]
    for encoder in (fakes.Hashing("sequence"), fakes.Hashing("sequence")):
        made = run(fakes.cells(words), encoder, store)
        assert made.values.shape == (5, 3, 5)
        np.testing.assert_array_equal(made.mask.sum(axis=1), [1, 3, 0, 2, 0])
        np.testing.assert_array_equal(made.values[1], [code_of(word) for word in "bcd"])
        assert not made.values[~made.mask].any()
    assert made.encoded == 0
    assert made.failures == {}


def test_nothing_present(fakes: SimpleNamespace, store: FeatureStore) -> None:
    for words in ([], [None, None]):
        made = run(fakes.cells(words), fakes.Hashing(), store)
        assert made.values.shape == (len(words), 5)
        assert not made.mask.any()
        assert (made.encoded, made.reused) == (0, 0)
    assert not store.folder.exists()


def test_failures_are_told_for_every_row(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = ["good", "broken", "gone", "good", "broken", None, "fine"]
    progress = fakes.Noted()
    made = run(fakes.cells(words), fakes.Hashing(), store, progress)
    assert sorted(made.failures) == [1, 2, 4]
    np.testing.assert_array_equal(made.mask, [True, False, False, True, False, False, True])
    assert str(made.failures[4]) == "Column 'words', row 4, file 'x.png': It cannot be read. Found: 'broken'. Look at it."
    assert str(made.failures[2]) == "Column 'words', row 2, file 'gone.png': The file cannot be read: No such file or directory."
    assert made.encoded == 2
    assert progress.done == progress.total == 3
    assert sorted(run(fakes.cells(words), fakes.Hashing(), store).failures) == [1, 2, 4]


def test_numbers_that_are_not_finite_are_a_failure_and_not_kept(fakes: SimpleNamespace, store: FeatureStore) -> None:
    made = run(fakes.cells(["a", "b"]), fakes.Hashing(scale=float("nan")), store)
    assert sorted(made.failures) == [0, 1]
    assert "not finite" in made.failures[0].reason
    assert not made.values.any()
    assert made.encoded == 0
    assert store.fingerprints() == [] or store.fingerprints()[0].items == 0


def test_values_too_large_for_float16(fakes: SimpleNamespace, store: FeatureStore) -> None:
    first = run(fakes.cells(["a", "b"]), fakes.Hashing(scale=1e7), store)
    second = run(fakes.cells(["a", "b"]), fakes.Hashing(scale=1e7), store)
    assert second.reused == 2
    assert np.abs(first.values).max() > 1e6
    assert first.values.tobytes() == second.values.tobytes()


def test_batches_hold_one_length_where_they_can(fakes: SimpleNamespace) -> None:
    words = [" ".join("abcdefghij"[: 1 + index % 3]) + f" {index}" for index in range(60)]
    encoder = fakes.Hashing("sequence")
    run(fakes.cells(words), encoder)
    assert max(len(batch) for batch in encoder.seen) == encoder.batch_size
    assert len(encoder.seen) == 15  # 20 cells of each of three lengths: no batch is mixed, none is short
    assert all(len({len(row) for row in batch}) == 1 for batch in encoder.seen)


def test_waiting_cells_are_bounded(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITING_CELLS", 10)
    encoder = fakes.Hashing("sequence")
    items = [(b"%d" % length, {"codes": np.zeros((length, 5))}) for length in range(100)]
    taken = 0

    def counted() -> Iterator[tuple[bytes, dict[str, np.ndarray]]]:
        nonlocal taken
        for item in items:
            taken += 1
            yield item

    done = 0
    for batch in waiting.batches(counted(), encoder):
        assert taken - done <= 11
        done += len(batch)
    assert done == 100


def test_few_cells_are_prepared_ahead(fakes: SimpleNamespace) -> None:
    encoder = fakes.Hashing()
    run(fakes.cells([f"w{index}" for index in range(1000)]), encoder)
    assert encoder.encoded == 1000
    assert encoder.most <= (extraction.AHEAD + 2) * encoder.batch_size


def test_a_store_that_fails_is_told_once_and_the_work_goes_on(fakes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEEP_CELLS", 4)
    (tmp_path / "file").write_text("")
    for store in (FeatureStore(tmp_path / "file" / "cache"), Full(tmp_path / "full")):
        progress = fakes.Noted()
        made = run(fakes.cells([f"w{index}" for index in range(40)]), fakes.Hashing(), store, progress)
        assert made.mask.all()
        assert made.encoded == 40
        (said,) = progress.said
        assert said.endswith("The work goes on, but new features are not kept.")
        assert "--cache" in said
        run(fakes.cells(["another column"]), fakes.Hashing(), store, progress)
        assert len(progress.said) == 1


class Full(FeatureStore):
    """A store on a full disk."""

    def put_many(self, keys: Any, fingerprint: str, arrays: Any) -> None:
        raise StoreError("The disk is full.", hint="Choose another folder with --cache.")


def test_an_interruption_keeps_what_was_encoded(fakes: SimpleNamespace, store: FeatureStore) -> None:
    class Interrupted(fakes.Hashing):  # type: ignore[misc]
        def encode(self, batch: dict[str, np.ndarray]) -> Any:
            if len(self.seen) == 3:
                raise KeyboardInterrupt
            return super().encode(batch)

    words = fakes.cells([f"w{index}" for index in range(40)])
    first = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(words, first, store)
    again = Interrupted()
    again.seen = [[]] * 4
    made = run(words, again, store)
    assert (made.reused, made.encoded) == (12, 28)


PROCESS = f"""
import importlib.util, os, signal, sys, time
from pathlib import Path
import numpy as np
spec = importlib.util.spec_from_file_location("fakes", {str(HERE / "conftest.py")!r})
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
import consilience.features._keeper as keeping
import consilience.features.extract as extraction
from consilience.core.progress import Silent
from consilience.features.store import FeatureStore
keeping.KEEP_CELLS = 8
class Here(fakes.Company):
    def encode(self, batch):
        self.before(batch)
        return super().encode(batch)
Here.__qualname__ = "Company"
def run(words, before):
    Here.before = before
    return extraction.extract(fakes.cells(words), Here("sequence"), FeatureStore(Path(sys.argv[1])), progress=Silent(), label="")
"""
MIXED = [" ".join("abcdefg"[: 1 + index % 7]) + f" {index}" for index in range(100)]
"""Texts of two to eight words: some batches are of one length, the last ones are mixed."""


def start(code: str, folder: Path, *words: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", PROCESS + f"words = {MIXED!r}\n" + code, str(folder), *map(str, words)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)}, **pipes)


@pytest.mark.parametrize("batches", [1, 7, 23])
def test_after_a_kill_the_work_goes_on_and_the_features_are_the_same(fakes: SimpleNamespace, tmp_path: Path, batches: int) -> None:
    code = f"run(words, lambda self, batch: os.kill(os.getpid(), signal.SIGKILL) if len(self.seen) == {batches} else None)"
    process = start(code, tmp_path)
    _, err = process.communicate(timeout=100)
    assert process.returncode == -9, err
    undisturbed = run(fakes.cells(MIXED), whole := fakes.Company("sequence"))
    with FeatureStore(tmp_path) as store:
        made = run(fakes.cells(MIXED), rest := fakes.Company("sequence"), store)
    assert made.reused + made.encoded == 100
    assert (made.reused > 0) == (batches > 1)  # eight cells wait to be kept: of one batch all are lost
    kept = len(whole.seen) - len(rest.seen)
    assert whole.seen[kept:] == rest.seen
    assert made.reused == sum(len(batch) for batch in whole.seen[:kept])
    assert made.values.tobytes() == undisturbed.values.tobytes()
    np.testing.assert_array_equal(made.mask, undisturbed.mask)


def test_two_processes_share_one_store(fakes: SimpleNamespace, tmp_path: Path) -> None:
    # They sleep at unlike paces so that each meets what the other has just kept; what is asserted holds whoever is first.
    code = """
print("ready", flush=True)
sys.stdin.readline()
made = run(words, lambda self, batch: time.sleep(0.003 * int(sys.argv[2])))
print(made.encoded + made.reused, made.values.tobytes().hex()[-2000:])
"""
    processes = [start(code, tmp_path, pace) for pace in (1, 2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    undisturbed = run(fakes.cells(MIXED), fakes.Company("sequence"))
    for process in processes:
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        assert out.split() == ["100", undisturbed.values.tobytes().hex()[-2000:]]
    with FeatureStore(tmp_path) as store:
        again = run(fakes.cells(MIXED), fakes.Company("sequence"), store)
        assert [entry.items for entry in store.fingerprints()] == [100]
    assert (again.encoded, again.forwards) == (0, 0)
    assert again.values.tobytes() == undisturbed.values.tobytes()


class Ends(Budget):
    """Time is over when it has been asked for so many times."""

    def left(self) -> float:
        asked = vars(self).setdefault("asked", [])
        asked.append(1)
        return 1.0 if len(asked) < (self.seconds or 0) else 0.0


def test_a_budget_that_ends_leaves_cells_late(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = ["broken", None, *(f"w{index % 50}" for index in range(60))]
    made = run(fakes.cells(words), fakes.Hashing(), store, budget=Ends(3))
    assert (made.forwards, made.encoded) == (3, 12)
    assert made.late - {0} == {row for row in range(2, 62) if not made.mask[row]}
    assert 38 <= len(made.late) <= 49
    assert (0 in made.late) != (0 in made.failures)  # a cell that was not looked at is not known to be broken
    order = sorted({hash_bytes(f"w{index}".encode()) for index in range(50)} | {hash_bytes(b"broken")})
    there = {hash_bytes(words[row].encode()) for row in range(2, 62) if made.mask[row]}  # type: ignore[union-attr]
    assert there <= set(order[:13])  # in the order of the keys, which is random
    rest = run(fakes.cells(words), fakes.Hashing(), store)
    assert (rest.reused, rest.encoded, rest.late) == (12, 38, set())
    assert sorted(rest.failures) == [0]


def test_a_budget_that_is_over_still_gives_one_batch_and_all_that_is_kept(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = [f"w{index}" for index in range(20)]
    assert run(fakes.cells(words), fakes.Hashing(), store, budget=Budget(0.0)).encoded == 4
    made = run(fakes.cells(words), fakes.Hashing(), store, budget=Budget(0.0))
    assert (made.reused, made.encoded, len(made.late)) == (4, 4, 12)
    assert run(fakes.cells(words), fakes.Hashing(), store, budget=Budget(1e6)).late == set()


def test_a_budget_leaves_out_no_length(fakes: SimpleNamespace) -> None:
    """What is mixed comes in the order of the keys: neither the long nor the short texts are those that are late."""
    words = [" ".join("x" * (1 + index % 40)) + f" {index}" for index in range(80)]
    made = run(fakes.cells(words), fakes.Hashing("sequence"), budget=Ends(10))
    lengths = np.array([1 + index % 40 for index in range(80)])
    there = np.array(sorted(set(range(80)) - made.late))
    assert len(there) == 40
    assert lengths[there].min() < 12
    assert lengths[there].max() > 28


def test_a_picture_is_read_at_the_size_that_the_encoder_wants(fakes: SimpleNamespace) -> None:
    words = fakes.cells(["a", "b"])
    asked: list[tuple[str, int]] = []

    def read_at(value: str, size: int) -> str:
        asked.append((value, size))
        return value

    words.kind.read_at = read_at
    run(words, fakes.Hashing())
    assert asked == []

    class Sees(fakes.Hashing):  # type: ignore[misc]
        image_size = 224

    run(words, Sees())
    assert sorted(asked) == [("a", 224), ("b", 224)]


@pytest.mark.parametrize("way", ["auto", "torch"])
@pytest.mark.parametrize("name", ["Letters", "Pixels"])
def test_module_encoders(fakes: SimpleNamespace, store: FeatureStore, name: str, way: str) -> None:
    words = fakes.cells([f"{index} " * (1 + index % 4) for index in range(40)] + [None])
    encoder = getattr(fakes, name)()
    made = run(words, encoder, store, runtime=way)
    assert made.values.shape == (41, encoder.width)
    for row in range(40):
        alone = encoder.encode(encoder.collate([encoder.prepare(words.values[row])]))[0][0, 0]
        np.testing.assert_allclose(made.values[row], alone, rtol=2e-2, atol=2e-2)
    again = run(words, getattr(fakes, name)(), store, runtime=way)
    assert (again.encoded, again.reused) == (0, 40)
    assert again.values.tobytes() == made.values.tobytes()


def test_precisions_are_not_mixed(fakes: SimpleNamespace, store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the cells were kept in bfloat16; then OpenVINO refuses: what torch makes must not stand beside them."""
    if runtime.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: True)
    monkeypatch.setattr(bridge, "convert_module", refuse)
    words = [f"{index}" for index in range(10)]
    encoder = fakes.Letters()
    store.put_many([hash_bytes(word.encode()) for word in words[:5]], kept_under(encoder, "bf16"), [np.zeros((1, 6))] * 5)
    progress = fakes.Noted()
    made = run(fakes.cells(words), encoder, store, progress)
    assert (made.encoded, made.reused) == (10, 0)
    assert np.abs(made.values).min(axis=0).all()
    assert progress.done == progress.total == 10
    assert "runs on torch" in progress.said[0]
    assert run(fakes.cells(words), encoder, store).reused == 10


def refuse(*_: object, **__: object) -> Any:
    raise RuntimeError("no")


@pytest.mark.skipif(runtime.find_spec("openvino") is None, reason="openvino is not installed")
def test_batches_beside_one_another_give_what_they_give_alone(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four at once on one thread each, in order; the rows get their own."""
    monkeypatch.setattr(runtime, "threads", lambda: 4)
    words = fakes.cells([f"{index} " * (1 + index % 4) for index in range(150)])
    most = running = 0
    lock = threading.Lock()
    whole = bridge.Graph.__call__

    def counted(self: Any, arrays: Any, *, beside: bool = False) -> Any:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)  # long enough that the next call begins meanwhile
        try:
            return whole(self, arrays, beside=beside)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(bridge.Graph, "__call__", counted)
    many = run(words, encoder := fakes.Pixels())
    assert 1 < most <= 4
    for row in (0, 77, 149):
        (alone,) = run(words.take(np.array([row])), encoder).values
        assert many.values[row].tobytes() == alone.tobytes()
    monkeypatch.setattr(runtime, "threads", lambda: 1)
    most = 0
    assert run(words, fakes.Pixels()).values.tobytes() == many.values.tobytes()
    assert most == 1
