from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from consilience.core.errors import UsageError
from consilience.core.state import State
from consilience.encoders import ENCODERS, TrainedEncoder
from consilience.encoders.table.piecewise import bin_edges

KEYS = ["mlp", "ft_transformer", "piecewise", "periodic"]
CASES = [*((key, {}) for key in KEYS), ("ft_transformer", {"output": "columns"})]
PARTS = {"numbers": ["price", "height"], "categories": ["colour"], "sets": ["tags"], "dates": ["sold"], "all": None}


def fitted(key, table, **options):
    cls = ENCODERS.get(f"table/{key}")
    encoder = cls(cls.Settings(**options))
    encoder.fit(table)
    return encoder


def built(encoder, seed=0):
    torch.manual_seed(seed)
    return encoder.build().eval()


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("key", "options"), CASES)
def test_any_columns_give_tokens_and_gradients(key, options, part, mixed):
    table = {name: cells for name, cells in mixed().items() if PARTS[part] is None or name in PARTS[part]}
    encoder = fitted(key, table, **options)
    assert isinstance(encoder, TrainedEncoder)
    module = built(encoder).train()
    arrays = encoder.prepare(table)
    rows = {name: array.shape[0] for name, array in arrays.items()}
    assert set(rows.values()) == {60}
    assert arrays["numbers"].dtype == np.float32
    assert arrays["codes"].dtype == np.int64
    tokens = module(tensors(arrays))
    count = len(table) if options else 1
    assert tokens.values.shape == (60, count, module.width)
    assert torch.equal(tokens.mask, torch.from_numpy(arrays["mask"]))
    assert not tokens.mask[0].any()
    assert tokens.values.isfinite().all()
    goal = torch.randn(60, module.width, generator=torch.Generator().manual_seed(0))
    (tokens.pooled() - goal).square().sum().backward()
    idle = [name for name, weight in module.named_parameters() if weight.grad is None or weight.grad.abs().max() < 1e-9]
    assert not idle
    assert all(weight.grad.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize(("key", "options"), CASES)
def test_absent_cells_have_no_influence(key, options, mixed, rubbish):
    table = mixed()
    dirty = {name: rubbish(cells, cells.present) for name, cells in table.items()}
    one, two = fitted(key, table, **options), fitted(key, dirty, **options)
    clean, other = one.prepare(table), two.prepare(dirty)
    assert all(np.array_equal(clean[name], other[name]) for name in clean)
    module = built(one)
    batch = tensors(clean)
    expected = module(batch)
    disturbed = {**batch, "numbers": torch.where(batch["number_mask"], batch["numbers"], torch.nan)}
    out = module(disturbed)
    assert torch.equal(expected.clean(), out.clean())
    out.pooled().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize(("key", "options"), CASES)
def test_state_gives_the_same_arrays_and_module(key, options, mixed):
    table, new = mixed(), mixed(seed=4)
    encoder = fitted(key, table, **options)
    cls = type(encoder)
    again = cls(cls.Settings(**options))
    state = encoder.state()
    again.restore(State(json.loads(json.dumps(state.config)), {name: array.copy() for name, array in state.arrays.items()}))
    one, two = encoder.prepare(new), again.prepare(dict(reversed(new.items())))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert torch.equal(built(encoder)(tensors(one)).values, built(again)(tensors(two)).values)
    assert encoder.fingerprint() == again.fingerprint() != cls(cls.Settings(**options)).fingerprint()


@pytest.mark.parametrize(("key", "options"), CASES)
def test_batch_equals_one_by_one_and_nothing_changes_in_place(key, options, mixed):
    table = mixed()
    encoder = fitted(key, table, **options)
    module = built(encoder)
    batch = tensors(encoder.prepare(table))
    before = {name: value.clone() for name, value in batch.items()}
    whole = module(batch)
    assert all(torch.equal(before[name], batch[name]) for name in batch)
    for row in (0, 1, 9):
        alone = module({name: value[row : row + 1] for name, value in batch.items()})
        torch.testing.assert_close(whole.clean()[row], alone.clean()[0], atol=1e-5, rtol=1e-4)


def test_columns_of_the_transformer_hide_each_other_only_when_absent(mixed):
    table = mixed(gaps=0.0)
    encoder = fitted("ft_transformer", table, output="columns")
    module = built(encoder)
    arrays = encoder.prepare({**table, "height": table["height"].absent()})
    place = sorted(table).index("height")
    assert not arrays["mask"][:, place].any()
    assert np.delete(arrays["mask"], place, axis=1).all()
    tokens = module(tensors(arrays))
    assert (tokens.clean()[:, place] == 0).all()


@pytest.mark.parametrize("key", KEYS)
def test_settings_reach_the_module(key, mixed):
    table = mixed()
    encoder = fitted(key, table, width=24, max_levels=2)
    assert built(encoder).width == 24
    table.pop("sold")  # the days of the week are never cut
    assert fitted(key, table, max_levels=2).prepare(table)["codes"].max() == 3  # two levels and the rest


def test_unknown_levels_are_neutral_where_training_had_no_rare_ones(column):
    encoder = fitted("mlp", {"c": column("c", "category", ["a", "a", "b", "b"])})
    module = built(encoder)
    arrays = encoder.prepare({"c": column("c", "category", ["a", "never seen", None])})
    assert arrays["codes"][:, 0].tolist() == [1, 3, 0]
    assert arrays["mask"][:, 0].tolist() == [True, True, False]
    values = module(tensors(arrays)).values
    assert torch.equal(values[1], values[2])
    assert not torch.equal(values[0], values[1])


def test_heads_that_do_not_fit_are_named(mixed):
    with pytest.raises(UsageError, match="heads"):
        fitted("ft_transformer", mixed(), width=10, heads=4).build()


@pytest.mark.parametrize("key", KEYS)
def test_not_fitted_is_said(key, mixed):
    cls = ENCODERS.get(f"table/{key}")
    with pytest.raises(UsageError, match="Call fit first"):
        cls(cls.Settings()).prepare(mixed())


@given(st.lists(st.floats(-10, 10, width=32), max_size=20), st.integers(2, 8))
@settings(deadline=None)
def test_bin_edges_are_what_the_embedding_takes(values, bins):
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings

    edges = bin_edges(np.array(values, dtype=np.float32), bins)
    assert (np.diff(edges) > 0).all()
    assert 3 <= len(edges) <= bins + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PiecewiseLinearEmbeddings([torch.from_numpy(edges)], 4, activation=False, version="B")


@pytest.mark.parametrize(("key", "options"), CASES)
def test_learns_a_rule_of_number_and_category(key, options, column):
    draw = np.random.default_rng(0)
    x, c = draw.normal(size=300), draw.choice(["up", "down"], 300)
    table = {"x": column("x", "number", x.tolist()), "c": column("c", "category", c.tolist())}
    label = torch.from_numpy(np.where(c == "up", x > 0, x < 0).astype(np.float32))
    encoder = fitted(key, table, width=32, dropout=0.0, **options)
    module = built(encoder).train()
    head = nn.Linear(32, 1)
    batch = tensors(encoder.prepare(table))
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=0.005)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(head(module(batch).pooled()).squeeze(1), label).backward()
        optimiser.step()
    accuracy = ((head(module(batch).pooled()).squeeze(1) > 0) == (label > 0)).float().mean()
    assert accuracy > 0.9
