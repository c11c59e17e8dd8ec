"""The frozen encoders of series: one width, always finite, blind to units where they should be, and good enough for classes told by shape."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._signal import Signal
from consilience.encoders import ENCODERS
from consilience.encoders.series._kernels import dilations, pooled, windows
from consilience.encoders.series._resample import dense, into_slots, places, relative, resample, resampled
from consilience.testing._fake_series import fake_series_column
from consilience.testing.encoder_checks import check_encoder

KEYS = ["series/rocket", "series/stats", "series/values"]
SMALL = {"series/rocket": {"groups": 4, "length": 32}}


def make(key, **settings):
    cls = ENCODERS.get(key)
    return cls(cls.Settings(**{**SMALL.get(key, {}), **settings}))


def features(encoder, signal):
    return encoder.prepare(signal)["features"]


def signal(values, times=None):
    return Signal(np.asarray(values, dtype=np.float32).reshape(len(values), -1), times)


def cells():
    kind = KINDS.get("series")()
    parsed = kind.parse(fake_series_column())
    return {"trace": Cells("trace", kind, parsed.values, parsed.present)}


@pytest.mark.parametrize("key", KEYS)
def test_the_contract_is_kept(key):
    check_encoder(lambda: make(key), cells())


def odd_signals():
    draw = np.random.default_rng(0)
    nan = np.nan
    return {
        "one value": signal([5]),
        "two values": signal([5, 6]),
        "flat": signal([3] * 20),
        "zeros": signal([0] * 20),
        "gaps": signal([nan, 1, nan, nan, 2, nan]),
        "one value among gaps": signal([nan] * 9 + [7]),
        "a channel of gaps": signal(np.c_[np.full(9, nan), np.arange(9)]),
        "huge": signal([1e38, -1e38, 3e38, 0]),
        "tiny": signal([1e-38, 2e-38, -1e-38]),
        "far from zero": signal(1e7 + draw.normal(size=50)),
        "long": signal(draw.normal(size=(100_000, 2))),
        "many channels": signal(draw.normal(size=(10, 100))),
        "times": signal([1, 2, 3, 4], np.array([0.0, 1, 1, 100])),
        "one time": signal([1, 2, 3], np.array([5.0, 5, 5])),
        "spike": signal([0] * 99 + [1e9]),
    }


@pytest.mark.parametrize("name", odd_signals())
@pytest.mark.parametrize("key", KEYS)
def test_odd_series_give_finite_vectors_of_the_same_width(key, name):
    encoder = make(key)
    found = features(encoder, odd_signals()[name])
    assert found.shape == (encoder.width,)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("cell", [np.zeros((3, 1)), "1 2 3", Signal(np.zeros((0, 1), dtype=np.float32)), Signal(np.zeros(3, dtype=np.float32))])
@pytest.mark.parametrize("key", KEYS)
def test_what_is_no_series_is_refused(key, cell):
    with pytest.raises(CellError, match="no series"):
        make(key).prepare(cell)


@pytest.mark.parametrize("key", KEYS)
def test_the_features_are_moderate_whatever_the_unit(key):
    wave = np.sin(np.arange(60) / 4)
    small, large = (features(make(key), signal(wave * scale)) for scale in (1e-6, 1e6))
    differ = ~np.isclose(small, large, atol=1e-2)
    assert differ.sum() < 60, "Only levels and spreads depend on the unit."
    if key != "series/stats":
        assert differ.any()


def test_times_count():
    values, even, late = np.arange(10.0), np.arange(10.0), np.r_[np.arange(9.0), 100]
    for key in KEYS:
        plain, same, other = (features(make(key), signal(values, times)) for times in (None, even, late))
        assert not np.allclose(same, other)
        if key != "series/stats":
            np.testing.assert_allclose(plain, same, atol=1e-5)


def test_resampling_keeps_lines_means_and_given_points():
    line = signal(np.arange(11.0))
    np.testing.assert_allclose(resample(line, 21)[:, 0], np.arange(0, 10.1, 0.5))
    assert resample(line, 11)[:, 0].tolist() == line.values[:, 0].tolist()
    np.testing.assert_allclose(resample(line, 5)[:, 0], [1, 3, 5, 7, 9])
    fast = signal(np.tile([1.0, -1.0], 500))
    assert np.abs(resample(fast, 50)).max() < 0.05, "What is faster than a stretch is averaged away."
    uneven = signal([0, 1, 10], np.array([0.0, 1, 10]))
    np.testing.assert_allclose(resample(uneven, 11)[:, 0], np.arange(11), atol=1e-6)
    np.testing.assert_allclose(resampled(np.arange(101.0)[:, None] ** 2, np.linspace(0, 1, 101), 1)[0], [3333.5])


def test_gaps_are_bridged_by_straight_lines_in_time():
    assert dense(signal([np.nan, 1, np.nan, 3, np.nan]))[:, 0].tolist() == [1, 1, 2, 3, 3]
    assert dense(signal([0, np.nan, 10], np.array([0.0, 9, 10])))[:, 0].tolist() == [0, 9, 10]
    assert places(signal([1])).tolist() == [0]


def test_channels_keep_their_proportions_and_one_alone_is_standardised():
    alone, _, _ = relative(np.arange(10.0)[:, None] * 7 + 3)
    np.testing.assert_allclose([alone.mean(), alone.std()], [0, 1], atol=1e-9)
    both, _, _ = relative(np.c_[np.sin(np.arange(50)), 4 * np.sin(np.arange(50)), 0.001 * np.sin(np.arange(50))])
    spread = both.std(axis=0)
    np.testing.assert_allclose(spread[1] / spread[0], 4, rtol=1e-6)
    np.testing.assert_allclose(spread[2], 0.1, rtol=1e-6)


def test_slots():
    assert into_slots(np.ones((2, 3)), 5).tolist() == [[1, 1, 1, 0, 0]] * 2
    many = np.random.default_rng(0).normal(size=(50, 200))
    mixed = into_slots(many, 100)
    assert mixed.shape == (50, 100)
    np.testing.assert_array_equal(mixed, into_slots(many, 100))


def test_kernels_answer_as_a_plain_loop_would():
    series = np.random.default_rng(0).normal(size=(2, 20)).astype(np.float32)
    seen = windows(series, 3)
    assert seen.shape == (18, 20)
    for channel, tap, moment in ((0, 0, 15), (1, 8, 2), (0, 4, 7), (1, 2, 0)):
        source = moment + (tap - 4) * 3
        assert seen[channel * 9 + tap, moment] == (series[channel, source] if 0 <= source < 20 else 0)
    answers = np.array([[1, -1, 2, 3, -4, 5]], dtype=np.float32)
    share, size, place, longest = pooled(answers, np.zeros((1, 1), dtype=np.float32))
    np.testing.assert_allclose([share, longest], [4 / 6, np.sqrt(2 / 6)], rtol=1e-6)
    np.testing.assert_allclose(size, np.log(np.sqrt(56 / 6) + 1e-3), rtol=1e-5)
    np.testing.assert_allclose(place, (-1 - 0.2 + 0.2 + 1) / 4, atol=1e-6)
    assert dilations(128) == [1, 2, 4, 8]
    assert dilations(16) == [1]


def test_another_seed_draws_other_kernels():
    wave = signal(np.sin(np.arange(60) / 4))
    assert not np.allclose(features(make("series/rocket"), wave), features(make("series/rocket", seed=1), wave))


@pytest.mark.parametrize("key", KEYS)
def test_a_linear_learner_finds_the_classes(key):
    kind = KINDS.get("series")()
    column = fake_series_column(rows=150, seed=1)
    parsed = kind.parse(column)
    rows = np.flatnonzero(parsed.present)
    encoder = make(key)
    found = np.stack([features(encoder, kind.read(parsed.values[row])) for row in rows])
    labels, train = rows % 5, np.arange(len(rows)) < 90
    scale = StandardScaler().fit(found[train])
    model = RidgeClassifierCV(np.logspace(-1, 4, 8)).fit(scale.transform(found[train]), labels[train])
    assert (model.predict(scale.transform(found[~train])) == labels[~train]).mean() > 0.75
