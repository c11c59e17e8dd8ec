"""The checks of encoders that learn with the network can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders import TrainedEncoder
from consilience.layers.tokens import Tokens
from consilience.testing import check_encoder, fake_columns


class Module(nn.Module):
    """Three numbers of a text to a token of four."""

    def __init__(self) -> None:
        super().__init__()
        self.width = 4
        self.project = nn.Linear(3, 4)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        return Tokens(self.project(batch["numbers"]).unsqueeze(1), batch["mask"])


class Small(TrainedEncoder):
    """Length, vowels and spaces of a text. Subclasses break one promise each."""

    module = Module
    longest = 1

    def __init__(self) -> None:
        super().__init__(Settings())

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        (cells,) = columns.values()
        self.longest = max((len(text) for text in cells.values[cells.present]), default=1)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        (cells,) = columns.values()
        texts = [text if there else "" for text, there in zip(cells.values, cells.present, strict=True)]
        counts = [(len(text), sum(text.count(vowel) for vowel in "aeiou"), text.count(" ")) for text in texts]
        return {"numbers": np.array(counts, dtype=np.float32).reshape(-1, 3) / self.longest, "mask": cells.present[:, None].copy()}

    def build(self) -> nn.Module:
        return self.module()

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "longest": self.longest}

    def state(self) -> State:
        return State({"longest": self.longest})

    def restore(self, state: State) -> None:
        self.longest = state.config["longest"]


class Idle(Module):
    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(2))


class OverTheBatch(Module):
    """Absent rows take part in the statistics of the batch."""

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        numbers = batch["numbers"]
        return Tokens(self.project(numbers - numbers.mean(0)).unsqueeze(1), batch["mask"])


class AllThere(Module):
    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        return Tokens(super().forward(batch).values, torch.ones_like(batch["mask"]))


class InPlace(Module):
    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        batch["numbers"].mul_(2)
        return super().forward(batch)


def test_a_right_one_passes() -> None:
    check_encoder(Small, fake_columns("text"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"module": Idle}, r"gradients: .*idle"),
        ({"module": OverTheBatch}, "absence: The content of absent arrays changes"),
        ({"module": AllThere}, "tokens: The rows that have a token"),
        ({"module": InPlace}, "tokens: The module changes the batch in place"),
        ({"state": lambda self: State({"longest": 3})}, "state: The restored encoder prepares other arrays"),
        ({"prepares_alike": True}, "prepare: It says that prepare gives the same"),
        ({"identity": lambda self: {"encoder": "small"}}, "learned: Two encoders"),
    ],
)
def test_the_checks_can_fail(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_encoder(type("Broken", (Small,), changes), fake_columns("text"))
