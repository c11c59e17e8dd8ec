"""A pretrained encoder that is learned on with the model: its last layer, small matrices beside all layers, or all of it.

Sources: Hu et al. (2022), LoRA: low-rank adaptation; Howard and Ruder (2018) and Clark et al. (2020), smaller rates for lower layers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from consilience.core.errors import CellError, UsageError
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import Encoder, ModuleEncoder, TrainedEncoder
from consilience.layers.tokens import Tokens

__all__ = ["Tuned", "tuned"]

RATES = {"last": 0.25, "lora": 0.5, "full": 0.05}
"""Factor of the learning rate: what is pretrained must not be shaken."""

DECAY = 0.8
"""Each layer moves by this much less than the one above it."""

RANK = 8


def tuned(encoder: Encoder, mode: str) -> Tuned:
    """The encoder as one that is learned on.

    Args:
        mode: ``last``, ``lora`` or ``full``.

    Raises:
        UsageError: It has no network.
    """
    if not isinstance(encoder, ModuleEncoder):
        raise UsageError(f"{type(encoder).__name__} has no network that could be learned on.", hint="Use --train frozen or scratch there.")
    return Tuned(encoder, mode)


class Tuned(TrainedEncoder):
    """A frozen encoder's network, with weights that move.

    Shape:
        - prepare: the frozen encoder's own inputs with ``in_`` before their names, ``mask [N, 1] bool``.
        - module: Tokens ``[B, T, D]`` as the frozen encoder gives them.

    Args:
        inner: The frozen encoder; it is not changed.
        mode: ``last``, ``lora`` or ``full``.
    """

    prepares_alike = True

    def __init__(self, inner: ModuleEncoder, mode: str) -> None:
        super().__init__(inner.settings, inner.argument)
        self.inner, self.mode = inner, mode

    def identity(self) -> dict[str, Any]:
        return {**self.inner.identity(), "tuned": self.mode}

    def origin(self) -> str:
        return f"{self.inner.origin()}, learned on ({self.mode})"

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        """Learns nothing before the training."""

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        (cells,) = columns.values()
        rows = np.flatnonzero(cells.present)
        read_at = getattr(cells.kind, "read_at", None)
        size = self.inner.image_size
        read: Callable[[Any], Any] = cells.kind.read if read_at is None or size is None else lambda value: read_at(value, size)

        def one(row: int) -> dict[str, np.ndarray]:
            try:
                return self.inner.prepare(read(cells.values[row]))
            except CellError as error:
                error.row, error.column = row, cells.name
                raise

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            items = list(pool.map(one, rows.tolist()))
        arrays = {"mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}
        made = self.inner.collate(items) if items else {}
        for name in self.inner.inputs:
            part = made.get(name, np.zeros((0, 1), dtype=np.int64))
            part = part.astype(np.int32) if part.dtype == np.int64 else part
            arrays[f"in_{name}"] = np.zeros((len(cells), *part.shape[1:]), dtype=part.dtype)
            arrays[f"in_{name}"][rows] = part
        return arrays

    def build(self) -> nn.Module:
        return TunedModule(self.inner, self.mode)

    def state(self) -> State:
        return State()

    def restore(self, state: State) -> None:
        """Takes back nothing."""


class TunedModule(nn.Module):
    """The network of a frozen encoder, with gradients where the mode says so. Batch normalisation keeps what it knows."""

    def __init__(self, inner: ModuleEncoder, mode: str) -> None:
        super().__init__()
        self.width = int(inner.width)
        self.inputs, self.dynamic, self.mode = inner.inputs, inner.dynamic, mode
        self.token_mask = inner.token_mask
        module = inner.build()
        self.layers = layer_names(module)
        if mode == "lora":
            with_lora(module)
        else:
            for name, parameter in module.named_parameters():
                parameter.requires_grad_(mode == "full" or self.depth(name) == 0)
        self.module = module

    def depth(self, name: str) -> int:
        """Layers above the one that a parameter is in; what stands outside of them counts as the one that it is nearest to."""
        for place, layer in enumerate(reversed(self.layers)):
            if name.startswith(f"{layer}."):
                return place
        first = self.layers[0].rpartition(".")[0] if self.layers else ""
        # Before the layers stand stems and embeddings, after them norms and heads.
        return len(self.layers) if re.search("embed|stem|patch", name) or not first else 0

    def rate_of(self, name: str) -> float:
        """Factor of the learning rate of a parameter."""
        bare = name.removeprefix("module.")
        return RATES[self.mode] * (DECAY ** self.depth(bare) if self.mode == "full" else 1.0)

    def train(self, mode: bool = True) -> TunedModule:
        super().train(mode)
        for part in self.module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        return self

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(torch.zeros(len(present), 1, self.width, device=present.device), present.unsqueeze(1))
        inputs = {name: batch[f"in_{name}"].index_select(0, rows) for name in self.inputs}
        inputs = {name: tensor.long() if tensor.dtype == torch.int32 else tensor for name, tensor in inputs.items()}
        if self.dynamic and "mask" in inputs:
            longest = max(1, int(inputs["mask"].sum(dim=1).max()))
            inputs = {name: tensor[:, :longest] for name, tensor in inputs.items()}
        made = self.module(*(inputs[name] for name in self.inputs)).float()
        plain = {name: tensor.detach().cpu().numpy() for name, tensor in inputs.items()}
        there = torch.from_numpy(self.token_mask(plain, made.shape[1])).to(made.device)
        values = made.new_zeros(len(present), *made.shape[1:]).index_copy(0, rows, made)
        mask = torch.zeros(len(present), made.shape[1], dtype=torch.bool, device=made.device).index_copy(0, rows, there)
        return Tokens(values, mask)


def layer_names(module: nn.Module) -> list[str]:
    """Names of the layers that stand on top of each other, lowest first: the longest list of modules there is."""
    best: list[str] = []
    for name, part in module.named_modules():
        if isinstance(part, nn.ModuleList | nn.Sequential) and len(part) > len(best):
            best = [f"{name}.{place}" for place in range(len(part))]
    return best


def with_lora(module: nn.Module) -> None:
    """Small matrices beside every linear layer and every convolution of one pixel; only they move.

    By torch's parametrisation and not by peft, which makes new layers of the old ones' class and fails where that class takes arguments of its own.
    """
    module.requires_grad_(False)
    for part in [part for part in module.modules() if is_target(part)]:
        parametrize.register_parametrization(part, "weight", LowRank(part.weight.shape))  # type: ignore[arg-type]


class LowRank(nn.Module):
    """A weight plus the product of two thin matrices, which begins as nothing."""

    def __init__(self, shape: torch.Size) -> None:
        super().__init__()
        rows, columns = shape[0], shape[1:].numel()
        rank = min(RANK, rows, columns)
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (2 * self.up @ self.down).reshape(weight.shape)


def is_target(part: nn.Module) -> bool:
    if isinstance(part, nn.Conv2d):
        return part.kernel_size == (1, 1) and part.groups == 1
    return isinstance(part, nn.Linear)
