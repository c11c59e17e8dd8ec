"""The fakes are what they say: seeded, of every kind, and telling the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from consilience.data.kinds import KINDS, Profile
from consilience.data.schema import infer_schema
from consilience.data.table import Table
from consilience.testing import HashingText, RandomImage, check_encoder, fake_column, fake_columns, fake_examples, fake_target, fake_task, tiny_table
from consilience.testing._fake_table import COLUMN_OF

TASKS = ["binary", "multiclass", "multilabel", "regression"]


@pytest.mark.parametrize("task", TASKS)
def test_a_tiny_table_is_taken_for_what_it_is(task: str, tmp_path: Path) -> None:
    frame = tiny_table(task, 120, folder=tmp_path)
    schema = infer_schema(Table(frame), "label")
    assert schema.target is not None
    assert schema.target.task == task
    assert {column.name: column.kind for column in schema.features()} == {name: kind for kind, name in COLUMN_OF.items()}


def test_a_tiny_table_is_seeded_and_has_gaps(tmp_path: Path) -> None:
    frame = tiny_table(rows=80, seed=4)
    assert frame.equals(tiny_table(rows=80, seed=4))
    assert not frame.equals(tiny_table(rows=80, seed=5))
    evidence = frame.drop("label")
    assert all(2 <= evidence[name].null_count() <= 30 for name in evidence.columns)
    assert all(cell is None for cell in evidence.row(0))
    assert frame["label"].null_count() == 0
    full = tiny_table(rows=20, gaps=0.0, folder=tmp_path)
    assert full[1:].null_count().sum_horizontal().item() == 0
    assert all(Path(cell).is_file() for cell in full["picture"][1:])
    assert tiny_table(rows=0).height == 0


def test_every_kind_has_a_fake_column() -> None:
    assert all(len(fake_column(kind, rows=3)) == 3 for kind in KINDS)
    assert set(COLUMN_OF) <= set(KINDS.keys())
    columns = {name: cells for modality in ("text", "image", "table") for name, cells in fake_columns(modality).items()}
    assert set(columns) == set(COLUMN_OF.values())
    assert not any(cells.present[0] for cells in columns.values())
    for kind, name in COLUMN_OF.items():
        assert KINDS.get(kind)().sniff(Profile(name, tiny_table(rows=60)[name])).score > 0.5


@pytest.mark.parametrize(
    ("make", "modality"),
    [
        (HashingText, "text"),
        (lambda: HashingText(HashingText.Settings(tokens="sequence", width=5)), "text"),
        (RandomImage, "image"),
    ],
)
def test_fake_encoders_keep_the_contract(make: object, modality: str) -> None:
    check_encoder(make, fake_columns(modality))  # type: ignore[arg-type]


def test_texts_that_share_words_are_near() -> None:
    encoder = HashingText()
    items = [encoder.prepare(text) for text in ("the quiet lake", "a quiet lake", "loud street noise")]
    first, near, far = encoder.encode(encoder.collate(items))[0][:, 0]
    assert np.linalg.norm(first - near) < np.linalg.norm(first - far)


def test_a_picture_of_one_pixel_is_encoded() -> None:
    encoder = RandomImage()
    values, _ = encoder.encode(
        encoder.collate([encoder.prepare(np.full((1, 1, 3), 9, np.uint8)), encoder.prepare(np.full((40, 30, 3), 9, np.uint8))])
    )
    np.testing.assert_allclose(values[0], values[1], rtol=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_fake_examples_hold_every_pattern(name: str) -> None:
    task = fake_task(name)
    examples, target = fake_examples(task, 200)
    present = np.stack([examples.present()[key] for key in examples.modalities], axis=1)
    assert len(np.unique(present, axis=0)) == 8
    assert not present[0].any()
    again, same_target = fake_examples(task, 200)
    np.testing.assert_array_equal(target, same_target)
    np.testing.assert_array_equal(examples.blocks[0].values, again.blocks[0].values)
    assert len(fake_target(task, 30)) == 30


def test_polars_is_what_a_table_is_made_of() -> None:
    assert isinstance(tiny_table(rows=2), pl.DataFrame)
