"""A model folder that somebody changed: refused in words, whatever was done to it, also where the checksums were made to fit."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

import consilience
from consilience.core.errors import ConsilienceError, FolderError
from consilience.core.hashing import hash_file

JSON = ["schema.json", "learned.json", "calibration.json", "leaderboard.json"]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of words, pictures and a number, with trees, so that every sort of file is there."""
    made = consilience.fit(
        data / "train.csv",
        target="label",
        kinds={"words": "text", "picture": "image"},
        encoders={"words": "bow", "picture": "hog"},
        learners=("linear", "trees", "ensemble"),
        presets="fast",
        folds=2,
        progress=False,
        cache=tmp_path_factory.mktemp("store"),
    )
    return made.save(tmp_path_factory.mktemp("whole") / "model")


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def seal(folder: Path) -> None:
    """Makes the manifest fit what is there."""
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    there = [path for path in files_of(folder) if path.name != "MANIFEST.json"]
    manifest["files"] = {path.relative_to(folder).as_posix(): hash_file(path) for path in there}
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))


def refused(folder: Path, match: str | None = None) -> str:
    with pytest.raises(FolderError, match=match) as caught:
        consilience.load(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 900
    return said


def empty(content: bytes) -> bytes:
    return b""


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def longer(content: bytes) -> bytes:
    return content + b"\n"


def one_bit(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 4]) + content[len(content) // 2 + 1 :]


def pickled(content: bytes) -> bytes:
    return pickle.dumps({"weights": [1, 2, 3]})


@pytest.mark.parametrize("change", [one_bit, empty, half, longer, pickled])
def test_every_file_has_to_be_as_it_was_written(copy: Path, change: Callable[[bytes], bytes]) -> None:
    names = {path.parent.name for path in files_of(copy)}
    assert {"weights", "trees"} <= names
    for file in files_of(copy):
        before = file.read_bytes()
        file.write_bytes(change(before))
        if file.name == "MANIFEST.json" and change in (one_bit, longer):
            loaded_or_refused(copy)
        else:
            assert file.name in refused(copy)
        file.write_bytes(before)
    consilience.load(copy)


def loaded_or_refused(folder: Path) -> None:
    """The manifest has no checksum of its own: what is changed in it is noticed where it matters."""
    with suppress(FolderError):
        consilience.load(folder)


def test_every_file_has_to_be_there(copy: Path) -> None:
    for file in files_of(copy):
        before = file.read_bytes()
        file.unlink()
        assert file.name in refused(copy)
        file.mkdir()
        assert file.name in refused(copy)
        file.rmdir()
        file.write_bytes(before)
    consilience.load(copy)


@pytest.mark.parametrize(
    "name", ["evil.pkl", "evil.PKL", "model.pt", "weights/evil.pickle", "weights/more.safetensors", "trees/member0.x.txt", "sub/a.txt"]
)
def test_a_file_too_many_is_refused(copy: Path, name: str) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_bytes(pickle.dumps(1))
    assert "does not belong" in refused(copy, Path(name).stem)


def test_notes_of_a_person_are_left_alone(copy: Path) -> None:
    (copy / "notes.txt").write_text("the good one")
    (copy / ".DS_Store").write_bytes(b"\0")
    consilience.load(copy)


def test_a_link_too_many_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "weights" / "more").symlink_to(tmp_path / "nowhere")
    refused(copy, "does not belong")


@pytest.mark.parametrize("name", ["weights/evil.pkl", "evil.pkl", "evil.py", "weights/evil.npy", "run", "trees/evil.pkl", "a/b.json"])
def test_a_manifest_that_lists_what_we_never_write(copy: Path, name: str) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_bytes(pickle.dumps(1))
    seal(copy)
    assert "no version of consilience writes" in refused(copy)


@pytest.mark.parametrize(
    "name", ["../outside.json", "/etc/passwd.json", "weights/../../x.json", "weights/./../recipe.yaml", "a" * 5000 + ".json", "a\0.json", ""]
)
def test_a_manifest_whose_paths_leave_the_folder(copy: Path, name: str) -> None:
    (copy.parent / "outside.json").write_text("{}")
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    manifest["files"][name] = hash_file(copy.parent / "outside.json")
    (copy / "MANIFEST.json").write_text(json.dumps(manifest))
    refused(copy, "outside|lacks|no version|cannot be read")


@pytest.mark.parametrize("part", ["weights", "learned.json"])
def test_a_link_out_of_the_folder(copy: Path, part: str) -> None:
    """Also where what stands there is as it was written: it could change afterwards."""
    shutil.move(copy / part, copy.parent / part)
    (copy / part).symlink_to(copy.parent / part)
    refused(copy, "outside")


def test_a_link_to_the_folder_is_as_good_as_the_folder(copy: Path) -> None:
    (copy.parent / "link").symlink_to(copy)
    made = consilience.load(copy.parent / "link")
    made.save(copy.parent / "link")
    assert (copy.parent / "link").is_symlink()
    consilience.load(copy)


@pytest.mark.parametrize("file", [*JSON, "recipe.yaml"])
def test_a_manifest_that_keeps_silent_about_a_file(copy: Path, file: str) -> None:
    """Otherwise that file could be changed at will."""
    manifest = json.loads((copy / "MANIFEST.json").read_text())
    del manifest["files"][file]
    (copy / "MANIFEST.json").write_text(json.dumps(manifest))
    refused(copy, file)


@pytest.mark.parametrize(
    "change",
    [{"format": 99}, {"format": 0}, {"format": "1"}, {"format": None}, {"format": True}, {"format": 1e400}]
    + [{"files": value} for value in ({}, [], "all", None, {"recipe.yaml": 1})]
    + [{"format": "gone"}, {"files": "gone"}, {"written_by": "gone"}],
)
def test_a_manifest_of_another_form(copy: Path, change: dict[str, Any]) -> None:
    manifest = {**json.loads((copy / "MANIFEST.json").read_text()), **change}
    (copy / "MANIFEST.json").write_text(json.dumps({name: value for name, value in manifest.items() if value != "gone"}))
    said = refused(copy)
    assert "MANIFEST" in said or "manifest" in said or "format 99" in said


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b"NaN", pickle.dumps({})])
@pytest.mark.parametrize("file", ["MANIFEST.json", *JSON, "recipe.yaml"])
def test_a_file_that_holds_no_such_thing(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    if file != "MANIFEST.json":
        seal(copy)
    refused(copy)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("alone", 5),
        ("alone", [{"modality": "text"}]),
        ("alone", [{"modality": 1, "candidate": "a", "score": 0.5, "gain": None, "seeds": 1}]),
        ("by_seed", "all"),
        ("seeds", "three"),
    ],
)
def test_facts_that_worth_and_the_report_could_not_tell(copy: Path, part: str, value: Any) -> None:
    facts = json.loads((copy / "leaderboard.json").read_text())
    assert {"alone", "fusion_gain"} <= set(facts)
    (facts if part in facts else facts["fusion_gain"])[part] = value
    (copy / "leaderboard.json").write_text(json.dumps(facts))
    seal(copy)
    refused(copy, part)


def test_a_recipe_of_few_lines_that_stands_for_more_than_memory_holds(copy: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (copy / "recipe.yaml").write_text("target: label\ntask_settings:\n" + "\n".join(f"  {line}" for line in lines))
    seal(copy)
    refused(copy, "aliases")


def test_a_recipe_that_would_run_something(copy: Path) -> None:
    (copy / "recipe.yaml").write_text("target: !!python/object/apply:os.system [echo]\n")
    seal(copy)
    refused(copy)


def test_weights_replaced_with_sealed_nonsense(copy: Path) -> None:
    for file in [*(copy / "weights").iterdir(), *(copy / "trees").iterdir()]:
        before = file.read_bytes()
        for change in (empty, half, pickled):
            file.write_bytes(change(before))
            seal(copy)
            try:
                consilience.load(copy)
            except FolderError:
                continue
            assert file.parent.name == "trees"  # half a list of words is a list of words
            assert file.name.startswith("features")
        file.write_bytes(before)
    seal(copy)
    consilience.load(copy)


@pytest.mark.parametrize("part", ["../../outside", "weights/../../outside", "*"])
def test_a_part_that_is_named_like_a_path(copy: Path, part: str) -> None:
    shutil.copy(copy / "weights" / "member0.safetensors", copy.parent / "outside.safetensors")
    learned = json.loads((copy / "learned.json").read_text())
    learned["parts"][part] = learned["parts"].pop("member0")
    (copy / "learned.json").write_text(json.dumps(learned))
    seal(copy)
    refused(copy, "member0")


WRONG = [None, "text", -1, [], {}, True, 1e400]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value; of several of one form in a list or mapping, the first."""
    seen = set()
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        form = json.dumps(inner, default=str) if not isinstance(inner, dict) else str(sorted(inner))
        form = "" if isinstance(value, list) and not isinstance(inner, dict) else form
        if not (isinstance(inner, dict | list) or isinstance(value, list)) or form not in seen:
            seen.add(form)
            yield (*path, step)
            yield from places(inner, (*path, step))


def with_change(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    made = json.loads(json.dumps(value))
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    change(inner, path[-1])
    return made


def remove(inner: Any, step: Any) -> None:
    del inner[step]


def replace(value: Any) -> Callable[[Any, Any], None]:
    def change(inner: Any, step: Any) -> None:
        inner[step] = value

    return change


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text()) if file.suffix == ".yaml" else json.loads(file.read_text())


@pytest.mark.parametrize(
    "file", [*(pytest.param(name, marks=pytest.mark.slow) for name in JSON if "c" not in name[0]), "calibration.json", "recipe.yaml"]
)
def test_wrong_values_are_refused_when_loading_or_do_no_harm(copy: Path, data: Path, file: str) -> None:
    """Each value in turn is missing or of another type: loading says so in words, or the model predicts, or what it lacks is said in words."""
    before = read(copy / file)
    crashed, refusals = [], 0
    for path in places(before):
        for change in (remove, *map(replace, WRONG)):
            (copy / file).write_text(json.dumps(with_change(before, path, change)))
            seal(copy)
            try:
                made = consilience.load(copy)
            except FolderError:
                refusals += 1
                continue
            except Exception as error:
                crashed.append(f"load: {path} {error!r}"[:300])
                continue
            try:
                made.predict_table(data / "test.csv", proba=True)
                repr((made, made.verdict, made.leaderboard))
            except ConsilienceError:
                continue
            except Exception as error:
                crashed.append(f"predict: {path} {error!r}"[:300])
    assert crashed == []
    assert refusals > 5
