"""Splits, results, intervals and the hand-made pipeline of the benchmark, on tiny tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import _tutorial
from _bench import Bench, Options, Split
from _features import Frozen
from _handmade import learn_handmade
from _page import page
from _paired import Judged, judge
from _results import Results
from _sets import _folds
from _tfidf import learn_tfidf
from consilience.data.table import Table

ROWS = 120


def tiny(folder: Path, *, number: bool = False) -> tuple[Bench, Frozen]:
    """Rows whose answer is in the vectors of a text column (a class), or in vectors and a column together (a number)."""
    random = np.random.default_rng(0)
    codes, x = random.integers(0, 3, ROWS), random.normal(size=ROWS)
    for code in range(3):
        Image.new("RGB", (20, 20), (250 * (code == 0), 250 * (code == 1), 250 * (code == 2))).save(folder / f"{code}.png")
    vectors = np.eye(3)[codes] @ random.normal(size=(3, 12)) + 0.3 * random.normal(size=(ROWS, 12))
    frame = pl.DataFrame(
        {
            "words": [f"{('red', 'green', 'blue')[code]} thing number {row}" for row, code in enumerate(codes)],
            "picture": [None if row % 7 == 0 else f"{code}.png" for row, code in enumerate(codes)],
            "x": [None if row % 9 == 0 else str(value) for row, value in enumerate(x)],
            "place": random.choice(["here", "there"], ROWS),
            "answer": [str(np.exp(codes[row] + 0.3 * x[row])) if number else ("a", "b", "c")[codes[row]] for row in range(ROWS)],
        }
    )
    roles = {"words": "text", "picture": "image", "x": "number", "place": "category"}
    split = Split("only", np.arange(80), np.arange(80, ROWS))
    bench = Bench("tiny", Table(frame, dict.fromkeys(frame.columns, folder)), "answer", roles, (split,), number=number, log=number)
    present = np.arange(ROWS) % 7 > 0
    noise = np.where(present[:, None], random.normal(size=(ROWS, 20)), np.nan)
    frozen = Frozen({"words": vectors, "picture": noise}, {"words": np.ones(ROWS, bool), "picture": present}, 1.0, 2, 3)
    return bench, frozen


@pytest.mark.parametrize("number", [False, True])
def test_the_hand_made_pipeline_learns_and_knows_no_test_row(tmp_path: Path, number: bool) -> None:
    bench, frozen = tiny(tmp_path, number=number)
    (split,) = bench.splits
    outputs = learn_handmade(bench, split, frozen)
    assert set(outputs) == {"lin:image", "lin:table", "lin:text", "lin", "lgb", "tabm", "avg"}
    truth = bench.truth[split.test]
    for cell in ("lin:text", "lin", "lgb", "tabm", "avg"):
        assert bench.headline.compute(truth, outputs[cell]) > (0.6 if number else 0.8), cell
    assert bench.headline.compute(truth, outputs["lin:image"]) < 0.6
    answers = bench.table.frame["answer"].to_numpy().copy()
    answers[split.test] = answers[split.test][::-1]
    shuffled = Bench(
        "tiny",
        Table(bench.table.frame.with_columns(answer=answers), bench.table.bases),
        "answer",
        bench.roles,
        bench.splits,
        number=number,
        log=number,
    )
    again = learn_handmade(shuffled, split, frozen)
    assert all(np.array_equal(outputs[cell], again[cell]) for cell in outputs)


@pytest.mark.parametrize("number", [False, True])
def test_baselines_give_one_output_for_each_test_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: bool) -> None:
    bench, _ = tiny(tmp_path, number=number)
    (split,) = bench.splits
    monkeypatch.setattr(_tutorial, "EPOCHS", 2)
    learned, facts = _tutorial.learn_tutorial(bench, split, seconds=60)
    assert facts["epochs"] == 2
    plain = learn_tfidf(bench, split)["tfidf"]
    assert bench.headline.compute(bench.truth[split.test], plain) > 0.5
    for output in (plain, learned["tutorial"]):
        assert output.shape == ((len(split.test),) if number else (len(split.test), 3))
        assert np.isfinite(output).all()


def test_the_tenth_keeps_groups_whole(tmp_path: Path) -> None:
    bench, _ = tiny(tmp_path)
    grouped = Bench("tiny", bench.table, "answer", bench.roles, bench.splits, groups=np.array([f"g{row // 4}" for row in range(ROWS)]))
    fit, valid = grouped.tenth(np.arange(80), 0)
    assert not set(grouped.units[fit]) & set(grouped.units[valid])
    assert 8 <= len(valid) <= 12
    assert len(fit) + len(valid) == 80


def test_folds_hold_each_row_out_once_and_keep_groups_whole(options: Options) -> None:
    groups = np.random.default_rng(0).integers(0, 30, 200)
    folds = _folds(groups, options)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(200))
    for fold in folds:
        assert not set(groups[fold.pool]) & set(groups[fold.test])
        assert 30 <= len(fold.test) <= 50


def test_results_are_kept_for_the_rows_they_were_made_of(tmp_path: Path) -> None:
    bench, _ = tiny(tmp_path)
    (split,) = bench.splits
    results = Results(tmp_path / "results")
    assert results.get(bench, split, "it") is None
    results.put(bench, split, "it", {"a:b": np.ones((40, 3)) / 3}, {"seconds": {"learn": 1.0}})
    found = results.get(bench, split, "it")
    assert found is not None
    assert found.outputs["a:b"].shape == (40, 3)
    assert found.facts == {"seconds": {"learn": 1.0}}
    assert results.get(bench, Split("only", split.pool[1:], split.test), "it") is None
    results.put_encoding(bench, 9.0, 100, 0)
    results.put_encoding(bench, 0.1, 0, 100)
    assert results.encoding(bench)["seconds"] == 9.0


def test_paired_intervals_agree_with_a_plain_loop(tmp_path: Path) -> None:
    """Two splits share test rows: all appearances of a row are drawn together."""
    bench, _ = tiny(tmp_path)
    random = np.random.default_rng(1)
    splits = (Split("one", np.arange(60), np.arange(60, ROWS)), Split("two", np.arange(40), np.arange(40, ROWS)))
    # A row gets the same output in both splits: drawn apart, its two appearances would make the interval too narrow.
    said = {cell: random.dirichlet(np.ones(3), ROWS) for cell in ("consilience", "handmade:lin")}
    outputs = {cell: {split.name: made[split.test] for split in splits} for cell, made in said.items()}
    judged = Judged(Bench("tiny", bench.table, "answer", bench.roles, splits), outputs, {}, {})
    found = judged.difference("consilience", "handmade:lin", bench.headline)

    right = {
        cell: [(row, float(made.argmax() == bench.truth[row])) for split in splits for row, made in zip(split.test, parts[split.name], strict=True)]
        for cell, parts in outputs.items()
    }
    gains: dict[int, list[float]] = {}
    for (row, one), (_, other) in zip(right["consilience"], right["handmade:lin"], strict=True):
        gains.setdefault(int(row), []).append(one - other)
    rows = list(gains)
    drawn = []
    for _ in range(2000):
        picked = [gain for row in random.choice(rows, len(rows)) for gain in gains[int(row)]]
        drawn.append(np.mean(picked))
    assert found.value == pytest.approx(np.mean([gain for parts in gains.values() for gain in parts]))
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_the_page_names_the_best_cell_and_counts_regret(tmp_path: Path) -> None:
    bench, _ = tiny(tmp_path)
    (split,) = bench.splits
    results = Results(tmp_path / "results")
    right = np.eye(3)[bench.truth[split.test]] * 0.9 + 0.1 / 3
    wrong = np.roll(right, 1, axis=1)
    half = np.where((np.arange(40) < 30)[:, None], right, wrong)
    told = {"seconds": {"learn": 1.0}, "chosen": "linear:text", "promised": {"accuracy": {"value": 0.7}}, "gain": {"versus": "linear:text"}}
    results.put(bench, split, "handmade", {"handmade:lin": wrong, "handmade:avg": right}, {"seconds": {"learn": 2.0}})
    results.put(bench, split, "consilience", {"consilience": half}, told)
    results.put(bench, split, "consilience-single", {"consilience-single": right}, {"seconds": {}})
    made = page([judge(bench, results, ["handmade", "consilience", "consilience-single"])])
    (line,) = [line for line in made.splitlines() if line.startswith("| tiny | avg |")]
    assert "-0.250 [" in line
    assert "best hand-made cell: -25.00 points" in made
    assert "(regret): 25.00; tables whose interval lies wholly below zero: 1." in made
