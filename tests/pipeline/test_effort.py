"""How much a fit tries: presets, time limits from encoding to the last fit, near-duplicates, and what a verdict needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.pipeline.conftest import FAST

import consilience
from consilience.core.budget import Budget
from consilience.core.errors import UsageError
from consilience.core.progress import Lines
from consilience.features.plan import Extraction, Features

SMALL = {"encoders": FAST["encoders"], "progress": False}


def test_fast_tries_no_networks_and_the_recipe_says_so(data: Path, tmp_path: Path) -> None:
    model = consilience.fit(data / "train.csv", target="label", cache=tmp_path, presets="fast", **SMALL)
    learners = {(entry["learner"], tuple(entry["modalities"])) for entry in model.facts["leaderboard"] if entry["learner"] != "ensemble"}
    assert ("linear", ("image", "table", "text")) in learners
    assert ("trees", ("table",)) in learners
    assert "network" not in {learner for learner, _ in learners}
    assert model.pipeline.recipe.to_yaml().count("presets: fast") == 1


def test_an_unknown_preset_is_refused_with_those_there_are(data: Path) -> None:
    with pytest.raises(UsageError, match=r"presets.*'fast', 'balanced' or 'best'"):
        consilience.fit(data / "train.csv", target="label", presets="quick", **SMALL)


def test_rows_that_were_not_encoded_in_time_are_left_out_and_it_is_said(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Features.extract

    def some(self: Features, *args: Any, **kwargs: Any) -> Extraction:
        found = whole(self, *args, **kwargs)
        found.late = set(range(0, 90, 3))
        return found

    monkeypatch.setattr(Features, "extract", some)
    model = consilience.fit(data / "train.csv", target="shop", cache=tmp_path, **{**FAST, "progress": Lines()})
    assert model.facts["num_learned"] == 60
    assert "60 of 90 rows" in capsys.readouterr().err


def test_too_few_rows_in_time_is_an_error_that_says_what_to_do(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Features.extract

    def few(self: Features, *args: Any, **kwargs: Any) -> Extraction:
        found = whole(self, *args, **kwargs)
        found.late = set(range(80))
        return found

    monkeypatch.setattr(Features, "extract", few)
    with pytest.raises(UsageError, match=r"10 of 90.*\n?.*longer --time-limit"):
        consilience.fit(data / "train.csv", target="shop", cache=tmp_path, **FAST)


def test_encoding_gets_a_share_of_the_time(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Budget] = []
    whole = Features.extract

    def seen(self: Features, dataset: Any, store: Any, progress: Any, budget: Budget) -> Extraction:
        given.append(budget)
        return whole(self, dataset, store, progress, budget)

    monkeypatch.setattr(Features, "extract", seen)
    consilience.fit(data / "train.csv", target="label", cache=tmp_path, time_limit=500, **FAST)
    assert given[0].seconds == pytest.approx(300, abs=30)


def test_no_verdict_where_a_modality_was_not_judged_alone(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from consilience.learn import election
    from consilience.learn.learners._base import OutOfTime

    whole = election.Candidate.make

    def make(self: Any, situation: Any) -> Any:
        if self.modalities == ("text",):
            raise OutOfTime
        return whole(self, situation)

    monkeypatch.setattr(election.Candidate, "make", make)
    model = consilience.fit(data / "train.csv", target="label", cache=tmp_path, **{**FAST, "learners": ("linear", "trees")})
    if len(model.pipeline.modalities) > 1:
        assert "cannot be told" in model.verdict
        assert "text alone was not scored" in model.verdict


def test_near_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    """Each row stands twice in the table and labels are drawn by lot: whoever scores above chance has met the twin. Two twins tell as much as one."""
    random = np.random.default_rng(0)
    (tmp_path / "p").mkdir()
    rows = []
    for row in range(60):
        pixels = random.integers(0, 255, (24, 24, 3)).astype(np.uint8)
        label = str(random.integers(2))
        for copy in range(2):
            pixels[0, 0] = copy  # not the same file
            Image.fromarray(pixels).save(tmp_path / "p" / f"{row}-{copy}.png")
            rows.append({"picture": f"p/{row}-{copy}.png", "number": str(random.normal()), "label": label})
    pl.DataFrame(rows).write_csv(tmp_path / "train.csv")

    def accuracy(**settings: Any) -> dict[str, float]:
        found = consilience.fit(
            tmp_path / "train.csv", target="label", cache=tmp_path, encoders={"image": "hog"}, learners=("linear",), progress=False, **settings
        )
        entry = next(entry for entry in found.facts["leaderboard"] if entry["modalities"] == ["image"])
        return dict(entry["metrics"]["accuracy"])

    assert accuracy(near_duplicates=False)["value"] > 0.8
    held_apart = accuracy()
    assert held_apart["value"] < 0.7
    assert held_apart["high"] - held_apart["low"] > 1.2 * 2 * 1.96 * (0.25 / 120) ** 0.5 / (1 + 1.96**2 / 120)  # that of 120 rows, Wilson's
