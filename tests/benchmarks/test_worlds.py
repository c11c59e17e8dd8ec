"""The worlds have the answers that they claim to have."""

from __future__ import annotations

import numpy as np
import pytest

from _bench import Options
from _drawing import NUM_TEST, NUM_TRAIN, load_world, picture, sentence
from _worlds import WORLDS, draw_factors

ROWS = 200_000


@pytest.mark.parametrize("name", WORLDS)
def test_the_best_answer_reaches_the_ceiling_that_is_stated(name: str) -> None:
    world = WORLDS[name]
    answer = world.answer(draw_factors(ROWS, 1, 2), np.random.default_rng(3))
    if world.number:
        reached = 1 - np.mean((answer.truth - answer.best) ** 2) / answer.truth.var()
    else:
        reached = np.mean(answer.best.argmax(axis=1) == answer.truth)
        assert np.allclose(answer.best.sum(axis=1), 1)
    assert reached == pytest.approx(world.ceiling, abs=0.005)


@pytest.mark.parametrize("name", [name for name in WORLDS if not WORLDS[name].number])
def test_the_best_probabilities_are_right_on_average(name: str) -> None:
    """Among rows that get about the same probability for a class, that share belongs to it."""
    answer = WORLDS[name].answer(draw_factors(ROWS, 1, 2), np.random.default_rng(3))
    for code in range(answer.best.shape[1]):
        said, is_it = answer.best[:, code], answer.truth == code
        bins = np.digitize(said, [0.1, 0.3, 0.5, 0.7, 0.9])
        for at in np.unique(bins):
            assert is_it[bins == at].mean() == pytest.approx(said[bins == at].mean(), abs=0.02)


def test_each_part_of_the_interaction_is_at_chance_alone() -> None:
    f = draw_factors(ROWS, 1, 2)
    truth = WORLDS["interaction"].answer(f, np.random.default_rng(3)).truth
    for codes in (f.colour, f.tone, f.shape, f.topic, f.category):
        for code in np.unique(codes):
            assert truth[codes == code].mean() == pytest.approx(0.5, abs=0.02)


def test_what_only_the_table_says_is_in_no_picture_and_no_sentence() -> None:
    f = draw_factors(ROWS, 1, 2)
    truth = WORLDS["one"].answer(f, np.random.default_rng(3)).truth
    shares = np.bincount(truth) / ROWS
    for codes in (f.shape, f.colour, f.topic, f.tone):
        for code in np.unique(codes):
            assert np.bincount(truth[codes == code]) / np.count_nonzero(codes == code) == pytest.approx(shares, abs=0.02)


def test_a_world_is_a_table_with_pictures_of_its_own_factors(options: Options) -> None:
    bench = load_world("absent", options)
    assert len(bench.table) == NUM_TRAIN + NUM_TEST
    (split,) = bench.splits
    assert len(split.pool) == NUM_TRAIN
    assert not set(split.pool) & set(split.test)
    cells = bench.table.frame["picture"]
    assert 0.45 < cells.null_count() / len(cells) < 0.55
    assert all((options.out / "worlds" / cell).exists() for cell in cells.drop_nulls())
    assert bench.best is not None
    assert np.mean(bench.best.argmax(axis=1) == bench.truth) == pytest.approx(WORLDS["absent"].ceiling, abs=0.04)
    again = load_world("absent", options)
    assert again.table.frame.equals(bench.table.frame)


def test_pictures_show_their_colour_and_size_and_sentences_their_tone() -> None:
    random = np.random.default_rng(0)
    for shape in range(4):
        large, small = (np.asarray(picture(shape, 3, size, random)).astype(int) for size in (1, 0))
        drawn = [(pixels[:, :, 2] - pixels[:, :, 0] > 80) for pixels in (large, small)]
        assert drawn[0].sum() > 1.5 * drawn[1].sum() > 0
    assert {sentence(0, 1, random) for _ in range(50)}.isdisjoint({sentence(0, 0, random) for _ in range(50)})
