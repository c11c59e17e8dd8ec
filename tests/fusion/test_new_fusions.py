"""What each of the newer fusions computes, beside a naive computation from its paper."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch

from consilience.core.errors import UsageError
from consilience.core.settings import parse_settings
from consilience.features._examples import Examples
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fusion
from consilience.fusion.moe import imbalance
from consilience.layers.cross import CrossBlock
from consilience.layers.tokens import Tokens
from consilience.learn.learners import Situation
from consilience.learn.learners._built import BuiltSettings, build
from consilience.learn.learners._feed import Feed
from consilience.testing import fake_task, xor_examples
from consilience.testing.fusion_checks import make_tokens

NEW = ("bottleneck", "experts", "late", "latents", "lowrank", "moe", "mult", "multiplicative", "tensor")


def make(key: str, names: list[str], width: int = 8, **options: object) -> Fusion:
    torch.manual_seed(0)
    cls = FUSIONS.get(key)
    return cls(names, width, parse_settings(cls.Settings, options, key)).eval()


def one(values: torch.Tensor, present: list[bool] | None = None) -> Tokens:
    return Tokens.single(values, torch.tensor(present or [True] * len(values)))


def test_all_are_there() -> None:
    assert set(FUSIONS.keys()) >= set(NEW)
    assert {key for key in FUSIONS if "interaction" not in FUSIONS.card(key).claims} == {"late", "weighted"}


def test_tensor_is_the_outer_product_with_ones() -> None:
    fusion = make("tensor", ["a", "b", "c"], numbers=2)
    vectors = torch.randn(3, 8)
    numbers = [torch.cat([torch.ones(1), layer(vectors[index]).tanh()]) for index, layer in enumerate(fusion.reduce)]
    naive = torch.stack([x * y * z for x, y, z in product(*numbers)])
    out = fusion({name: one(vectors[index : index + 1]) for index, name in enumerate("abc")})
    torch.testing.assert_close(out.vector[0], fusion.out(naive))


def test_tensor_says_where_the_product_is_too_large() -> None:
    with pytest.raises(UsageError, match=r"4 modalities with 30 numbers each has a product of 923,521 entries, more than the 4,096") as caught:
        make("tensor", list("abcd"), numbers=30)
    assert "lowrank" in str(caught.value.hint)
    assert make("tensor", list("abcd")).out.in_features == 8**4
    assert make("tensor", list("abcdefgh")).out.in_features == 2**8
    with pytest.raises(UsageError, match="256 entries"):
        make("tensor", list("abcdefgh"), largest=100)


def test_lowrank_is_the_factored_tensor() -> None:
    fusion = make("lowrank", ["a", "b"], rank=3)
    vectors = torch.randn(2, 8)
    total = sum(
        fusion.mixture[rank]
        * (vectors[0] @ fusion.weight[0, rank] + fusion.bias[0, rank])
        * (vectors[1] @ fusion.weight[1, rank] + fusion.bias[1, rank])
        for rank in range(3)
    )
    out = fusion({"a": one(vectors[:1]), "b": one(vectors[1:])})
    torch.testing.assert_close(out.vector[0], fusion.norm(total))


def test_multiplicative_sums_over_pairs_that_are_present() -> None:
    fusion = make("multiplicative", ["a", "b", "c"], rank=5)
    vectors = torch.randn(3, 8)
    for there in ([0, 1, 2], [0, 2], [1]):
        factors = {index: fusion.factors[index](vectors[index]).tanh() for index in there}
        pairs = sum((factors[i] * factors[j] for i, j in combinations(there, 2)), torch.zeros(5))
        naive = fusion.norm(fusion.out(pairs) + sum(fusion.alone[index](vectors[index]) for index in there))
        out = fusion({name: one(vectors[index : index + 1], [index in there]) for index, name in enumerate("abc")})
        torch.testing.assert_close(out.vector[0], naive)


def test_experts_is_the_product_of_gaussians() -> None:
    """The density of the product, on a grid, has its mean where the fusion says."""
    fusion = make("experts", ["a", "b"], width=2)
    vectors = torch.randn(2, 2)
    out = fusion({"a": one(vectors[:1]), "b": one(vectors[1:])})
    grid = torch.linspace(-20, 20, 40001, dtype=torch.float64)
    for channel in range(2):
        log_density = -(grid**2) / 2
        for index in range(2):
            mean = fusion.means[index](vectors[index])[channel].double()
            precision = torch.nn.functional.softplus(fusion.precisions[index](vectors[index]))[channel].double() + 1e-4
            log_density = log_density - precision * (grid - mean) ** 2 / 2
        naive = (log_density.softmax(0) * grid).sum()
        assert out.vector[0, channel].item() == pytest.approx(naive.item(), abs=1e-4)


def test_late_counts_the_same_alone_and_in_company() -> None:
    fusion = make("late", ["a", "b"])
    a, b = torch.randn(1, 8), torch.randn(1, 8)
    both = fusion({"a": one(a), "b": one(b)}).vector
    first = fusion({"a": one(a), "b": one(b, [False])}).vector
    second = fusion({"a": one(a, [False]), "b": one(b)}).vector
    torch.testing.assert_close(both, first + second)


@pytest.mark.parametrize(
    ("fusion", "options", "hidden"), [("late", {}, 0), ("weighted", {}, 0), ("weighted", {"by_evidence": True}, 1), ("concat", {}, 1)]
)
def test_the_head_after_a_sum_is_linear(fusion: str, options: dict[str, object], hidden: int) -> None:
    examples: Examples = xor_examples(8)[0]
    network = build(Feed.specs(examples), BuiltSettings(fusion=fusion, fusion_settings=options), Situation(fake_task("binary")))
    assert sum(isinstance(part, torch.nn.GELU) for part in network.head.modules()) == hidden


def test_moe_balances_in_training_alone() -> None:
    """The loss that keeps experts in use pushes the gate, only in training, and never changes what comes out."""
    tokens = make_tokens(("image", "text.title"), width=8)
    found: dict[tuple[float, bool], tuple[torch.Tensor, torch.Tensor]] = {}
    for balance in (0.0, 1.0):
        for training in (False, True):
            fusion = make("moe", ["image", "text.title"], balance=balance, dropout=0.0).train(training)
            out = fusion(tokens).vector
            out.sum().backward()
            found[balance, training] = (out.detach(), next(fusion.gate.parameters()).grad.clone())
    assert all(torch.equal(out, found[0.0, False][0]) for out, _ in found.values())
    assert torch.equal(found[0.0, False][1], found[1.0, False][1])
    assert not torch.allclose(found[0.0, True][1], found[1.0, True][1])


def test_balance_brings_back_an_expert_that_is_not_used() -> None:
    fusion = make("moe", ["a", "b"], balance=1.0, dropout=0.0).train()
    with torch.no_grad():
        fusion.gate.layers[-1].bias.copy_(torch.tensor([3.0, -3.0]))
    tokens = {"a": one(torch.randn(64, 8)), "b": one(torch.randn(64, 8))}
    before = fusion(tokens).weights[:, 1].mean()
    optimiser = torch.optim.SGD(fusion.gate.parameters(), lr=0.5)
    for _ in range(60):
        optimiser.zero_grad()
        (0 * fusion(tokens).vector.sum()).backward()
        optimiser.step()
    assert before < 0.05
    assert fusion(tokens).weights[:, 1].mean() > 0.35


def test_imbalance_does_not_blame_a_rare_modality() -> None:
    present = torch.tensor([[True, False]] * 9 + [[True, True]])
    even = present / present.sum(dim=1, keepdim=True)
    assert imbalance(even, present).item() == pytest.approx(0.0, abs=1e-6)
    assert imbalance(torch.tensor([[1.0, 0.0]] * 10), present).item() > 0.5


@pytest.mark.parametrize("key", ["bottleneck", "latents", "mult"])
def test_they_read_every_token_and_tell_modalities_apart(key: str) -> None:
    names = ("image", "text.title")
    tokens = make_tokens(names, width=8)
    fusion = make(key, list(names))
    before = fusion(tokens).vector[0]
    moved = tokens["image"].values.clone()
    moved[0, 0, 0] += 1
    moved[0, 1, 0] -= 1  # the mean stays
    assert not torch.allclose(before, fusion({**tokens, "image": Tokens(moved, tokens["image"].mask)}).vector[0], atol=1e-5)
    x, y = torch.randn(1, 8), torch.randn(1, 8)
    assert not torch.allclose(fusion({names[0]: one(x), names[1]: one(y)}).vector, fusion({names[0]: one(y), names[1]: one(x)}).vector, atol=1e-5)


@pytest.mark.parametrize("key", ["bottleneck", "latents", "mult"])
def test_heads_that_do_not_fit_are_named(key: str) -> None:
    with pytest.raises(UsageError, match="3 heads"):
        make(key, ["a", "b"], heads=3)


def test_mult_knows_the_order_of_tokens() -> None:
    fusion = make("mult", ["a", "b"])
    values, other = torch.randn(1, 5, 8), one(torch.randn(1, 8))
    there = torch.ones(1, 5, dtype=torch.bool)
    assert not torch.allclose(
        fusion({"a": Tokens(values, there), "b": other}).vector, fusion({"a": Tokens(values.flip(1), there), "b": other}).vector
    )


def test_a_cross_block_ignores_an_empty_context() -> None:
    torch.manual_seed(0)
    block = CrossBlock(8, heads=2).eval()
    queries, context = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    mask = torch.tensor([[True] * 4, [False] * 4])
    out = block(queries, context, mask)
    torch.testing.assert_close(out[1], queries[1] + block.hidden(block.norm_hidden(queries[1])))
    assert not torch.allclose(out[0], queries[0] + block.hidden(block.norm_hidden(queries[0])), atol=1e-4)
