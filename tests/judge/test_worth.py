"""What modalities and columns are worth: shares that add up, rows, columns, and what can be dropped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import DataError, UsageError
from consilience.core.plain import plain
from consilience.data.table import Table
from consilience.judge.worth import row_worth, scored_worth, table_worth
from consilience.judge.worth._outputs import Outputs, sampled
from consilience.judge.worth._yardstick import Yardstick
from consilience.judge.worth.columns import cost_columns, output_without, used_columns
from consilience.judge.worth.patterns import patterns_of, score_patterns
from consilience.judge.worth.prune import find_spare
from consilience.judge.worth.row import share_out_row
from consilience.judge.worth.shares import share_out
from consilience.metrics.bootstrap import paired_bootstrap
from consilience.pipeline.fitted import Pipeline, Scored


@pytest.fixture(scope="module")
def outputs(pipeline: Pipeline, scored: Scored) -> Outputs:
    return Outputs(pipeline, scored)


@pytest.fixture(scope="module")
def yard(pipeline: Pipeline, scored: Scored) -> Yardstick:
    return Yardstick(pipeline, scored)


@pytest.mark.parametrize(("count", "limit", "patterns"), [(3, 4, 8), (5, 4, 12), (5, 7, 32), (8, 7, 18)])
def test_how_many_patterns_are_scored(count: int, limit: int, patterns: int) -> None:
    assert len(patterns_of([f"m{number}" for number in range(count)], all_up_to=limit)) == patterns


def test_kept_outputs_are_those_of_scoring_anew(pipeline: Pipeline, scored: Scored, outputs: Outputs) -> None:
    assert score_patterns(pipeline, scored, outputs=outputs) == score_patterns(pipeline, scored)
    assert outputs(["text"]) is outputs(("text",))
    assert outputs(pipeline.modalities) is scored.output


def test_shares_sum_to_the_gain_over_nothing(pipeline: Pipeline, scored: Scored, outputs: Outputs, yard: Yardstick) -> None:
    found = share_out(outputs, yard)
    assert found["exact"]
    assert list(found["metrics"]) == ["accuracy", "log_loss"]
    for name, part in found["metrics"].items():
        sign = pipeline.task.metrics[name].sign
        values = [share["value"] for share in part["modalities"].values()]
        assert np.isclose(sum(values), sign * (part["all"] - part["none"]))
        assert np.isclose(part["gain"]["value"], sum(values))
        for share in part["modalities"].values():
            assert share["low"] <= share["value"] <= share["high"]
            assert share["low"] < share["high"]


def test_shares_tell_the_modalities_apart(outputs: Outputs, yard: Yardstick) -> None:
    """By construction words tell most, the picture less, the number little."""
    shares = share_out(outputs, yard)["metrics"]["log_loss"]["modalities"]
    assert shares["text"]["value"] > shares["image"]["value"] > shares["table"]["value"] > 0


def test_a_share_is_the_mean_over_the_orders(outputs: Outputs, yard: Yardstick) -> None:
    """The text's share of accuracy, from the outputs of all patterns by hand."""
    value = {pattern: yard.of(outputs(pattern))[0, 0] for pattern in patterns_of(outputs.names)}
    before = [((), 1 / 3), (("image",), 1 / 6), (("table",), 1 / 6), (("image", "table"), 1 / 3)]
    wanted = sum(weight * (value[tuple(sorted([*names, "text"]))] - value[names]) for names, weight in before)
    assert np.isclose(share_out(outputs, yard)["metrics"]["accuracy"]["modalities"]["text"]["value"], wanted)


def test_the_yardstick_measures_as_the_paired_bootstrap_does(pipeline: Pipeline, scored: Scored, outputs: Outputs, yard: Yardstick) -> None:
    less = outputs(["image"])
    found = yard.intervals(yard.of(scored.output) - yard.of(less))
    for name, metric in yard.metrics.items():
        wanted = paired_bootstrap(metric, yard.truth, scored.output, less, rounds=400, seed=pipeline.recipe.seed)
        assert np.isclose(found[name].value, wanted.value)
        # Percentiles here, standard errors there: nearly the same where rows have no heavy tails.
        width = wanted.high - wanted.low
        assert np.allclose([found[name].low, found[name].high], [wanted.low, wanted.high], atol=0.25 * width)


def test_one_row_is_shared_out_for_every_class(pipeline: Pipeline, scored: Scored) -> None:
    nothing = pipeline.scored(scored.dataset, scored.examples.without(pipeline.modalities)).output
    for place in (0, 5):
        found = share_out_row(pipeline, scored.take(np.array([place])))
        label = int(scored.output[place].argmax())
        assert (found["of"], found["value"]) == (pipeline.task.target.classes[label], pytest.approx(scored.output[place, label]))
        assert sum(part["value"] for part in found["modalities"].values()) == pytest.approx(found["value"] - found["nothing"])
        for index, name in enumerate(pipeline.task.target.classes):
            assert sum(found["by_class"][name].values()) == pytest.approx(scored.output[place, index] - nothing[place, index])


def test_what_a_row_lacks_moves_nothing(pipeline: Pipeline, scored: Scored) -> None:
    place = int(np.flatnonzero(~scored.dataset.cells["picture"].present)[0])
    found = share_out_row(pipeline, scored.take(np.array([place])))
    assert found["modalities"]["image"] == {"value": 0.0, "present": False}
    assert found["modalities"]["text"]["present"] or found["modalities"]["table"]["present"]


def table_of(scored: Scored, target: bool = True) -> pl.DataFrame:
    """The rows as a table in memory, without pictures."""
    cells = {
        name: [value if there else None for value, there in zip(part.values, part.present, strict=True)]
        for name, part in scored.dataset.cells.items()
    }
    frame = pl.DataFrame({name: values for name, values in cells.items() if name != "picture"}, strict=False)
    return frame.with_columns(pl.Series("label", scored.dataset.target)) if target else frame


def test_a_row_of_a_table_without_target(pipeline: Pipeline, scored: Scored) -> None:
    table = Table(table_of(scored, target=False), source="rows.csv")
    found = row_worth(pipeline, table, 7)
    assert found["row"] == 7
    assert found["modalities"]["image"]["present"] is False
    with pytest.raises(UsageError, match=r"rows\.csv has no row 60. It has rows 0 to 59"):
        row_worth(pipeline, table, 60)
    with pytest.raises(UsageError, match="no row -1"):
        row_worth(pipeline, table, -1)


def test_a_row_that_cannot_be_read_says_why(pipeline: Pipeline, scored: Scored, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    frame = table_of(scored, target=False).with_columns(pl.lit(str(tmp_path / "broken.png")).alias("picture"))
    with pytest.raises(DataError, match="picture"):
        row_worth(pipeline, Table(frame), 2)


def test_a_column_costs_what_its_modality_costs_where_it_is_alone(pipeline: Pipeline, scored: Scored, outputs: Outputs, yard: Yardstick) -> None:
    costs = {one.column: one for one in cost_columns(pipeline, scored, yard)}
    assert set(costs) == {"picture", "words", "size"}
    assert next(iter(costs)) == "words"
    wanted = yard.intervals(yard.of(scored.output) - yard.of(outputs(["image", "table"])))
    for name, interval in costs["words"].cost.items():
        assert interval.value == pytest.approx(wanted[name].value, abs=1e-4)
    assert costs["size"].modality == "table"
    assert costs["picture"].present == pytest.approx(scored.dataset.cells["picture"].present.mean())


def test_a_column_that_no_row_has_costs_nothing(pipeline: Pipeline, scored: Scored) -> None:
    cells = {**scored.dataset.cells, "words": scored.dataset.cells["words"].absent()}
    bare = replace(scored, dataset=replace(scored.dataset, cells=cells), examples=scored.examples.without(["text"]))
    assert output_without(pipeline, bare, ["words"]) is bare.output
    assert output_without(pipeline, scored, []) is scored.output
    assert not np.array_equal(output_without(pipeline, scored, ["words"]), scored.output)


def noise_model(tmp_path: Path, **settings: object) -> tuple[consilience.Model, pl.DataFrame]:
    """One number that tells the class, its copy, two that tell nothing, words that tell a little."""

    def frame(rows: int, seed: int) -> pl.DataFrame:
        dice = np.random.default_rng(seed)
        label = dice.choice(["low", "high"], rows)
        size = np.where(label == "high", 2.0, -2.0) + dice.normal(size=rows)
        words = [f"thing {'up' if (name == 'high') == (dice.random() < 0.6) else 'down'}" for name in label]
        return pl.DataFrame(
            {"label": label, "size": size, "copy": 2 * size, "noise": dice.normal(size=rows), "dust": dice.normal(size=rows), "note": words}
        )

    model = consilience.fit(
        frame(200, 0),
        target="label",
        kinds={"note": "text"},
        encoders={"text": "bow"},
        learners=["linear"],
        presets="fast",
        cache=tmp_path / "cache",
        progress=False,
        **settings,
    )
    return model, frame(300, 1)


def test_what_tells_nothing_can_be_dropped(tmp_path: Path) -> None:
    model, frame = noise_model(tmp_path)
    found = model.worth(frame, prune=True)
    dropped = set(found["spare"]["dropped"])
    assert {"noise", "dust"} <= dropped
    assert not {"size", "copy"} <= dropped  # either stands in for the other, but not for both
    assert found["spare"]["options"].startswith("--ignore ")
    cost = found["spare"]["cost"]["log_loss"]
    assert cost["low"] <= 0
    assert cost["value"] <= found["spare"]["tolerance"]["log_loss"]
    spare = model.pipeline.recipe.model_copy(update={"ignore": tuple(dropped)})
    cheaper = consilience.fit(
        noise_model(tmp_path)[1], recipe=spare.model_dump(mode="json", exclude={"encoders"}), cache=tmp_path / "cache", progress=False
    )
    assert not dropped & {column.name for column in cheaper.schema.features()}


def test_nothing_is_dropped_where_no_loss_is_allowed_for_what_tells(pipeline: Pipeline, scored: Scored, yard: Yardstick) -> None:
    costs = cost_columns(pipeline, scored, yard)
    assert find_spare(pipeline, scored, costs, tolerance=0.001)["dropped"] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consilience.judge.worth.prune._spare", lambda cost, allowed: True)
        assert len(find_spare(pipeline, scored, costs)["dropped"]) == len(used_columns(pipeline)) - 1


def test_a_recipe_that_names_what_is_dropped_is_said(pipeline: Pipeline, scored: Scored, yard: Yardstick) -> None:
    costs = cost_columns(pipeline, scored, yard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consilience.judge.worth.prune._spare", lambda cost, allowed: True)
        found = find_spare(pipeline, scored, [one for one in costs if one.column == "picture"])
    assert (found["dropped"], found["encoders"], found["named"]) == (["picture"], ["picture:hog"], ["encoders.image"])
    assert 0 < found["seconds"]["after"] < found["seconds"]["before"]


def test_the_whole_is_json_and_the_same_again(model: consilience.Model, scored: Scored) -> None:
    found, again = (plain(scored_worth(model.pipeline, scored, prune=False)) for _ in range(2))
    assert found == again
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["num_rows"], found["rows"], len(found["patterns"])) == (60, 60, 8)
    assert {one["modality"] for one in found["alone"]} == {"image", "table", "text"}
    assert found["spare"] is None


def test_of_very_many_rows_a_sample_is_looked_at(pipeline: Pipeline, scored: Scored) -> None:
    some = sampled(scored, 20, seed=0)
    assert len(some.output) == len(some.dataset) == 20
    assert np.all(np.diff(some.dataset.rows) > 0)
    assert np.array_equal(some.output, scored.output[np.isin(scored.dataset.rows, some.dataset.rows)])
    assert sampled(scored, 60, seed=0) is scored


def test_rows_without_a_target_are_an_error(model: consilience.Model, pipeline: Pipeline, scored: Scored) -> None:
    with pytest.raises(UsageError, match="target"):
        scored_worth(pipeline, replace(scored, dataset=replace(scored.dataset, target=None)))
    with pytest.raises(consilience.errors.ConsilienceError):
        table_worth(pipeline, Table(table_of(scored, target=False)))


def test_a_number_is_shared_out_too(tmp_path: Path) -> None:
    def frame(rows: int, seed: int) -> pl.DataFrame:
        dice = np.random.default_rng(seed)
        size, up = dice.normal(size=rows), dice.random(rows) < 0.5
        words = ["up here" if one else "down there" for one in up]
        return pl.DataFrame({"price": 3 * size + 2 * up + dice.normal(scale=0.2, size=rows), "size": size, "note": words})

    model = consilience.fit(
        frame(150, 0),
        target="price",
        kinds={"note": "text"},
        encoders={"text": "bow"},
        learners=["linear"],
        presets="fast",
        cache=tmp_path,
        progress=False,
    )
    found = model.worth(frame(80, 1))
    part = found["shapley"]["metrics"][found["metric"]]
    assert part["gain"]["value"] == pytest.approx(part["none"] - part["all"])  # an error: less is better, gains are positive
    assert part["modalities"]["table"]["value"] > part["modalities"]["text"]["value"] > 0
    row = model.worth(frame(80, 1), row=4)
    assert (row["of"], row["by_class"]) == (None, {})
    assert sum(one["value"] for one in row["modalities"].values()) == pytest.approx(row["value"] - row["nothing"])
