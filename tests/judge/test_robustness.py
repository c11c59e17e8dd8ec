"""What damage costs: nothing where the evidence is useless, all where it is all there is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import ConsilienceError, UsageError
from consilience.core.plain import plain
from consilience.data.kinds import KINDS
from consilience.data.table import Table, read_table
from consilience.features.plan import Features
from consilience.judge.robustness import Robustness, area_between, contact_sheet, measure_robustness, plan_trials
from consilience.judge.robustness._measure import absent_in
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline.fitted import Pipeline, Scored

from .conftest import mixed_frame

WORDS = {"yes": ["sunny", "bright", "warm"], "no": ["rainy", "dark", "cold"]}


def planted(rows: int, seed: int) -> pl.DataFrame:
    """Words that tell the label, and a number that tells nothing."""
    dice = np.random.default_rng(seed)
    labels = dice.choice(["yes", "no"], rows)
    texts = [" ".join(dice.choice([*WORDS[label], "day", "in", "town"], 5)) + " " + WORDS[label][0] for label in labels]
    return pl.DataFrame({"label": labels, "words": texts, "noise": dice.normal(0, 1, rows).round(3)})


class Hears:
    """A fitted member that is given everything, and listens to the words alone."""

    whole = False

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted

    def predict(self, examples: Any) -> np.ndarray:
        return np.asarray(self.fitted.predict(examples.only(["text"])))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A model that is said to use both modalities, of which one is of no use to it."""
    settings: dict[str, Any] = {"encoders": {"text": "bow"}, "kinds": {"words": "text"}, "ignore": ["noise"], "learners": ["linear"]}
    frame, cache = planted(200, 0), tmp_path_factory.mktemp("world")
    words = consilience.fit(frame, target="label", cache=cache, presets="fast", progress=False, **settings).pipeline
    whole = consilience.fit(frame, target="label", cache=cache, presets="fast", progress=False, **{**settings, "ignore": None}).pipeline
    (fitted, _), *_ = words.model.members.values()
    model = FittedEnsemble({"hears": (Hears(fitted), ("table", "text"))}, {"hears": 1.0}, words.model.situation)  # type: ignore[dict-item]
    encoders = {**whole.features.encoders, **words.features.encoders}
    features = Features(whole.features.slots, encoders, whole.features.widths)
    return replace(whole, model=model, features=features, calibration=words.calibration)


@pytest.fixture(scope="module")
def found(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory, unseen: Table) -> Robustness:
    sheet = tmp_path_factory.mktemp("sheet") / "sheet.html"
    made = measure_robustness(pipeline, unseen, modalities=["text", "table"], sheet=sheet)
    assert "<!doctype html>" in sheet.read_text(encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def unseen(scored: Scored, tmp_path_factory: pytest.TempPathFactory) -> Table:
    return read_table(mixed_frame(tmp_path_factory.mktemp("robust"), 60, 1))


def test_area_by_hand() -> None:
    assert area_between(0.9, 0.5, [0.9] * 5) == pytest.approx(1)
    assert area_between(0.9, 0.5, [0.5] * 5) == pytest.approx(0)
    assert area_between(0.9, 0.5, [0.8, 0.7, 0.6, 0.5, 0.4]) == pytest.approx((0.75 + 0.5 + 0.25 + 0 - 0.25) / 5)
    assert area_between(2.0, 6.0, [2.0, 4.0, 6.0]) == pytest.approx(0.5), "an error, which is better when it is small"


def test_useless_evidence_costs_nothing_and_all_evidence_everything(world: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    ruin = {"ruin": lambda text, severity, dice: "in town" if severity else text}
    monkeypatch.setattr(KINDS.get("text"), "corruptions", ruin)
    found = measure_robustness(world, read_table(planted(150, 1)), families=["all"])
    assert found.clean["accuracy"].value > 0.95
    assert [part.modality for part in found.parts] == ["table", "text"]
    for part in found.parts:
        for curve in part.curves:
            if part.modality == "table":
                assert curve.area.value == pytest.approx(1), curve.family
                assert curve.worse_than_without is None
            elif curve.family == "ruin":
                assert abs(curve.area.value) < 0.15
                assert all(point.metrics["accuracy"].value < 0.65 for point in curve.points)
            else:  # gone in 20, 40 ... 100 % of the rows
                assert curve.area.value == pytest.approx(0.4, abs=0.12)
                assert curve.points[-1].metrics == part.without


def test_all_of_it_is_json(found: Robustness, pipeline: Pipeline) -> None:
    made = found.as_dict()
    assert json.loads(json.dumps(made, allow_nan=False)) == plain(made)
    assert set(made["modalities"]) == {"text", "table"}
    assert set(made["modalities"]["text"]["families"]) == {"keyboard", "ocr", "dropped_words", "missing"}
    assert set(made["modalities"]["table"]["families"]) == {"noise", "scale_errors", "missing_cells", "swapped_rows", "missing"}
    assert made["rows"] == made["num_rows"] == 60
    for part in made["modalities"].values():
        for family in part["families"].values():
            assert [point["severity"] for point in family["points"]] == [1, 2, 3, 4, 5]
            assert all({"accuracy", "log_loss", "ece"} == set(point["metrics"]) for point in family["points"])


def test_all_gone_is_the_pattern_without_it(found: Robustness, pipeline: Pipeline, unseen: Table) -> None:
    scored = pipeline.score(unseen, with_target=True)
    for part in found.parts:
        missing = part.curves[-1]
        assert [point.share for point in missing.points] == [0.2, 0.4, 0.6, 0.8, 1.0]
        output = pipeline.scored(scored.dataset, scored.examples.without([part.modality])).output
        truth = pipeline.task.encode(np.asarray(scored.dataset.target))
        assert missing.points[-1].metrics["accuracy"].value == pytest.approx(float((output.argmax(axis=1) == truth).mean()))
        assert missing.points[-1].against_without.value == 0
    assert found.parts[0].best_single is not None
    assert found.parts[0].best_single[0] in ("image", "table")


def test_the_same_seed_gives_the_same_and_batches_do_not_matter(
    found: Robustness, pipeline: Pipeline, unseen: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consilience.judge.robustness._measure.AT_ONCE", 70)
    again = measure_robustness(pipeline, unseen, modalities=["text", "table"])
    assert again.parts == found.parts
    other = measure_robustness(pipeline, unseen, modalities=["table"], families=["noise"], seed=1)
    assert other.parts[0].curves[0] != next(part for part in found.parts if part.modality == "table").curves[0]


def test_the_sample_is_150_rows(world: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.judge.robustness._measure.ROWS", 20)
    table = read_table(planted(60, 3))
    assert measure_robustness(world, table, families=["keyboard"]).rows == 20
    assert measure_robustness(world, table, families=["keyboard"], full=True).rows == 60


def test_some_rows_lose_it_and_no_others(scored: Scored) -> None:
    gone = np.arange(len(scored.examples)) % 3 == 0
    left = absent_in(scored.examples, "text", gone).present()
    before = scored.examples.present()
    assert np.array_equal(left["text"], before["text"] & ~gone)
    assert np.array_equal(left["image"], before["image"])


def test_a_family_that_changes_nothing_is_left_out(world: Pipeline) -> None:
    table = planted(40, 4).with_columns(words=pl.lit("又好又快"))
    found = measure_robustness(world, read_table(table), families=["case", "keyboard"], modalities=["text"])
    (part,) = found.parts
    assert part.skipped == {"case": "It changes no cell here."}
    assert [curve.family for curve in part.curves] == ["keyboard", "missing"]
    assert found.note, "words that say nothing leave no skill"
    assert np.isnan(part.curves[0].area.value)


def test_mistakes_are_told(world: Pipeline) -> None:
    table = read_table(planted(40, 4))
    with pytest.raises(UsageError, match="does not use a modality 'image'"):
        measure_robustness(world, table, modalities=["image"])
    with pytest.raises(UsageError, match="no damage 'fog'"):
        measure_robustness(world, table, families=["fog"])
    with pytest.raises(ConsilienceError, match="label"):
        measure_robustness(world, read_table(planted(40, 4).drop("label")))


def test_the_sheet_shows_every_family_and_runs_nothing(pipeline: Pipeline, scored: Scored) -> None:
    dataset = scored.dataset
    trials = plan_trials(pipeline, dataset, (), ["all"])
    page = contact_sheet(trials, dataset)
    assert page.count("<tr><th>") == len(trials) + 3  # and a heading for each modality
    assert page.count("data:image/jpeg") == 6 * sum(trial.modality == "image" for trial in trials)
    assert "http" not in page
    assert "<script" not in page
    assert page == contact_sheet(trials, dataset)


def test_the_sheet_escapes_what_the_table_says(world: Pipeline) -> None:
    table = planted(20, 5).with_columns(words=pl.lit("<script>alert(1)</script> sunny"))
    dataset = world.score(read_table(table)).dataset
    page = contact_sheet(plan_trials(world, dataset, (), ["all"]), dataset)
    assert "<script" not in page.lower()


def test_from_the_model(model: consilience.Model, unseen: Table, tmp_path: Path) -> None:
    found = model.robustness(unseen.frame, modalities=["text"], families=["ocr"], sheet=tmp_path / "s.html")
    assert list(found["modalities"]["text"]["families"]) == ["ocr", "missing"]
    assert (tmp_path / "s.html").is_file()
