"""What an encoder that learns with the network has to keep: arrays in, Tokens out, a gradient for every weight, no word from what is absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from consilience.encoders import TrainedEncoder
from consilience.layers.tokens import Tokens
from consilience.testing._fitted_encoder import Columns, Make, absent, count, refill, take
from consilience.testing._same import close, same, same_cells, same_state, snapshot, through_disk

__all__ = ["trained_checks"]

Arrays = Mapping[str, np.ndarray]


def trained_checks(make: Make, columns: Columns) -> dict[str, Callable[[], None]]:
    """Name to check."""
    checks = (check_prepare, check_tokens, check_rows_alone, check_no_rows, check_absence, check_gradients, check_state, check_nothing, check_learned)
    return {check.__name__.removeprefix("check_"): partial(check, make, columns) for check in checks}


def check_prepare(make: Make, columns: Columns) -> None:
    """Arrays of N rows, a bool mask ``[N, T]`` among them without a True in rows that have no cell; twice the same; cells are left as they are."""
    encoder, before, rows = fit(make, columns), snapshot(columns), count(columns)
    arrays = encoder.prepare(columns)
    short = [name for name, array in arrays.items() if len(array) != rows]
    assert not short, f"The array {short[:1]} does not have {rows} rows."
    mask = arrays.get("mask")
    assert mask is not None and mask.dtype == bool and mask.ndim == 2, "There is no bool array 'mask' of the shape [N, T]."  # noqa: PT018
    there = np.any([cells.present for cells in columns.values()], axis=0)
    assert not mask[~there].any(), "A row without any cell has a token."
    assert mask[there].any(), "No row has a token."
    floats = [name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
    assert not floats, f"The array {floats[:1]} is not finite."
    again = encoder.prepare(columns)
    assert arrays.keys() == again.keys() and all(same(arrays[name], again[name]) for name in arrays), "prepare gives other arrays the second time."  # noqa: PT018
    assert all(same_cells(columns[name], before[name]) for name in columns), "The cells were changed in place."
    if encoder.prepares_alike:
        other = fit(make, take(columns, np.arange(rows // 2))).prepare(columns)
        assert all(same(arrays[name], other[name]) for name in arrays), "It says that prepare gives the same whatever was learned, but it does not."


def check_tokens(make: Make, columns: Columns) -> None:
    """Tokens ``[B, T, D]`` of the width that the module says, finite; present rows have some, absent ones none; the batch is left as it is."""
    encoder = fit(make, columns)
    arrays, module = encoder.prepare(columns), build(encoder)
    batch = tensors(arrays)
    before = {name: tensor.clone() for name, tensor in batch.items()}
    with torch.no_grad():
        tokens = module(batch)
    assert isinstance(tokens, Tokens), f"The module gives a {type(tokens).__name__}, not Tokens."
    assert isinstance(module.width, int), f"The module's width is a {type(module.width).__name__}, not an int."
    assert tokens.values.shape[2] == module.width, f"The tokens are {tokens.values.shape[2]} wide, said is {module.width}."
    assert tokens.values.is_floating_point(), f"The tokens are {tokens.values.dtype}, not float."
    assert bool(tokens.values[tokens.mask].isfinite().all()), "A token is not finite."
    there = torch.from_numpy(arrays["mask"].any(axis=1))
    assert torch.equal(tokens.present, there), "The rows that have a token are not those of which the mask says so."
    assert all(torch.equal(batch[name], before[name]) for name in batch), "The module changes the batch in place."


def check_rows_alone(make: Make, columns: Columns) -> None:
    """A row gives in any company what it gives alone, also when it is prepared alone."""
    encoder = fit(make, columns)
    module, arrays = build(encoder), encoder.prepare(columns)
    with torch.no_grad():
        whole = module(tensors(arrays)).pooled().numpy()
        rows = np.random.default_rng(0).permutation(count(columns))
        turned = module(tensors({name: array[rows] for name, array in arrays.items()})).pooled().numpy()
        assert close(turned, whole[rows]), "Another order of the rows gives other tokens."
        for row in (0, 1, 2, count(columns) - 1):
            alone = module(tensors({name: array[row : row + 1] for name, array in arrays.items()})).pooled().numpy()
            assert close(alone[0], whole[row]), f"Row {row} of a batch differs from the same row alone."
            prepared = module(tensors(encoder.prepare(take(columns, [row])))).pooled().numpy()
            assert close(prepared[0], whole[row]), f"Row {row} differs from the same row prepared alone."


def check_no_rows(make: Make, columns: Columns) -> None:
    """A table without rows is no error: no rows give no tokens."""
    encoder = fit(make, columns)
    with torch.no_grad():
        tokens = build(encoder)(tensors(encoder.prepare(take(columns, []))))
    assert tokens.values.shape[0] == 0, "No rows do not give no tokens."


def check_absence(make: Make, columns: Columns) -> None:
    """What stands in absent rows and under False has no influence in training: neither on other rows' tokens nor on any gradient."""
    encoder, other = fit(make, columns), fit(make, refill(columns))
    assert same_state(encoder.state(), other.state()), "The content of absent cells changes what is learned."
    arrays = encoder.prepare(columns)
    plain, gradients = train_step(build(encoder), arrays)
    for name, dirty in (("cells", encoder.prepare(refill(columns))), ("arrays", soil(arrays))):
        tokens, others = train_step(build(encoder), dirty)
        assert torch.equal(plain.mask, tokens.mask), f"The content of absent {name} changes the mask."
        assert torch.equal(plain.clean(), tokens.clean()), f"The content of absent {name} changes the tokens that are present."
        moved = [key for key, gradient in gradients.items() if not torch.equal(gradient, others[key])]
        assert not moved, f"The content of absent {name} changes the gradient of {moved}."


def check_gradients(make: Make, columns: Columns) -> None:
    """Every parameter gets a finite gradient that is somewhere not zero; a batch in which nothing is present trains without an error."""
    encoder = fit(make, columns)
    module = build(encoder)
    _, gradients = train_step(module, encoder.prepare(columns))
    lost = [name for name, weight in module.named_parameters() if weight.requires_grad and name not in gradients]
    assert not lost, f"The parameters {lost} get no gradient."
    wild = [name for name, gradient in gradients.items() if not bool(gradient.isfinite().all())]
    assert not wild, f"The gradient of {wild} is not finite."
    idle = [name for name, gradient in gradients.items() if float(gradient.abs().max()) < 1e-9]
    assert not idle, f"The gradient of {idle} is zero everywhere: nothing can be learned there."


def check_state(make: Make, columns: Columns) -> None:
    """What was learned and the module's weights survive a model folder to the bit."""
    encoder = fit(make, columns)
    fresh = trained(make)
    fresh.restore(through_disk(encoder.state()))
    arrays, again = encoder.prepare(columns), fresh.prepare(columns)
    assert arrays.keys() == again.keys() and all(same(arrays[name], again[name]) for name in arrays), "The restored encoder prepares other arrays."  # noqa: PT018
    assert encoder.fingerprint() == fresh.fingerprint(), "The restored encoder has another fingerprint."
    module, rebuilt = build(encoder), build(fresh, seed=1)
    rebuilt.load_state_dict(module.state_dict())
    with torch.no_grad():
        same_tokens = torch.equal(module(tensors(arrays)).clean(), rebuilt(tensors(again)).clean())
    assert same_tokens, "The restored encoder's module, with the same weights, gives other tokens."


def check_nothing(make: Make, columns: Columns) -> None:
    """Training rows without any cell, and batches in which nothing is present, in training and at prediction, are no error."""
    for encoder in (fit(make, columns), fit(make, absent(columns))):
        module = build(encoder)
        for mode in (True, False):
            module.train(mode)
            tokens = module(tensors(encoder.prepare(absent(columns))))
            assert not tokens.mask.any(), "Where nothing is present there is a token."
            assert bool(tokens.clean().isfinite().all()), "Where nothing is present something is not finite."
        module.eval()
        assert bool(module(tensors(encoder.prepare(columns))).clean().isfinite().all()), "A token is not finite."


def check_learned(make: Make, columns: Columns) -> None:
    """The same rows teach the same; what was learned is part of the fingerprint."""
    half = count(columns) // 2
    assert same_state(fit(make, columns).state(), fit(make, columns).state()), "Two fits with one seed learn two things."
    first, second = fit(make, take(columns, np.arange(half))), fit(make, take(columns, np.arange(half, count(columns))))
    if not same_state(first.state(), second.state()):
        assert first.fingerprint() != second.fingerprint(), "Two encoders that learned different things have one fingerprint."


def train_step(module: nn.Module, arrays: Arrays) -> tuple[Tokens, dict[str, Tensor]]:
    """Tokens in training mode and every parameter's gradient; the same draws each time."""
    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        tokens = module(tensors(arrays))
    goal = torch.randn(tokens.values.shape, generator=torch.Generator().manual_seed(6))
    (tokens.clean() - goal).square().masked_fill(~tokens.mask.unsqueeze(-1), 0).sum().backward()
    return tokens, {name: weight.grad for name, weight in module.named_parameters() if weight.grad is not None}


def soil(arrays: Arrays) -> dict[str, np.ndarray]:
    """Other content in rows without a token and at places under False: that of rows that have some."""
    mask = arrays["mask"]
    there = np.flatnonzero(mask.any(axis=1))
    gone = np.flatnonzero(~mask.any(axis=1))
    made = {}
    for name, array in arrays.items():
        dirty = array.copy()
        if name != "mask":
            dirty[gone] = array[there[np.arange(len(gone)) % len(there)]]
            if array.shape[:2] == mask.shape and array.dtype.kind in "iu":
                dirty[~mask] = array[mask].max(initial=0)
            elif array.dtype.kind == "f":
                dirty[gone] = min(1e6, float(np.finfo(array.dtype).max))
        made[name] = dirty
    return made


def tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def build(encoder: TrainedEncoder, seed: int = 0) -> nn.Module:
    """A module in eval mode, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return encoder.build().eval()


def fit(make: Make, columns: Columns) -> TrainedEncoder:
    encoder = trained(make)
    encoder.fit(columns, 3)
    return encoder


def trained(make: Make) -> TrainedEncoder:
    encoder = make()
    assert isinstance(encoder, TrainedEncoder)
    return encoder
