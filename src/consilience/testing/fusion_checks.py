"""What every fusion has to keep, as plain functions: for our own tests and for the author of a plugin.

``check_fusion(cls)`` runs all of them with one to eight modalities. Each failure is an AssertionError that says what was promised.
``check_interaction(cls)`` trains, and so takes seconds: a fusion learns the exclusive or of two modalities if and only if it says so.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import torch
from torch import Tensor

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fused, Fusion
from consilience.layers.tokens import Tokens
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.testing._fake_examples import fake_task
from consilience.testing._verdict import run_checks
from consilience.testing._xor import xor_examples

__all__ = [
    "check_absence",
    "check_claims",
    "check_fusion",
    "check_gradients",
    "check_interaction",
    "check_no_rows",
    "check_order",
    "check_rows_alone",
    "check_shapes",
    "make_tokens",
]

NAMES = ("text.title", "image", "table", "audio", "图片", "video", "graph", "series")
LENGTHS = (1, 3, 2, 1, 4, 1, 2, 1)
WIDTH = 16


def check_fusion(cls: type[Fusion], settings: Settings | None = None, card: Card | None = None, known: Mapping[str, str] | None = None) -> None:
    """Runs every check on a fusion with 1, 2, 3 and 8 modalities.

    Args:
        cls: The fusion.
        settings: Its settings; its defaults if None.
        card: Its card; the one in its module if None.
        known: Name of a check, such as ``"order (8 modalities)"``, to the reason why it may fail.

    >>> from consilience.fusion import FUSIONS
    >>> check_fusion(FUSIONS.get("weighted"))
    """
    settings = cls.Settings() if settings is None else settings
    card = sys.modules[cls.__module__].CARD if card is None else card
    checks: dict[str, Callable[[], None]] = {}
    for count in (1, 2, 3, 8):
        case = f"({count} modalities)"
        for check in (check_shapes, check_absence, check_rows_alone, check_no_rows, check_gradients):
            checks[f"{check.__name__.removeprefix('check_')} {case}"] = partial(_on_a_new_one, check, cls, settings, count)
        checks[f"order {case}"] = partial(check_order, cls, settings, count)
        checks[f"claims {case}"] = partial(_on_a_new_one, partial(check_claims, card=card), cls, settings, count)
    run_checks(f"The fusion {cls.__name__}", checks, known)


def _on_a_new_one(check: Callable[[Fusion], None], cls: type[Fusion], settings: Settings, count: int) -> None:
    check(make(cls, settings, count))


def make(cls: type[Fusion], settings: Settings, count: int, seed: int = 0) -> Fusion:
    """A fusion of the first ``count`` modalities, in eval mode, the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return cls(list(NAMES[:count]), WIDTH, settings).eval()


def make_tokens(names: tuple[str, ...], rows: int = 12, seed: int = 0, width: int = WIDTH) -> dict[str, Tokens]:
    """Random tokens in which each modality is present in some rows and absent in others; row 0 has all of them in full, row 1 has none.

    Shape:
        - values: ``[rows, T, width]``, T from 1 to 4 by modality.
    """
    numbers = torch.Generator().manual_seed(seed)
    found: dict[str, Tokens] = {}
    for name in names:
        length = LENGTHS[NAMES.index(name)]
        mask = torch.rand(rows, length, generator=numbers) < 0.6
        mask[0], mask[1], mask[2] = True, False, torch.rand(length, generator=numbers) < 0.5
        found[name] = Tokens(torch.randn(rows, length, width, generator=numbers), mask)
    if rows > 4:  # whatever the draw, each modality is there alone and missing alone
        for index, name in enumerate(names):
            found[name].mask[3 + index % (rows - 3)] = True
            found[name].mask[3 + (index + 1) % (rows - 3)] = False
    return found


def check_shapes(fusion: Fusion) -> None:
    """Shapes as promised, everything finite, nothing given is changed, the vectors of absent modalities are zero, the empty row is ``nothing``."""
    tokens = make_tokens(fusion.names)
    before = copy.deepcopy(tokens)
    with torch.no_grad():
        fusion.nothing.normal_(generator=torch.Generator().manual_seed(1))
    out = fusion(tokens)
    rows, count, total = 12, len(fusion.names), sum(part.mask.shape[1] for part in tokens.values())
    shapes = [tuple(part.shape) for part in out if part is not None]
    expected = [(rows, WIDTH), (rows, count, WIDTH), (rows, total, WIDTH), (rows, total), (rows, count)][: len(shapes)]
    assert shapes == expected, f"Fused has the shapes {shapes}, promised are {expected}."
    assert all(bool(part.isfinite().all()) for part in out if part is not None), "Something that comes out is not finite."
    for name, part in tokens.items():
        same = torch.equal(part.values, before[name].values) and torch.equal(part.mask, before[name].mask)
        assert same, f"The tokens of {name!r} were changed in place."
    assert torch.equal(out.vector[1], fusion.nothing), "The row without any evidence is not the vector 'nothing'."
    present = torch.stack([tokens[name].present for name in fusion.names], dim=1)
    assert bool((out.vectors[~present] == 0).all()), "The vector of an absent modality is not zero."
    assert bool((out.tokens[~out.mask] == 0).all()), "A token that is absent is not zero."


def check_absence(fusion: Fusion) -> None:
    """What stands under a False mask has no influence, forward and backward: NaN, infinity and large numbers change no bit."""
    clean = make_tokens(fusion.names)
    plain = fusion(clean)
    for rubbish in (float("nan"), float("inf"), -1e30):
        dirty = {name: Tokens(part.values.masked_fill(~part.mask.unsqueeze(-1), rubbish).requires_grad_(), part.mask) for name, part in clean.items()}
        out = fusion(dirty)
        assert _equal(plain, out), f"{rubbish} under a False mask changes what comes out."
        fusion.zero_grad()
        out.vector.square().sum().backward()
        leaks = [name for name, weight in fusion.named_parameters() if weight.grad is not None and not bool(weight.grad.isfinite().all())]
        assert not leaks, f"{rubbish} under a False mask reaches the gradient of {leaks}."
        for name, part in dirty.items():
            gradient = part.values.grad
            leak = gradient is not None and bool((gradient[~part.mask] != 0).any())
            assert not leak, f"Absent tokens of {name!r} have a gradient."
    more = {name: Tokens.join([part, Tokens(torch.ones_like(part.values), torch.zeros_like(part.mask))]) for name, part in clean.items()}
    close = torch.allclose(plain.vector, fusion(more).vector, atol=1e-5)
    assert close, "More places without a token change the vector."


def check_order(cls: type[Fusion], settings: Settings, count: int) -> None:
    """The order in which modalities are named and given changes no bit."""
    first, second = make(cls, settings, count), make(cls, settings, count)
    turned = cls(list(reversed(NAMES[:count])), WIDTH, settings).eval()
    assert first.names == second.names == turned.names == tuple(sorted(NAMES[:count])), "The modalities are not in sorted order."
    turned.load_state_dict(first.state_dict())
    tokens = make_tokens(first.names)
    backwards = {name: tokens[name] for name in reversed(list(tokens))}
    assert _equal(first(tokens), second(tokens)), "Two fusions of one seed differ."
    assert _equal(first(tokens), turned(backwards)), "The order of modalities changes what comes out."


def check_rows_alone(fusion: Fusion) -> None:
    """A row in a batch gives what it gives alone, and no row has influence on another."""
    tokens = make_tokens(fusion.names)
    whole = fusion(tokens)
    for row in range(5):
        alone = fusion({name: Tokens(part.values[row : row + 1], part.mask[row : row + 1]) for name, part in tokens.items()})
        assert torch.allclose(whole.vector[row], alone.vector[0], atol=1e-5), f"Row {row} of a batch differs from the same row alone."


def check_no_rows(fusion: Fusion) -> None:
    """A batch without rows, as a table without rows gives it, is no error."""
    out = fusion({name: Tokens(part.values[:0], part.mask[:0]) for name, part in make_tokens(fusion.names).items()})
    assert out.vector.shape == (0, WIDTH), f"No rows give a vector of the shape {tuple(out.vector.shape)}."


def check_gradients(fusion: Fusion) -> None:
    """Over a few batches in which each modality and the empty row occur, every parameter gets a finite gradient that is somewhere not zero."""
    fusion.train()
    seen = {name: 0.0 for name, _ in fusion.named_parameters()}
    for seed in range(4):
        fusion.zero_grad()
        out = fusion(make_tokens(fusion.names, seed=seed))
        goal = torch.randn(out.vector.shape, generator=torch.Generator().manual_seed(seed))
        (out.vector - goal).square().sum().backward()
        for name, weight in fusion.named_parameters():
            assert weight.grad is not None, f"The parameter {name!r} gets no gradient."
            assert bool(weight.grad.isfinite().all()), f"The gradient of {name!r} is not finite."
            seen[name] = max(seen[name], float(weight.grad.abs().max()))
    idle = [name for name, largest in seen.items() if largest < 1e-7]
    assert not idle, f"The gradient of {idle} is zero everywhere: nothing can be learned there."


def check_claims(fusion: Fusion, card: Card) -> None:
    """What the card claims: ``weights`` sum to 1 over what is present and are 0 elsewhere; modalities act together if and only if ``interaction``."""
    tokens = make_tokens(fusion.names)
    out = fusion(tokens)
    present = torch.stack([tokens[name].present for name in fusion.names], dim=1)
    assert ("weights" in card.claims) == (out.weights is not None), "The card's claim 'weights' and what comes out differ."
    if out.weights is not None:
        assert bool((out.weights[~present] == 0).all()), "An absent modality has a weight."
        assert bool((out.weights >= 0).all()), "A weight is negative."
        assert torch.allclose(out.weights.sum(dim=1), present.any(dim=1).float(), atol=1e-5), "The weights do not sum to 1 over what is present."
    if len(fusion.names) > 1:
        together = _together(fusion) > 1e-4
        assert ("interaction" in card.claims) == together, f"The card's claim 'interaction' is wrong: modalities act together: {together}."


def check_interaction(cls: type[Fusion], settings: Settings | None = None, card: Card | None = None, rows: int = 240, epochs: int = 8) -> None:
    """The network learner gets 95 % of the exclusive or of two modalities right if the card claims ``interaction``, else under 60 %.

    Args:
        cls: The fusion; it need not be registered, but must be importable by its module and name.
        settings: Its settings; its defaults if None.
        card: Its card; the one in its module if None.
        rows: To learn from; 400 others judge.
        epochs: The most; all else is the learner's default.

    >>> from consilience.fusion import FUSIONS
    >>> check_interaction(FUSIONS.get("concat"), rows=200)
    """
    settings = cls.Settings() if settings is None else settings
    card = sys.modules[cls.__module__].CARD if card is None else card
    learner: Any = LEARNERS.get("network")
    task, (examples, target), (fresh, truth) = fake_task("binary"), xor_examples(rows), xor_examples(400, seed=1)
    with _registered(cls) as key:
        chosen = learner.Settings(fusion=key, fusion_settings=settings.model_dump())
        chosen = chosen.model_copy(update={"training": chosen.training.model_copy(update={"epochs": epochs})})
        path = learner(chosen, Situation(task)).path(Split(examples, target, fresh, truth, np.arange(len(truth))), Budget(None))
    best = min(path.scores, key=lambda scores: float(task.row_losses(truth, scores).mean()))
    right = float((best.argmax(axis=1) == truth).mean())
    told = f"{cls.__name__} gets {right:.1%} of new rows of the exclusive or of two modalities right"
    if "interaction" in card.claims:
        assert right >= 0.95, f"{told}; with the claim 'interaction' it has to be 95 %."
    else:
        assert right < 0.6, f"{told}; its card does not claim 'interaction', so it has to be at chance."


@contextmanager
def _registered(cls: type[Fusion]) -> Iterator[str]:
    """The fusion's key in the registry; a class that is in none stands there, as a plugin's would, inside the block."""
    key = next((name for name in FUSIONS.files if FUSIONS.get(name) is cls), None)
    if key is not None:
        yield key
        return
    key = f"checked {cls.__qualname__}"
    FUSIONS.plugins[key] = EntryPoint(key, f"{cls.__module__}:{cls.__qualname__}", "consilience.fusions")
    try:
        yield key
    finally:
        del FUSIONS.plugins[key]


def _together(fusion: Fusion) -> float:
    """Largest f(a, b) - f(a', b) - f(a, b') + f(a', b') over rows in which all is present: zero for a sum of parts."""
    one, two = (make_tokens(fusion.names, seed=seed) for seed in (0, 1))
    full = {name: Tokens(part.values, torch.ones_like(part.mask)) for name, part in one.items()}
    other = {name: Tokens(part.values, torch.ones_like(part.mask)) for name, part in two.items()}
    first, second = fusion.names[:2]

    def vector(changed: tuple[str, ...]) -> Tensor:
        return fusion({**full, **{name: other[name] for name in changed}}).vector  # type: ignore[no-any-return]

    return float((vector(()) - vector((first,)) - vector((second,)) + vector((first, second))).detach().abs().max())


def _equal(first: Fused, second: Fused) -> bool:
    return all((a is None and b is None) or (a is not None and b is not None and torch.equal(a, b)) for a, b in zip(first, second, strict=True))
