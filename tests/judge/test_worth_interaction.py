"""EMAP: an additive model is its own projection, one that needs two modalities at once falls to chance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.features._examples import Block, Examples
from consilience.judge.worth._sentences import amount, interaction_sentence
from consilience.judge.worth.interaction import _prime_up_to, additive_scores, find_interaction, mixed
from consilience.pipeline.fitted import Pipeline, Scored

NAMES = ["a", "b", "c", "d"]


def evidence(count: int, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    dice = np.random.default_rng(seed)
    return {name: dice.normal(size=(rows, 3)) for name in NAMES[:count]}


@pytest.mark.parametrize(("count", "rows"), [(2, 10), (2, 31), (3, 31), (4, 13)])
def test_an_additive_model_is_its_own_projection(count: int, rows: int) -> None:
    parts = evidence(count, rows)

    def predict(index: Mapping[str, np.ndarray]) -> np.ndarray:
        return sum(np.sin(parts[name])[index[name]] for name in parts)

    wanted = sum(np.sin(part) for part in parts.values())
    assert np.allclose(additive_scores(predict, list(parts), rows), wanted)


def test_two_modalities_are_projected_as_in_the_paper() -> None:
    parts, rows = evidence(2, 12), 12

    def model(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.tanh(one * other) + one[..., :1] * other[..., 1:2]

    def predict(index: Mapping[str, np.ndarray]) -> np.ndarray:
        return model(parts["a"][index["a"]], parts["b"][index["b"]])

    every = np.array([[model(one, other) for other in parts["b"]] for one in parts["a"]])  # [N, N, K]
    wanted = every.mean(axis=1) + every.mean(axis=0) - every.mean(axis=(0, 1))
    assert np.allclose(additive_scores(predict, ["a", "b"], rows), wanted)


def test_of_three_modalities_what_two_say_together_is_taken_out() -> None:
    rows = 211
    dice = np.random.default_rng(3)
    signs = {name: dice.permutation(np.arange(rows) % 2 * 2.0 - 1.0) for name in "abc"}

    def predict(index: Mapping[str, np.ndarray]) -> np.ndarray:
        return (signs["a"][index["a"]] * signs["b"][index["b"]] + signs["c"][index["c"]])[:, None]

    found = additive_scores(predict, ["a", "b", "c"], rows)[:, 0]
    assert np.abs(found - signs["c"]).max() < 5 / np.sqrt(rows)
    together = signs["a"] * signs["b"]
    assert abs(np.corrcoef(found, together)[0, 1]) < 0.2 < np.corrcoef(together + signs["c"], together)[0, 1]


def test_rows_are_put_together_by_modality() -> None:
    blocks = tuple(Block(f"{name}:x", name, np.arange(4.0)[:, None] + shift, np.ones(4, bool)) for name, shift in (("a", 0), ("b", 10), ("c", 20)))
    made = mixed(Examples(blocks, 4), {"a": np.array([0, 1]), "b": np.array([3, 0])})
    assert len(made) == 2
    assert [block.values[:, 0].tolist() for block in made.blocks] == [[0.0, 1.0], [13.0, 10.0]]


def test_the_rows_of_more_modalities_are_a_prime_number() -> None:
    assert [_prime_up_to(number) for number in (2, 3, 4, 10, 60, 211)] == [2, 3, 3, 7, 59, 211]


def test_a_fitted_model_on_its_own_rows_where_nothing_is_recombined(pipeline: Pipeline, scored: Scored) -> None:
    found = find_interaction(pipeline, scored)
    assert found is not None
    assert found["rows"] == 59
    assert set(found["metrics"]) == {"accuracy", "log_loss"}
    assert 0.5 < found["metrics"]["accuracy"]["additive"] <= 1
    assert found["agree"] > 0.8
    assert found == find_interaction(pipeline, scored)
    assert find_interaction(pipeline, scored.take(np.arange(2))) is None


def xor_frame(rows: int, seed: int) -> pl.DataFrame:
    """Neither the word nor the sign of the number tells anything; together they tell all."""
    dice = np.random.default_rng(seed)
    up, plus = dice.random(rows) < 0.5, dice.random(rows) < 0.5
    return pl.DataFrame(
        {
            "label": np.where(up ^ plus, "yes", "no"),
            "note": [f"{'alpha' if one else 'omega'} {'alpha' if one else 'omega'}" for one in up],
            "size": np.where(plus, 1.0, -1.0) * (0.5 + dice.random(rows)),
        }
    )


@pytest.mark.slow
def test_a_model_of_xor_falls_to_chance(tmp_path) -> None:
    model = consilience.fit(
        xor_frame(500, 0),
        target="label",
        kinds={"note": "text"},
        encoders={"text": "bow"},
        learners=["trees"],
        cache=tmp_path,
        progress=False,
    )
    found = model.worth(xor_frame(200, 1))
    accuracy = found["interaction"]["metrics"]["accuracy"]
    assert accuracy["full"] > 0.95
    assert accuracy["additive"] < 0.7
    assert accuracy["gain"]["low"] > 0.2
    assert found["interaction"]["verdict"].startswith("Modalities act together: interaction adds")


def test_amounts_and_sentences() -> None:
    assert amount("mae", {"value": 0.12345, "low": None, "high": 2.0}) == "0.123 [-, 2]"

    def said(value: float | None, low: float = 0.0, high: float = 0.0) -> str:
        return interaction_sentence("accuracy", {"full": 0.9, "additive": 0.8, "gain": {"value": value, "low": low, "high": high}}, 50)

    assert said(0.1, 0.05, 0.2).startswith("Modalities act together: interaction adds 10.0 points [5.0, 20.0]; accuracy 0.900 with")
    assert said(0.1, -0.05, 0.2).startswith("The model is additive as far as can be told")
    assert "takes away 10.0 points [5.0, 20.0]" in said(-0.1, -0.2, -0.05)
    assert "undefined" in said(None)


def test_no_more_rows_are_put_together_than_memory_is_meant_for(scored: Scored, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is learned end to end takes hundreds of kilobytes a row: thousands of them at once would take gigabytes."""
    import consilience.judge.worth.interaction as room

    wanted, seen = find_interaction(pipeline, scored), []
    predict = type(pipeline.model).predict
    monkeypatch.setattr(type(pipeline.model), "predict", lambda self, examples: [seen.append(len(examples)), predict(self, examples)][1])
    monkeypatch.setattr(room, "MEMORY", 1)
    found = find_interaction(pipeline, scored)
    assert max(seen) == 59  # one pass: the largest prime up to 60
    assert wanted is not None
    assert found is not None
    assert found["metrics"]["accuracy"] == wanted["metrics"]["accuracy"]


def test_how_many_rows_a_memory_holds() -> None:
    examples = Examples((Block("a:x", "a", np.zeros((5, 10), np.float32), np.ones(5, bool)),), 5)
    assert [examples.rows_within(size) for size in (0, 39, 40, 400)] == [1, 1, 1, 10]
    assert Examples((), 0).rows_within(100) >= 1
