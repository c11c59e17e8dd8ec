from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience.features._batches as waiting
import consilience.features._openvino as bridge
import consilience.features.extract as extraction
import consilience.features.runtime as runtime
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
    assert (progress.total, progress.done, progress.said) == (13, 13, [])
    assert made.failures == {}
    assert made.seconds > 0


def test_the_second_time_nothing_is_encoded_and_nothing_differs(fakes: SimpleNamespace, store: FeatureStore) -> None:
    words = [f"word {index}" for index in range(50)]
    first, progress = run(fakes.cells(words), fakes.Hashing(), store), fakes.Noted()
    second = run(fakes.cells(words), encoder := fakes.Hashing(), store, progress)
    without = run(fakes.cells(words), fakes.Hashing(), None)
    assert (second.encoded, second.reused, encoder.encoded) == (0, 50, 0)
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
    monkeypatch.setattr(extraction, "KEEP_CELLS", 4)
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


def test_a_kill_keeps_what_was_encoded(fakes: SimpleNamespace, tmp_path: Path) -> None:
    code = f"""
import importlib.util, os, signal, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("fakes", {str(HERE / "conftest.py")!r})
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
import consilience.features.extract as extraction
from consilience.core.progress import Silent
from consilience.features.store import FeatureStore
extraction.KEEP_CELLS = 8
class Killed(fakes.Hashing):
    def encode(self, batch):
        if len(self.seen) == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(batch)
Killed.__qualname__ = "Hashing"
extraction.extract(fakes.cells([f"w{{index}}" for index in range(100)]), Killed(), FeatureStore(Path(sys.argv[1])), progress=Silent(), label="")
"""
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    assert process.returncode == -9, process.stderr
    with FeatureStore(tmp_path) as store:
        made = run(fakes.cells([f"w{index}" for index in range(100)]), fakes.Hashing(), store)
    assert made.reused == 24  # seven batches of four were made, the last of them had not been kept
    assert made.encoded == 76


def test_a_picture_is_read_at_the_size_that_the_encoder_wants(fakes: SimpleNamespace) -> None:
    words = fakes.cells(["a", "b"])
    asked: list[tuple[str, int]] = []

    def read_at(value: str, size: int) -> str:
        asked.append((value, size))
        return value

    words.kind.read_at = read_at
    run(words, fakes.Hashing())
    assert asked == []
    encoder = fakes.Hashing()
    encoder.image_size = 224
    run(words, encoder)
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
    monkeypatch.setattr(bridge, "compile_module", refuse)
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
