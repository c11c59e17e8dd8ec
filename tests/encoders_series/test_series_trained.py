"""The networks for series: the contract, odd series, what changes in training and what does not, and that each can learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from consilience.core.errors import CellError, UsageError
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._signal import Signal
from consilience.encoders import ENCODERS
from consilience.encoders.series._course import augment, summary
from consilience.encoders.series.tcn import MaskedNorm
from consilience.testing._fake_series import fake_series_column
from consilience.testing.encoder_checks import check_encoder

KEYS = ["series/gru", "series/patchtst", "series/tcn"]
SMALL = {"series/gru": {"units": 16}, "series/patchtst": {"inner": 16, "layers": 1}, "series/tcn": {"filters": 16, "blocks": 2}}


def make(key, **settings):
    cls = ENCODERS.get(key)
    return cls(cls.Settings(**{**SMALL[key], "width": 16, **settings}))


def columns(rows=24, seed=0):
    kind = KINDS.get("series")()
    parsed = kind.parse(fake_series_column(rows, seed))
    return {"trace": Cells("trace", kind, parsed.values, parsed.present)}


def of(*texts):
    kind = KINDS.get("series")()
    values = np.array([*texts, None], dtype=object)[:-1]
    return {"x": Cells("x", kind, values, np.array([text is not None for text in texts]))}


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("settings", [{}, {"augment": False, "length": 16}])
@pytest.mark.parametrize("key", KEYS)
def test_the_contract_is_kept(key, settings):
    check_encoder(lambda: make(key, **settings), columns())


@pytest.mark.parametrize("key", KEYS)
def test_other_channels_lengths_and_sizes_than_in_training(key):
    encoder = make(key)
    encoder.fit(of("1 2 3 4 5", "2 3 4"))
    batch = tensors(encoder.prepare(of("1", "1 2;3 4;5 6", "[[null, 5], [null, 6]]", " ".join(["1.5 7"] * 3000), "1e38 -1e38 0", None)))
    module = encoder.build().eval()
    with torch.no_grad():
        tokens = module(batch)
    assert tokens.mask[:, 0].tolist() == [True] * 5 + [False]
    assert bool(tokens.clean().isfinite().all())


@pytest.mark.parametrize("key", KEYS)
def test_a_cell_that_cannot_be_read_says_where(key):
    cells = of("1 2 3", "1 x 3")
    with pytest.raises(CellError) as caught:
        make(key).prepare(cells)
    assert (caught.value.row, caught.value.column) == (1, "x")
    with pytest.raises(UsageError, match="takes one column"):
        make(key).fit({**cells, **columns()})


@pytest.mark.parametrize("key", KEYS)
def test_it_learns(key):
    torch.manual_seed(0)
    cells = columns(rows=60, seed=2)
    encoder = make(key)
    encoder.fit(cells)
    batch = tensors(encoder.prepare(cells))
    labels = torch.arange(60) % 5
    module, head = encoder.build(), nn.Linear(16, 5)
    there = batch["mask"][:, 0]
    optimiser = torch.optim.AdamW([*module.parameters(), *head.parameters()], lr=5e-3)
    for _ in range(50):
        loss = nn.functional.cross_entropy(head(module(batch).pooled())[there], labels[there])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()
    right = (head(module(batch).pooled()).argmax(dim=1) == labels)[there].float().mean()
    assert right > 0.75


def test_gaps_are_told_where_training_rows_had_many():
    encoder = make("series/tcn")
    encoder.fit(of("1 nan 3 nan", "2 3 nan 4"))
    arrays = encoder.prepare(of("1 nan 3", "1 2 3"))
    assert arrays["values"].shape[2] == 2
    assert arrays["values"][0, :3, 1].tolist() == [0, 1600, 0]
    assert not arrays["values"][1, :, 1].any()


def test_flat_channels_and_one_constant_series_are_no_division_by_zero():
    encoder = make("series/tcn")
    encoder.fit(of("5 5 5", "5 5"))
    assert not encoder.prepare(of("5 5 5"))["values"].any()


def test_changes_in_training_stay_near_and_in_their_row():
    torch.manual_seed(0)
    values = torch.sin(torch.arange(64.0) / 6)[None, :, None].repeat(40, 1, 2)
    steps = torch.full((40,), 64)
    made, _ = augment(values, steps)
    assert made.shape == values.shape
    assert 0.05 < (made - values).abs().mean() < 0.5
    assert not torch.equal(made[0], made[1])
    values = values.requires_grad_()
    augment(values, steps)[0][3].sum().backward()
    assert not values.grad[4].any()
    short, _ = augment(torch.ones(5, 64, 1), torch.tensor([1, 2, 7, 8, 64]))
    assert bool(short.isfinite().all())


def test_changes_never_reach_behind_the_last_point():
    torch.manual_seed(0)
    values = torch.zeros(200, 30, 1)
    values[:, 10:] = 1e6
    made, _ = augment(values, torch.full((200,), 10))
    assert made[:, :10].abs().max() < 10


def test_no_changes_without_training_or_where_they_are_off():
    cells = columns()
    for settings, training in (({}, False), ({"augment": False, "dropout": 0.0}, True)):
        encoder = make("series/gru", **settings)
        encoder.fit(cells)
        module = encoder.build().train(training)
        batch = tensors(encoder.prepare(cells))
        assert torch.equal(module(batch).values, module(batch).values)


def test_normalisation_sees_what_is_there_only():
    torch.manual_seed(0)
    x, shown = torch.randn(3, 4, 10), torch.ones(3, 1, 10, dtype=torch.bool)
    norm, known = MaskedNorm(4), nn.BatchNorm1d(4)
    torch.testing.assert_close(norm(x, shown), known(x), rtol=1e-4, atol=1e-5)
    shown[0, :, 5:] = False
    dirty = x.clone()
    dirty[0, :, 5:] = 1e4
    torch.testing.assert_close(norm(x, shown)[1:], norm(dirty, shown)[1:])
    assert bool(norm(torch.ones(1, 4, 1), torch.ones(1, 1, 1, dtype=torch.bool)).isfinite().all())


def test_summary_leaves_out_what_is_not_there():
    values = torch.tensor([[[1.0], [3.0], [99.0]]])
    assert summary(values, torch.tensor([[True, True, False]])).tolist() == [[2.0, 3.0]]


def test_heads_have_to_divide_the_width():
    with pytest.raises(UsageError, match="3 heads"):
        make("series/patchtst", heads=3)


def test_prepared_arrays_are_bounded():
    encoder = make("series/tcn", length=32)
    encoder.fit(of("1 2 3", " ".join(map(str, range(1000)))))
    arrays = encoder.prepare(of(" ".join(["4 5"] * 10_000), "1"))
    assert arrays["values"].dtype == np.int16
    assert arrays["values"].shape == (2, 32, 1)
    assert arrays["steps"].tolist() == [32, 1]
    assert isinstance(KINDS.get("series")().read("1"), Signal)
