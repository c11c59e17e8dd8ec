from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.core.settings import Settings, parse_settings
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fusion
from consilience.layers.tokens import Tokens
from consilience.testing.fusion_checks import check_claims, check_fusion, check_gradients, check_rows_alone, make_tokens

OPTIONS = {
    "concat": [{}, {"hidden": 8, "dropout": 0.0}],
    "weighted": [{}],
    "similarity": [{"measure": "cosine"}, {"measure": "dot"}],
    "attention": [{}, {"depth": 1, "heads": 2}, {"depth": 3}],
    "gated": [{}],
}
CASES = [(key, options) for key in FUSIONS for options in OPTIONS.get(key, [{}])]


def build(key: str, names: list[str], width: int = 8, **options: object) -> Fusion:
    cls = FUSIONS.get(key)
    return cls(names, width, parse_settings(cls.Settings, options, key)).eval()


def one(values: torch.Tensor, present: list[bool] | None = None) -> Tokens:
    return Tokens.single(values, torch.tensor(present or [True] * len(values)))


def test_all_fusions_are_there():
    assert set(FUSIONS.keys()) >= {"concat", "weighted", "similarity", "attention", "gated"}


@pytest.mark.parametrize(("key", "options"), CASES)
def test_contract(key, options):
    cls = FUSIONS.get(key)
    check_fusion(cls, parse_settings(cls.Settings, options, key))


def test_weighted_by_evidence_keeps_the_contract_and_interacts():
    cls = FUSIONS.get("weighted")
    check_fusion(cls, cls.Settings(by_evidence=True), Card("weighted by evidence", "", claims=("weights", "interaction")))


@pytest.mark.parametrize("measure", ["dot", "cosine"])
def test_similarity_of_two_is_the_formula(measure):
    torch.manual_seed(0)
    fusion = build("similarity", ["image", "text"], measure=measure)
    V, W = torch.randn(5, 8), torch.randn(5, 8)
    like = (V * W).sum(1) / 8**0.5 if measure == "dot" else nn.functional.cosine_similarity(V, W)
    for slope, bias in ((1.0, 0.0), (-2.5, 0.7)):
        with torch.no_grad():
            fusion.slopes[0, 1] = fusion.slopes[1, 0] + slope
            fusion.scores[0] = bias
        w = torch.sigmoid(slope * like + bias).unsqueeze(1)
        out = fusion({"image": one(V), "text": one(W)})
        torch.testing.assert_close(out.vector, w * V + (1 - w) * W)
        torch.testing.assert_close(out.weights, torch.cat([w, 1 - w], 1))


def test_similarity_favours_those_who_agree():
    fusion = build("similarity", ["a", "b", "c"])
    same, odd = torch.ones(1, 8), -torch.ones(1, 8)
    weights = fusion({"a": one(odd), "b": one(same), "c": one(same)}).weights[0]
    assert weights[0] < weights[1]
    assert weights[0] < weights[2]


def test_weighted_is_the_sum():
    fusion = build("weighted", ["a", "b", "c"])
    with torch.no_grad():
        fusion.scores.copy_(torch.tensor([0.0, 1.0, -2.0]))
    vectors = torch.randn(2, 3, 8)
    out = fusion({name: one(vectors[:, i], [True, i != 1]) for i, name in enumerate("abc")})
    torch.testing.assert_close(out.weights[0], fusion.scores.softmax(0))
    torch.testing.assert_close(out.weights[1], torch.tensor([0.0, -2.0]).softmax(0)[torch.tensor([0, 0, 1])] * torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(out.vector, (out.weights.unsqueeze(-1) * vectors).sum(1))


def test_weighted_by_evidence_sees_the_amount():
    torch.manual_seed(0)
    fusion = build("weighted", ["a", "b"], by_evidence=True)
    values = torch.randn(1, 1, 8).expand(1, 6, 8)
    few, many = Tokens(values, torch.tensor([[True] + [False] * 5])), Tokens(values, torch.ones(1, 6, dtype=torch.bool))
    assert not torch.allclose(fusion({"a": few, "b": few}).weights, fusion({"a": many, "b": few}).weights, atol=1e-5)
    plain = build("weighted", ["a", "b"])
    assert torch.equal(plain({"a": few, "b": few}).weights, plain({"a": many, "b": few}).weights)


def test_gated_of_two_is_the_unit_of_the_paper():
    torch.manual_seed(0)
    fusion = build("gated", ["a", "b"])
    a, b = torch.randn(4, 8), torch.randn(4, 8)
    out = fusion({"a": one(a), "b": one(b)})
    weight, bias = fusion.gate.weight, fusion.gate.bias
    seen = torch.cat([a, b, torch.ones(4, 2)], 1)
    z = torch.sigmoid(seen @ (weight[:8] - weight[8:]).T + bias[:8] - bias[8:])
    h1, h2 = (torch.tanh(layer(x)) for layer, x in zip(fusion.values, (a, b), strict=True))
    torch.testing.assert_close(out.vector, z * h1 + (1 - z) * h2)
    torch.testing.assert_close(out.weights[:, 0], z.mean(1))


def test_concat_uses_the_absent_vector():
    torch.manual_seed(0)
    fusion = build("concat", ["a", "b"])
    tokens = {"a": one(torch.randn(1, 8)), "b": one(torch.randn(1, 8), [False])}
    before = fusion(tokens).vector
    with torch.no_grad():
        fusion.absent[1] += 1
    assert not torch.allclose(before, fusion(tokens).vector)
    assert build("weighted", ["a", "b"]).absent is None


def test_attention_reads_every_token():
    torch.manual_seed(0)
    tokens = make_tokens(("image", "text.title"), width=8)
    fusion = build("attention", ["image", "text.title"])
    before = fusion(tokens).vector[0]
    swapped = Tokens(tokens["image"].values.clone(), tokens["image"].mask)
    swapped.values[0, 0, 0] += 1
    swapped.values[0, 1, 0] -= 1  # the mean stays
    assert not torch.allclose(before, fusion({**tokens, "image": swapped}).vector[0], atol=1e-5)


def test_attention_tells_modalities_apart():
    torch.manual_seed(0)
    fusion = build("attention", ["a", "b"])
    x, y = torch.randn(1, 8), torch.randn(1, 8)
    assert not torch.allclose(fusion({"a": one(x), "b": one(y)}).vector, fusion({"a": one(y), "b": one(x)}).vector, atol=1e-5)


def test_attention_names_heads_that_do_not_fit():
    with pytest.raises(UsageError, match="3 heads"):
        build("attention", ["a"], heads=3)


def test_weights_survive_extreme_attention():
    fusion = build("attention", ["a", "b"], depth=1)
    with torch.no_grad():
        fusion.last.attention.query.bias.fill_(1e4)
    out = fusion({"a": one(torch.randn(6, 8)), "b": one(torch.randn(6, 8), [True, True, True, False, False, False])})
    torch.testing.assert_close(out.weights.sum(1), torch.ones(6))
    assert (out.weights[3:, 1] == 0).all()


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_names_must_be_some_and_different(names):
    with pytest.raises(ValueError, match="at least one"):
        build("concat", names)


@pytest.mark.parametrize("key", FUSIONS.keys())
def test_half_precision_and_state(key):
    torch.manual_seed(0)
    fusion, copy = build(key, ["image", "table"], 16), build(key, ["image", "table"], 16)
    tokens = make_tokens(("image", "table"))
    copy.load_state_dict(fusion.state_dict())
    assert torch.equal(fusion(tokens).vector, copy(tokens).vector)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = fusion(tokens)
    assert out.vector.isfinite().all()
    torch.testing.assert_close(out.vector.float(), fusion(tokens).vector, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("key", FUSIONS.keys())
@given(pattern=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_any_pattern_of_presence(key, pattern):
    fusion = build(key, ["a", "b", "c"])
    torch.manual_seed(1)
    tokens = {name: one(torch.randn(len(pattern), 8), [row[i] for row in pattern]) for i, name in enumerate("abc")}
    out = fusion(tokens)
    assert out.vector.isfinite().all()
    if out.weights is not None:
        present = torch.tensor(pattern)
        torch.testing.assert_close(out.weights.sum(1), present.any(1).float())
        assert (out.weights[~present] == 0).all()


@pytest.mark.parametrize("key", FUSIONS.keys())
def test_learns_a_rule_with_absence(key):
    """The label is the sign of a's first channel, or of b's where a is absent."""
    torch.manual_seed(0)
    fusion = FUSIONS.get(key)(["a", "b"], 8, FUSIONS.get(key).Settings())
    head = nn.Linear(8, 1)
    a, b = torch.randn(256, 8), torch.randn(256, 8)
    there = torch.rand(256) < 0.6
    label = (torch.where(there, a[:, 0], b[:, 0]) > 0).float()
    b = torch.where(there.unsqueeze(1), 0.1 * b, b)
    tokens = {"a": Tokens.single(a, there), "b": one(b)}
    optimiser = torch.optim.AdamW([*fusion.parameters(), *head.parameters()], lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(head(fusion(tokens).vector).squeeze(1), label).backward()
        optimiser.step()
    fusion.eval()
    with torch.no_grad():
        accuracy = ((head(fusion(tokens).vector).squeeze(1) > 0) == (label > 0)).float().mean()
    assert accuracy > (0.85 if key in ("weighted", "similarity") else 0.9)  # these two have a handful of weights


class Leaky(Fusion):
    """A fusion that is wrong in several ways, so that the checks can be seen to fail."""

    def __init__(self, names, width, settings):
        super().__init__(names, width, settings)
        self.idle = nn.Parameter(torch.zeros(3))

    def fuse(self, vectors, present):
        return vectors.mean(0, keepdim=True).expand(len(vectors), -1, -1).sum(1), torch.ones_like(present, dtype=vectors.dtype)


def test_the_checks_can_fail():
    fusion = Leaky(["image", "table"], 16, Settings())
    with pytest.raises(AssertionError, match="alone"):
        check_rows_alone(fusion)
    with pytest.raises(AssertionError, match="idle"):
        check_gradients(fusion)
    with pytest.raises(AssertionError, match="weight"):
        check_claims(fusion, Card("x", "y", claims=("weights",)))
    with pytest.raises(AssertionError, match="claim"):
        check_claims(fusion, Card("x", "y"))
