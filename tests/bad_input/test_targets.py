"""Targets that are hard or impossible to learn, from the fit to the measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import ConsilienceError, TargetError

Columns = dict[str, list[Any]]
Fit = Callable[..., consilience.Model]


@pytest.fixture
def numbers(clean: Columns) -> Columns:
    """The same rows with a number to learn in ``z``."""
    random = np.random.default_rng(1)
    return {"size": clean["size"], "words": clean["words"], "z": [f"{float(size) + random.normal() / 9:.4f}" for size in clean["size"]]}


def test_targets_that_are_no_real_numbers_set_their_rows_aside(numbers: Columns, fit: Fit) -> None:
    whole = fit(numbers, "z").evaluate(numbers)["metrics"]["rmse"]["value"]
    numbers["z"][:7] = ["NaN", "inf", "", "1e400", "1e308", "-1e308", "1e-320"]
    model = fit(numbers, "z")
    reasons = {item["row"]: item["reason"] for item in model.facts["quarantine"]}
    assert reasons == {
        0: "The target 'z' is empty.",
        1: "The target 'z' is not understood: 'inf' is a number that is not finite.",
        2: "The target 'z' is empty.",
        3: "The target 'z' is not understood: '1e400' is a number that is not finite.",
        4: "The target 'z' is not understood: 1e+308 is too large to be learned; numbers go up to 1e+70.",
        5: "The target 'z' is not understood: -1e+308 is too large to be learned; numbers go up to 1e+70.",
    }
    measured = model.evaluate(numbers)
    assert (measured["num_quarantined"], [item["row"] for item in measured["quarantine"]]) == (6, [0, 1, 2, 3, 4, 5])
    assert measured["metrics"]["rmse"]["value"] < 5 * whole + 1
    found = model.predict_table(numbers)
    assert found["prediction"].null_count() == 0
    assert np.isfinite(found.select("prediction", "low", "high").to_numpy()).all()
    messages = {finding.topic: finding.message for finding in model.schema.findings}
    assert messages["missing"] == "2 of 24 rows have no target; they are set aside."
    assert messages["unreadable"].startswith("4 of 24 targets cannot be understood; their rows are set aside. Row 1: 'inf'")


def test_the_largest_numbers_that_can_be_learned_have_finite_measures(numbers: Columns, fit: Fit) -> None:
    numbers["z"][3], numbers["z"][4] = "1e70", "-1e70"
    model = fit(numbers, "z")
    assert model.facts["num_quarantined"] == 0
    assert all(np.isfinite(value["value"]) for value in model.evaluate(numbers)["metrics"].values())


def test_the_reason_for_a_logarithm_stays_readable(numbers: Columns, fit: Fit) -> None:
    numbers["z"] = [f"{np.exp(float(cell)):.4f}" for cell in numbers["z"]]
    numbers["z"][3], numbers["z"][4] = "1e60", "1e-55"
    reason = fit(numbers, "z").schema.target.reason
    assert "learned as logarithm" in reason
    assert len(reason) < 250


def test_labels_that_were_never_learned_are_set_aside_and_said(
    model: consilience.Model, clean: Columns, tmp_path: Path, run: Callable[..., Any]
) -> None:
    clean["y"][2], clean["y"][4] = "zebra", None
    measured = model.evaluate(clean)
    assert (measured["num_rows"], measured["num_quarantined"]) == (24, 2)
    assert measured["quarantine"] == [
        {"row": 2, "column": "y", "reason": "The label 'zebra' of the target 'y' is not among the 2 classes of the schema."},
        {"row": 4, "column": "y", "reason": "The target 'y' is empty."},
    ]
    assert model.predict_table(clean)["prediction"].null_count() == 0
    model.save(tmp_path / "model")
    pl.DataFrame(clean).write_csv(tmp_path / "t.csv")
    shown = run("evaluate", tmp_path / "model", tmp_path / "t.csv").stdout
    assert "22 of 24 rows were scored" in shown
    assert "; set aside: 2." in shown
    assert "  row 2, column 'y': The label 'zebra' of the target 'y' is not among the 2 classes" in shown
    strict = run("evaluate", tmp_path / "model", tmp_path / "t.csv", "--strict", "--quiet")
    assert strict.stderr.startswith("Error: Table 't.csv', column 'y', row 2: The label 'zebra'")
    assert model.report(tmp_path / "r.html", clean).exists()


def test_a_table_of_foreign_labels_alone_cannot_be_measured(model: consilience.Model, clean: Columns) -> None:
    clean["y"] = ["zebra"] * 24
    with pytest.raises(ConsilienceError) as caught:
        model.evaluate(clean)
    assert str(caught.value) == (
        "Column 'y', row 0: No row of the table can be scored: all 24 were set aside. The label 'zebra' of the target 'y' is not among the 2 classes "
        "of the schema. Look whether the table belongs to this model."
    )


def test_reasons_count_rows_of_the_whole_table(model: consilience.Model, clean: Columns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consilience.pipeline._pieces.MEDIA_PIECE", 7)
    clean["y"][9], clean["y"][23] = "zebra", "gnu"
    assert [item["row"] for item in model.evaluate(clean)["quarantine"]] == [9, 23]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["good"] * 24, "Column 'y': The target has one single class, 'good'; there is nothing to learn."),
        ([None, "good"] * 12, "Column 'y': The target has one single class, 'good'; there is nothing to learn."),
        (["7.5", ""] * 12, "Column 'y': The target has one single value, 7.5; there is nothing to learn."),
        (["", None, "NA"] * 8, "Column 'y': All 24 cells of the target are empty. Name another column as target."),
    ],
)
def test_nothing_to_learn(labels: list[str | None], said: str, clean: Columns, tmp_path: Path, run: Callable[..., Any]) -> None:
    clean["y"] = labels
    pl.DataFrame(clean).write_csv(tmp_path / "t.csv")
    result = run("fit", tmp_path / "t.csv", "--target", "y", "--out", tmp_path / "model", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {said}\n")


def test_a_class_of_one_row_is_learned_and_said(clean: Columns, fit: Fit) -> None:
    clean["y"][0] = "rare"
    model = fit(clean)
    assert model.classes == ("bad", "good", "rare")
    (finding,) = model.schema.findings
    assert finding.message == "1 of 3 classes have one row only ('rare'); such a class can be learned or checked, not both."
    assert model.facts["num_learned"] == 24
    assert np.isfinite(model.predict_proba(clean)).all()
    assert model.evaluate(clean)["by_class"]["rare"]["support"] == 1


def test_gaps_in_the_target_are_not_learned_but_predicted(clean: Columns, fit: Fit) -> None:
    truth = list(clean["y"])
    clean["y"][::3] = [None, "", " ", "NA"] * 2
    model = fit(clean)
    assert [item["row"] for item in model.facts["quarantine"]] == list(range(0, 24, 3))
    assert {item["reason"] for item in model.facts["quarantine"]} == {"The target 'y' is empty."}
    assert model.facts["num_learned"] == 16
    assert model.predict(clean).tolist() == truth


def test_so_many_classes_are_refused_before_the_work(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 5,000 classes the weights of n-grams alone would fill 55 GB: it is said at once, not after an hour of encoding."""
    monkeypatch.setattr("consilience.features.plan.Features.extract", lambda *rest: pytest.fail("the work has begun"))
    table = {"words": [f"thing {row % 5000} of sort {row % 7}" for row in range(15_000)], "y": [f"class {row % 5000}" for row in range(15_000)]}
    with pytest.raises(TargetError) as caught:
        fit(table)
    assert str(caught.value).startswith("Column 'y': The target has 5,000 classes; up to 2,000 can be learned. Put rare classes together")
