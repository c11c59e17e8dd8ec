"""Frozen encoders of scans: windows, spacing, slices through any image encoder, odd shapes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from consilience.core.errors import CellError, UnknownName, UsageError
from consilience.core.extras import missing_packages
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._volume import Volume
from consilience.encoders import ENCODERS
from consilience.encoders.volume._grid import resampled, windowed
from consilience.testing._fake_volume import fake_volume_column
from consilience.testing.encoder_checks import check_encoder

STATS, SLICES = ENCODERS.get("volume/stats"), ENCODERS.get("volume/slices")
KIND = KINDS.get("volume")()


def volume(*shape, spacing=(1.0, 1.0, 1.0), unit="", seed=0):
    return Volume(np.random.default_rng(seed).normal(size=shape).astype(np.float32), spacing, unit)


def stats(cell, **settings):
    return STATS(STATS.Settings(**settings)).prepare(cell)["features"]


def slices(cell, argument="hog", **settings):
    encoder = SLICES(SLICES.Settings(**settings), argument)
    return encoder.encode(encoder.collate([encoder.prepare(cell)]))[0][0, 0]


def fakes(rows=24):
    parsed = KIND.parse(fake_volume_column(rows))
    return {"ct": Cells("ct", KIND, parsed.values, parsed.present)}


@pytest.mark.parametrize("settings", [{}, {"fit": "squash", "window": (-0.5, 1.5)}])
def test_the_contract_of_stats(settings):
    check_encoder(lambda: STATS(STATS.Settings(**settings)), fakes())


@pytest.mark.parametrize("settings", [{}, {"encoder": "hog", "slices": 3, "along": "width", "channels": "neighbours", "fit": "squash"}])
def test_the_contract_of_slices(settings):
    check_encoder(lambda: SLICES(SLICES.Settings(**settings), "hog"), fakes())


def test_a_line_of_voxels_stays_a_line():
    values = np.broadcast_to(np.linspace(0, 1, 40, dtype=np.float32)[:, None, None], (40, 40, 40))
    for side in (7, 20, 40, 64):
        line = resampled(values, (1, 1, 1), (side,) * 3, "keep")[:, side // 2, side // 2]
        wanted = np.interp((np.arange(side) + 0.5) / side * 40, np.arange(40) + 0.5, np.linspace(0, 1, 40))
        np.testing.assert_allclose(line[1:-1], wanted[1:-1], atol=0.02)
    np.testing.assert_allclose(resampled(np.ones((3, 5, 2), np.float32), (1, 1, 1), (9, 9, 9), "squash"), 1, rtol=1e-5)


def test_spacing_decides_about_proportions():
    """The same body in thick slices and in thin ones is the same body."""
    fine = np.zeros((40, 40, 40), dtype=np.float32)
    fine[10:30, 5:35, 12:20] = 1
    thick = Volume(fine.reshape(8, 5, 40, 40).mean(axis=1), (5.0, 1.0, 1.0))
    shapes = [resampled(one.voxels, one.spacing, (20, 20, 20), "keep") for one in (Volume(fine), thick, Volume(thick.voxels))]
    assert abs(shapes[0] - shapes[1]).mean() < 0.02
    assert abs(shapes[0] - shapes[2]).mean() > 0.05
    empty = resampled(np.ones((8, 40, 40), np.float32), (1, 1, 1), (20, 20, 20), "keep")
    assert empty[:7].max() == empty[-7:].max() == 0, "no voxels, no values"
    assert empty[9:11].min() > 0.99


def test_windows():
    ct = Volume(np.array([[[-3000.0, -1000, 0, 500, 1000, 9000]]], dtype=np.float32), unit="HU")
    assert windowed(ct, None).tolist() == [[[0, 0, 0.5, 0.75, 1, 1]]]
    assert windowed(ct, (0.0, 1000.0)).tolist() == [[[0, 0, 0, 0.5, 1, 1]]]
    plain = Volume(np.append(np.linspace(5, 6, 999), 1e9).astype(np.float32).reshape(10, 10, 10))
    assert windowed(plain, None).std() > 0.2, "one wild voxel does not hide the others"
    assert windowed(Volume(np.full((2, 2, 2), 7, np.float32)), None).tolist() == np.full((2, 2, 2), 0.5).tolist()
    for window in ((1.0, 1.0), (2.0, 1.0), (0.0, np.inf)):
        with pytest.raises(ValidationError, match="above the first"):
            STATS.Settings(window=window)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 200, 3), (90, 2, 2), (5, 1, 1)])
@pytest.mark.parametrize("encode", [stats, slices])
def test_odd_scans_give_finite_numbers(shape, encode):
    for cell in (
        volume(*shape),
        volume(*shape, spacing=(9.0, 0.01, 1.0)),
        Volume(np.zeros(shape, np.float32)),
        Volume(np.full(shape, 9e14, np.float32)),
    ):
        for fit in ("keep", "squash"):
            assert np.isfinite(encode(cell, fit=fit)).all()


@pytest.mark.parametrize("cell", [None, "text", np.zeros((3, 3, 3)), Volume(np.zeros((0, 2, 2), np.float32)), Volume(np.zeros((2, 2), np.float32))])
def test_what_is_no_scan_is_said(cell):
    for encode in (stats, slices):
        with pytest.raises(CellError, match="not a block of voxels"):
            encode(cell)
    with pytest.raises(CellError, match="no finite numbers"):
        stats(Volume(np.full((2, 2, 2), np.nan, np.float32)))


def test_slices_through_any_encoder():
    hog = ENCODERS.get("image/hog")
    small = SLICES(SLICES.Settings(encoder="image/hog", options={"size": 32, "grey": True}, slices=5))
    assert small.width == 2 * hog(hog.Settings()).width
    assert small.fingerprint() != SLICES(SLICES.Settings(encoder="hog", slices=5)).fingerprint()
    assert len(small.prepare(volume(9, 9, 9))["features"]) == 5
    for name, told in (("cnn", "frozen encoder of pictures"), ("table/columns", "frozen encoder of pictures")):
        with pytest.raises(UsageError, match=told):
            SLICES(SLICES.Settings(), name).fingerprint()
    with pytest.raises(UnknownName):
        SLICES(SLICES.Settings(encoder="hogg")).fingerprint()


def test_the_default_is_that_of_pictures(monkeypatch):
    from consilience.encoders.volume import slices as room

    card = ENCODERS.card(room.default_encoder())
    assert "frozen" in card.claims
    assert {"default", "fallback"} & set(card.claims)
    assert not missing_packages(card.extra)
    monkeypatch.setattr(room, "missing_packages", lambda extra: ("something",) if extra else ())
    assert room.default_encoder() == "image/hog"


def test_the_depth_is_pooled_by_mean_and_maximum():
    body = np.zeros((16, 20, 20), dtype=np.float32)
    body[4:6, 5:15, 5:15] = 1
    one, mirrored = slices(Volume(body)), slices(Volume(body[::-1]))
    np.testing.assert_allclose(one, mirrored, atol=1e-4)
    half = len(one) // 2
    assert (one[half:] >= one[:half] - 1e-6).all(), "the maximum is not below the mean"
    across = slices(Volume(body), along="height")
    assert abs(across - one).max() > 0.01


@pytest.mark.parametrize(("encode", "least"), [(stats, 0.95), (slices, 0.85)])
def test_they_tell_the_fakes_apart(encode, least):
    cells = fakes(100)["ct"]
    rows = np.flatnonzero(cells.present)
    features = np.stack([encode(cells.read(row)) for row in rows])
    assert cross_val_score(make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), features, rows % 5, cv=3).mean() > least
