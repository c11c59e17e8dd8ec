"""Fused beside each modality alone, over rows and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import UsageError
from consilience.metrics.bootstrap import paired_bootstrap
from consilience.pipeline._alone import over_seeds


def two_halves(rows: int = 160, seed: int = 0) -> pl.DataFrame:
    """The number and the words each tell half."""
    dice = np.random.default_rng(seed)
    label = dice.choice(["good", "bad"], rows)
    words = [" ".join(dice.choice(["nice", "fine"] if (one == "good") == (dice.random() < 0.8) else ["poor", "awful"], 3)) for one in label]
    return pl.DataFrame({"label": label, "note": words, "size": np.where(label == "good", 0.8, -0.8) + dice.normal(size=rows)})


def fitted(folder: Path, **settings: Any) -> consilience.Model:
    given = {"learners": ["linear"], "encoders": {"text": "bow"}, "kinds": {"note": "text"}, "presets": "fast", **settings}
    return consilience.fit(two_halves(), target="label", cache=folder / "cache", progress=False, **given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


@pytest.fixture(scope="module")
def once(folder: Path) -> consilience.Model:
    return fitted(folder)


@pytest.fixture(scope="module")
def thrice(folder: Path) -> consilience.Model:
    return fitted(folder, seeds=3)


def test_one_seed_is_the_verdict_over_rows(once: consilience.Model) -> None:
    gain, alone = once.facts["fusion_gain"], {one["candidate"]: one for one in once.facts["alone"]}
    assert gain["seeds"] == 1
    assert "seeds" not in gain["verdict"]
    assert {one["modality"] for one in alone.values()} == {"table", "text"}
    assert alone[gain["versus"]]["gain"] == pytest.approx({name: gain[name] for name in ("value", "low", "high")})


def test_more_seeds_are_said_and_change_no_model(once: consilience.Model, thrice: consilience.Model) -> None:
    gain = thrice.facts["fusion_gain"]
    assert (gain["seeds"], len(gain["by_seed"])) == (3, 3)
    assert gain["by_seed"][0] == pytest.approx(once.facts["fusion_gain"]["value"])
    assert len(set(gain["by_seed"])) > 1  # other folds, other scores
    assert gain["value"] == pytest.approx(np.mean(gain["by_seed"]))
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert "over rows and 3 seeds" in thrice.verdict
    rows = two_halves(50, 9)
    assert np.array_equal(once.predict_proba(rows), thrice.predict_proba(rows))
    assert thrice.pipeline.recipe.seeds == 3


def test_the_same_seeds_say_the_same(folder: Path, thrice: consilience.Model) -> None:
    assert fitted(folder, seeds=3).facts["fusion_gain"] == thrice.facts["fusion_gain"]


def test_ensembles_are_mixed_of_members_that_learned_again(folder: Path) -> None:
    model = fitted(folder, seeds=2, learners=["linear", "trees", "ensemble"])
    assert model.facts["fusion_gain"]["seeds"] == 2
    assert model.facts["alone"][0]["seeds"] == 2


def test_one_kind_of_evidence_has_nothing_to_compare(folder: Path) -> None:
    model = fitted(folder, seeds=3, ignore=["note"], encoders={}, kinds={})
    assert model.facts["alone"] == []
    assert "nothing to fuse" in model.verdict


def test_the_number_of_seeds_is_checked(folder: Path) -> None:
    with pytest.raises(UsageError, match="seeds"):
        fitted(folder, seeds=0)


def test_seeds_widen_the_interval() -> None:
    """Where seeds differ and rows do not, the interval is that of the mean of so many seeds."""
    dice = np.random.default_rng(0)
    values = np.tile(dice.normal(0.0, 1.0, 20)[:, None], (1, 4001))
    found = over_seeds(values, 0)
    wide = 2 * 1.96 * values[:, 0].std(ddof=1) / np.sqrt(20)
    assert found.value == pytest.approx(values[:, 0].mean())
    assert found.high - found.low == pytest.approx(wide, rel=0.1)
    rows = np.concatenate([[0.5], dice.normal(0.5, 0.1, 4000)])
    same = over_seeds(np.tile(rows, (5, 1)), 0)
    assert (same.low, same.high) == pytest.approx(tuple(np.quantile(rows[1:], [0.025, 0.975], method="weibull")))


def test_rows_alone_agree_with_the_paired_bootstrap() -> None:
    from consilience.metrics import CLASSIFICATION

    truth = np.array([0, 1] * 30)
    one, other = (np.random.default_rng(seed).dirichlet([1, 1], 60) for seed in (1, 2))
    wanted = paired_bootstrap(CLASSIFICATION["macro_f1"], truth, one, other, rounds=300)
    from consilience.metrics._resample import draws, on_resamples

    metric = CLASSIFICATION["macro_f1"]
    weights = np.concatenate(list(draws(60, 300, 0, None)))
    values = np.concatenate([[wanted.value], on_resamples(metric, truth, one)(weights) - on_resamples(metric, truth, other)(weights)])
    found = over_seeds(values[None], 0)
    assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high))
