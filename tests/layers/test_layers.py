from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from consilience.core.errors import UsageError
from consilience.layers.attention import Attention, AttentionBlock
from consilience.layers.mlp import MLP
from consilience.layers.pooling import masked_softmax
from consilience.layers.positions import sinusoids
from consilience.layers.tokens import Tokens


def draw(rows=4, length=5, width=8, seed=0):
    torch.manual_seed(seed)
    mask = torch.rand(rows, length) < 0.6
    mask[0], mask[1] = True, False
    return torch.randn(rows, length, width), mask


def test_attention_equals_the_reference():
    values, mask = draw()
    mask[1, 0] = True
    ours = Attention(8, 2).eval()
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.in_proj_bias[:8] = ours.query.bias
        theirs.out_proj.load_state_dict(ours.out.state_dict())
        expected, shares = theirs(values[:, :3], values, values, key_padding_mask=~mask)
        out, weights = ours.weighted(values[:, :3], values, mask)
        torch.testing.assert_close(out, expected)
        torch.testing.assert_close(weights, shares)
        torch.testing.assert_close(ours(values[:, :3], values, mask), expected)


def test_attention_without_context_is_zero_and_learns_nothing_from_it():
    values, mask = draw()
    values.requires_grad_()
    attention = Attention(8, 4)
    for out in (attention(values, values, mask), attention.weighted(values, values, mask)[0]):
        assert (out[1] == 0).all()
        gradient = torch.autograd.grad(out.square().sum(), values, retain_graph=True)[0]
        assert gradient.isfinite().all()
        assert (gradient[1] == 0).all()


@pytest.mark.parametrize("rubbish", [float("nan"), float("inf"), 1e30])
def test_block_ignores_what_is_masked(rubbish):
    values, mask = draw()
    block = AttentionBlock(8, 2).eval()
    expected, (first, weights) = block(values, mask), block.read(values, mask, 2)
    dirty = values.masked_fill(~mask.unsqueeze(-1), rubbish)
    assert torch.equal(block(dirty, mask), expected)
    assert torch.equal(block.read(dirty, mask, 2)[0], first)
    assert expected.isfinite().all()
    assert (expected[~mask] == 0).all()
    torch.testing.assert_close(first, expected[:, :2])
    torch.testing.assert_close(weights.sum(-1), mask.any(1, keepdim=True).float().expand(-1, 2))
    block(dirty, mask).sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in block.parameters())


def test_block_uses_every_parameter():
    values, mask = draw()
    block = AttentionBlock(8, 2, dropout=0.1)
    block(values, mask).square().sum().backward()
    assert all(weight.grad.abs().max() > 0 for weight in block.parameters())


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_must_divide_the_width(heads):
    with pytest.raises(UsageError, match="heads"):
        Attention(8, heads)


@given(st.lists(st.tuples(st.floats(-(2.0**100), 2.0**100, width=32), st.booleans()), min_size=1, max_size=8))
@settings(deadline=None)
def test_masked_softmax_is_the_softmax_of_what_is_there(cells):
    scores, mask = torch.tensor([cell for cell, _ in cells]), torch.tensor([there for _, there in cells])
    weights = masked_softmax(scores, mask)
    assert (weights[~mask] == 0).all()
    if mask.any():
        torch.testing.assert_close(weights[mask], torch.softmax(scores[mask], 0))


def test_masked_softmax_has_a_finite_gradient_where_nothing_is_there():
    scores = torch.tensor([[1.0, float("nan")], [float("inf"), float("-inf")]], requires_grad=True)
    masked_softmax(scores, torch.tensor([[True, False], [False, False]])).square().sum().backward()
    assert scores.grad.isfinite().all()


def test_mlp_shapes_and_bias():
    assert MLP(3, 2, [])(torch.zeros(4, 3)).shape == (4, 2)
    assert MLP(3, 2, [5, 6], dropout=0.5)(torch.zeros(4, 7, 3)).shape == (4, 7, 2)
    assert MLP(3, 1, 5, out_bias=False).layers[-1].bias is None


@pytest.mark.parametrize("width", [1, 4, 7])
def test_positions_differ(width):
    assert sinusoids(300, width).shape == (300, width)
    assert torch.equal(sinusoids(300, width)[:5], sinusoids(5, width))
    if width > 1:
        assert len(torch.unique(sinusoids(50, width), dim=0)) == 50


def test_tokens_pool_and_refuse_wrong_shapes():
    values, mask = draw()
    tokens = Tokens(values.masked_fill(~mask.unsqueeze(-1), float("nan")), mask)
    assert tokens.pooled().isfinite().all()
    torch.testing.assert_close(tokens.pooled()[0], values[0].mean(0))
    assert (tokens.pooled()[1] == 0).all()
    with pytest.raises(ValueError, match="mask"):
        Tokens(values, mask.float())
