"""Fixed statistics of clouds: what changes them, what does not, and whether they tell shapes apart."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Cells
from consilience.encoders import ENCODERS
from consilience.testing._fake_points import fake_points_column
from consilience.testing.encoder_checks import check_encoder

CLASS = ENCODERS.get("points/shape")
KIND = KINDS.get("points")()


def encode(cloud, **settings):
    return CLASS(CLASS.Settings(**settings)).prepare(np.asarray(cloud, dtype=np.float32))["features"]


def cloud(rows=300, columns=3, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)) * np.array([1.0, 2.0, 0.5, *[1.0] * (columns - 3)])


@pytest.mark.parametrize("settings", [{}, {"points": 32, "up": "x"}])
def test_the_contract(settings):
    parsed = KIND.parse(fake_points_column())
    check_encoder(lambda: CLASS(CLASS.Settings(**settings)), {"scan": Cells("scan", KIND, parsed.values, parsed.present)})


@pytest.mark.parametrize(
    "odd",
    [np.zeros((1, 3)), np.zeros((5, 3)), np.ones((2, 9)), np.eye(3) * 1e15, cloud() * 1e-30, cloud() * 1e14, np.full((70, 4), 1e15), cloud(1) + 7],
    ids=["one", "equal", "two", "huge", "tiny", "vast", "far", "somewhere"],
)
def test_odd_clouds_give_finite_numbers(odd):
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(encode(odd)).all()


@pytest.mark.parametrize("rows", [300, 5000])
def test_the_order_of_the_points_does_not_matter(rows):
    points = cloud(rows).astype(np.float32)
    for seed in range(3):
        turned = points[np.random.default_rng(seed).permutation(rows)]
        np.testing.assert_allclose(encode(turned), encode(points), atol=0.02 if rows > 1024 else 1e-3)


def test_a_turn_about_the_vertical_changes_little_and_tipping_over_much():
    points = cloud(800)
    turned = KIND.augmentations["turn"](points.astype(np.float32), np.random.default_rng(1))
    tipped = KIND.corruptions["tilt"](points.astype(np.float32), 5, np.random.default_rng(1))
    whole = encode(points)
    assert abs(encode(turned) - whole).mean() < 0.4 * abs(encode(tipped) - whole).mean()


def test_the_vertical_axis_is_a_setting():
    points = cloud()
    same = encode(points[:, [2, 0, 1]], up="x")
    np.testing.assert_allclose(same, encode(points, up="z"), atol=0.1)
    assert abs(encode(points, up="x") - encode(points, up="z")).max() > 0.1


def test_other_columns_count():
    points = cloud(columns=6)
    other = points.copy()
    other[:, 3] += 1
    assert abs(encode(points) - encode(other)).max() > 0.05


@pytest.mark.parametrize(
    "cell", [np.zeros((0, 3), np.float32), np.zeros((3, 2), np.float32), np.zeros(3, np.float32), np.full((3, 3), np.nan), "text", None]
)
def test_what_is_no_cloud_is_said(cell):
    with pytest.raises(CellError, match="not a finite array of points"):
        CLASS(CLASS.Settings()).prepare(cell)


def test_it_tells_the_fakes_apart():
    parsed = KIND.parse(fake_points_column(120))
    rows = np.flatnonzero(parsed.present)
    features = np.stack([encode(KIND.read(parsed.values[row])) for row in rows])
    assert cross_val_score(make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), features, rows % 5, cv=3).mean() > 0.97


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("CONSILIENCE_DATA"), reason="CONSILIENCE_DATA names no folder of data sets")
def test_chairs_and_monitors():
    folder = Path(os.environ["CONSILIENCE_DATA"]) / "shapes3d"
    table = pl.concat([pl.read_csv(folder / f"{part}.csv", infer_schema=False) for part in ("train", "valid")])
    features = np.stack([encode(KIND.read(value)) for value in KIND.parse(table["points"], folder).values])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    assert cross_val_score(model, features, table["shape"].to_numpy(), cv=5).mean() > 0.98
