"""The fixed statistics of sounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._sound import Sound
from consilience.encoders import ENCODERS
from consilience.encoders.audio.stats import FACTS, Stats, StatsSettings, loud, part_means
from consilience.encoders.audio.voice import Voice, VoiceSettings
from consilience.testing.encoder_checks import check_encoder


def features(samples: np.ndarray, rate: int = 16_000, **values: Any) -> np.ndarray:
    return Stats(StatsSettings(**values)).prepare(Sound(samples.astype(np.float32), rate))["features"]


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, length)


def test_contract(audio_cells: dict[str, Cells]) -> None:
    check_encoder(lambda: Stats(StatsSettings()), audio_cells)
    card = ENCODERS.card("audio/stats")
    assert ENCODERS.get("audio/stats") is Stats
    assert "default" in card.claims
    assert card.extra == ""


@settings(deadline=None, max_examples=40)
@given(length=st.integers(1, 3000), kind=st.sampled_from(["silent", "noise", "square", "tiny", "click"]), parts=st.integers(1, 20))
def test_finite_and_of_its_width_whatever_the_sound(length: int, kind: str, parts: int) -> None:
    samples = {
        "silent": np.zeros(length),
        "noise": noise(length),
        "square": np.ones(length),
        "tiny": np.full(length, 1e-30),
        "click": np.eye(1, length)[0],
    }[kind]
    values = features(samples, parts=parts)
    assert values.shape == (Stats(StatsSettings(parts=parts)).width,)
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 200


def test_order_counts() -> None:
    low, high = (np.sin(2 * np.pi * pitch * np.arange(8000) / 16_000) for pitch in (300, 3000))
    one, two = features(np.concatenate([low, high])), features(np.concatenate([high, low]))
    assert np.abs(one - two).max() > 1
    np.testing.assert_allclose(one[: 8 * 13].reshape(8, 13), two[: 8 * 13].reshape(8, 13)[::-1], atol=0.5)


def test_silence_around_and_loudness_change_little_but_the_facts() -> None:
    sound = np.concatenate([noise(4000), np.sin(np.arange(4000) / 3) * 0.3])
    plain, facts = features(sound), 9
    quiet = features(sound * 0.05)
    np.testing.assert_allclose(quiet[:-facts], plain[:-facts], atol=0.02)
    assert abs(quiet[-facts] - plain[-facts]) > 1
    padded = features(np.concatenate([np.zeros(3200), sound, np.zeros(4800)]))
    assert np.abs(padded[:-facts] - plain[:-facts]).max() < 0.35 * np.abs(plain[:-facts]).max()
    assert padded[-facts + 3] > plain[-facts + 3]


def test_part_means_equal_a_fine_reference() -> None:
    frames = noise(70).reshape(7, 10)
    fine = np.repeat(frames, 3 * 8, axis=0).reshape(8, 21, 10).mean(axis=1)  # 7 * 24 rows, 8 parts of 21
    np.testing.assert_allclose(part_means(frames, 8), fine, atol=1e-9)
    np.testing.assert_allclose(part_means(frames[:1], 4), np.repeat(frames[:1], 4, axis=0), atol=1e-9)


def test_what_is_loud() -> None:
    power = np.array([0.0, 1e-9, 0.02, 1.0, 0.3, 0.001, 0.02, 0.0])[:, None]
    assert loud(power, 18.0) == (2, 7)
    assert loud(power, 10.0) == (3, 5)
    assert loud(np.zeros((4, 2)), 18.0) == (0, 4)


def test_another_rate_is_heard_as_it_is() -> None:
    assert np.isfinite(features(noise(4000), rate=8000)).all()
    for wrong in (np.zeros(3), "sound", Sound(np.zeros(0, dtype=np.float32)), Sound(np.zeros(9, dtype=np.float32), 10)):
        with pytest.raises(CellError, match="no sound of one channel"):
            Stats(StatsSettings()).prepare(wrong)


def test_threads_give_the_same() -> None:
    encoder, sounds = Stats(StatsSettings()), [Sound(noise(2000 + seed, seed).astype(np.float32)) for seed in range(6)]
    wanted = [encoder.prepare(sound)["features"] for sound in sounds]
    with ThreadPoolExecutor(4) as pool:
        for row, item in enumerate(pool.map(encoder.prepare, sounds * 5)):
            np.testing.assert_array_equal(item["features"], wanted[row % 6])


def test_a_linear_model_tells_the_fakes_apart(audio_cells: dict[str, Cells]) -> None:
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from consilience.testing._fake_audio import fake_audio_column

    def described(seed: int) -> tuple[np.ndarray, np.ndarray]:
        kind, encoder = KINDS.get("audio")(), Stats(StatsSettings())
        parsed = kind.parse(fake_audio_column(60, seed))
        rows = np.flatnonzero(parsed.present)
        return np.stack([encoder.prepare(kind.read(parsed.values[row]))["features"] for row in rows]), rows % 5

    x, y = described(1)
    model = make_pipeline(StandardScaler(), RidgeClassifier(10.0)).fit(x, y)
    assert model.score(*described(2)) > 0.95


@pytest.mark.slow
def test_spoken_digits_of_a_voice_never_heard(real_data: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder, kind, encoder = real_data / "fsdd", KINDS.get("audio")(), Stats(StatsSettings())
    table = pl.concat([pl.read_csv(folder / "train.csv"), pl.read_csv(folder / "valid.csv")])
    parsed = kind.parse(table["audio"], folder)
    x = np.stack([encoder.prepare(kind.read(value))["features"] for value in parsed.values])
    y, speaker = table["digit"].to_numpy(), table["speaker"].to_numpy()
    scores = []
    for name in np.unique(speaker):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300)).fit(x[speaker != name], y[speaker != name])
        scores.append(model.score(x[speaker == name], y[speaker == name]))
    assert np.mean(scores) > 0.8, scores


def test_a_voice_is_heard_up_to_four_kilohertz() -> None:
    """What lies above changes nothing but the nine numbers on the sound as a whole; what lies below does."""
    encoder = Voice(VoiceSettings())
    time = np.arange(16_000) / 16_000
    speech = 0.3 * np.sin(2 * np.pi * (300 + 500 * time) * time)

    def heard(extra: np.ndarray) -> np.ndarray:
        return np.asarray(encoder.prepare(Sound((speech + extra).astype(np.float32)))["features"])

    plain, high, low = (heard(extra) for extra in (0 * time, 0.2 * np.sin(2 * np.pi * 6000 * time), 0.2 * np.sin(2 * np.pi * 2000 * time)))
    assert np.abs(high - plain)[:-FACTS].max() < 0.25 * np.abs(low - plain)[:-FACTS].max()
