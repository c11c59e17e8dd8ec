"""What a frozen encoder has to keep: a cell always gives the same vectors, whatever the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from consilience.data.kinds import Cells
from consilience.encoders import Encoder, FrozenEncoder, ModuleEncoder
from consilience.testing._same import close, same

__all__ = ["frozen_checks"]

Item = dict[str, np.ndarray]


def frozen_checks(make: Callable[[], Encoder], columns: Mapping[str, Cells]) -> dict[str, Callable[[], None]]:
    """Name to check; ``columns`` holds the one column that a frozen encoder sees."""
    (cells,) = columns.values()
    encoder, other = _made(make), _made(make)
    items = [encoder.prepare(cells.read(int(row))) for row in np.flatnonzero(cells.present)[:8]]
    checks: dict[str, Callable[[], None]] = {
        "prepare": partial(check_prepare, encoder, cells),
        "tokens": partial(check_tokens, encoder, items),
        "again": partial(check_again, encoder, other, items),
        "company": partial(check_company, encoder, items),
    }
    if isinstance(encoder, ModuleEncoder):
        checks["module"] = partial(check_module, encoder, items)
    return checks


def check_prepare(encoder: FrozenEncoder, cells: Cells) -> None:
    """Arrays of numbers, the same each time; the cell is left as it is."""
    for row in np.flatnonzero(cells.present)[:8]:
        cell = cells.read(int(row))
        before = copy.deepcopy(cell)
        first, second = encoder.prepare(cell), encoder.prepare(cell)
        assert first, "prepare gives no array."
        assert all(isinstance(array, np.ndarray) for array in first.values()), "prepare gives something that is no array."
        assert first.keys() == second.keys(), "prepare gives other arrays the second time."
        assert all(same(first[name], second[name]) for name in first), "prepare gives other numbers the second time."
        assert same(np.asarray(cell), np.asarray(before)), "prepare changes the cell in place."
        assert int(encoder.length(first)) >= 0, "A length is negative."


def check_tokens(encoder: FrozenEncoder, items: list[Item]) -> None:
    """Values ``[B, T, D]`` float32 as wide as said, mask ``[B, T]`` bool, a token for every cell, all finite; the batch is left as it is."""
    batch = encoder.collate(items)
    before = copy.deepcopy(batch)
    values, mask = encoder.encode(batch)
    assert values.ndim == 3, f"The values have the shape {values.shape}, promised is [B, T, D]."
    assert values.dtype == np.float32, f"The values are {values.dtype}, promised is float32."
    assert mask.dtype == bool, f"The mask is {mask.dtype}, promised is bool."
    assert mask.shape == values.shape[:2] == (len(items), values.shape[1]), f"The mask has the shape {mask.shape}, the values {values.shape}."
    assert values.shape[2] == encoder.width, f"The tokens are {values.shape[2]} wide, said was {encoder.width}."
    assert mask.any(axis=1).all(), "A cell that is present has no token."
    assert np.isfinite(values[mask]).all(), "A token is not finite."
    assert all(same(batch[name], before[name]) for name in before), "encode changes the batch in place."
    flat = [values[row][mask[row]] for row in range(len(items))]
    assert any(not same(flat[0], part) for part in flat[1:]), "All cells give the same tokens."


def check_again(encoder: FrozenEncoder, other: FrozenEncoder, items: list[Item]) -> None:
    """The same to the bit each time, also by another encoder made alike."""
    first, mask = encoder.encode(encoder.collate(items))
    for again in (encoder, other):
        values, there = again.encode(again.collate(items))
        when = "the second time" if again is encoder else "by an encoder made alike"
        assert same(mask, there), f"The same cells give another mask {when}."
        assert same(first[mask], values[mask]), f"The same cells give other tokens {when}."


def check_company(encoder: FrozenEncoder, items: list[Item]) -> None:
    """A cell gives in any batch what it gives alone, up to 1e-4."""
    values, mask = encoder.encode(encoder.collate(items))
    backwards, mask_backwards = encoder.encode(encoder.collate(items[::-1]))
    for row, item in enumerate(items):
        alone, there = encoder.encode(encoder.collate([item]))
        assert close(values[row][mask[row]], alone[0][there[0]]), f"Cell {row} of a batch differs from the same cell alone."
        place = len(items) - 1 - row
        assert close(values[row][mask[row]], backwards[place][mask_backwards[place]]), f"Cell {row} differs with its place in the batch."


def check_module(encoder: ModuleEncoder, items: list[Item]) -> None:
    """A compiled runtime finds what it needs: inputs that the batch has, a module that is not training."""
    batch = encoder.collate(items)
    assert encoder.inputs, "The module takes no input."
    assert set(encoder.inputs) <= set(batch), f"The module takes {encoder.inputs}, a batch has {tuple(batch)}."
    assert not encoder.module.training, "The module is in training mode."
    assert not any(part.training for part in encoder.module.modules()), "A part of the module is in training mode."
    if not encoder.dynamic:
        shapes = {tuple(encoder.collate([item])[name].shape[1:] for name in encoder.inputs) for item in items}
        assert len(shapes) == 1, f"The inputs' shapes change with the cell ({shapes}), though the encoder says that they do not."


def _made(make: Callable[[], Encoder]) -> FrozenEncoder:
    encoder = make()
    assert isinstance(encoder, FrozenEncoder)
    return encoder
