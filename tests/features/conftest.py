"""Encoders, cells and progress for the tests of this room: small, offline, countable."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.core.settings import Settings
from consilience.data.kinds import Cells, Evidence, Kind, Parsed, Profile
from consilience.encoders import FrozenEncoder, ModuleEncoder


class Words(Kind):
    """Cells are texts; "broken" cannot be read, "gone" not even hashed."""

    media = True

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0, "")

    def parse(self, column: Any, base: Any = None) -> Parsed:
        raise NotImplementedError  # cells are made as parsed ones: nothing here comes from a table

    def read(self, value: Any) -> Any:
        if value.startswith("broken"):
            raise CellError("It cannot be read.", hint="Look at it.", file="x.png", found=value)
        return value

    def key(self, value: Any) -> bytes:
        if value == "gone":
            raise FileNotFoundError(2, "No such file or directory", "gone.png")
        return value.encode()

    def thumbnail(self, value: Any) -> str:
        return ""


def cells(values: Sequence[str | None]) -> Cells:
    return Cells("words", Words(), np.array(values, dtype=object), np.array([value is not None for value in values]))


class Hashing(FrozenEncoder):
    """Numbers from the hash of a text; one token, or one per word with ``argument="sequence"``. Counts what it encodes."""

    batch_size = 4
    width = 5  # type: ignore[assignment]

    def __init__(self, argument: str = "", scale: float = 1.0) -> None:
        super().__init__(Settings(), argument)
        self.scale = scale
        self.seen: list[list[bytes]] = []
        self.waiting = self.most = 0
        self.lock = threading.Lock()

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "scale": self.scale}

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        with self.lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        words = cell.split() if self.argument == "sequence" else [cell]
        return {"codes": np.array([np.frombuffer(hash_bytes(word.encode())[:5], dtype=np.uint8) for word in words]).reshape(-1, 5)}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return len(item["codes"])

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        longest = max(len(item["codes"]) for item in items)
        codes = np.zeros((len(items), longest, 5), dtype=np.float32)
        mask = np.zeros((len(items), longest), dtype=bool)
        for row, item in enumerate(items):
            codes[row, : len(item["codes"])] = item["codes"]
            mask[row, : len(item["codes"])] = True
        return {"codes": codes, "mask": mask}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        with self.lock:
            self.waiting -= len(batch["codes"])
        self.seen.append([bytes(row.astype(np.uint8).tobytes()) for row in batch["codes"]])
        values = np.sin(batch["codes"]) * np.float32(self.scale)
        values[~batch["mask"]] = np.nan  # what stands under False must not matter
        return values, batch["mask"]

    @property
    def encoded(self) -> int:
        return sum(len(batch) for batch in self.seen)


class Company(Hashing):
    """Its numbers depend on the whole batch, as those of a compiled network may in their last bits: only the same batches give the same features."""

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values, mask = super().encode(batch)
        company = np.frombuffer(hash_bytes(batch["codes"].tobytes()), dtype=np.uint8).astype(np.float32).mean()
        return values + company, mask


class Letters(ModuleEncoder):
    """A tiny text module: embedding and mean over the letters that are there."""

    batch_size = 8

    def __init__(self) -> None:
        super().__init__(Settings())

    @property
    def width(self) -> int:
        return 6

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("ids", "mask")

    @property
    def dynamic(self) -> bool:
        return True

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        return {"ids": np.array([ord(letter) % 64 for letter in cell], dtype=np.int64)}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return len(item["ids"])

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        longest = max(len(item["ids"]) for item in items)
        ids = np.zeros((len(items), longest), dtype=np.int64)
        mask = np.zeros((len(items), longest), dtype=np.int64)
        for row, item in enumerate(items):
            ids[row, : len(item["ids"])] = item["ids"]
            mask[row, : len(item["ids"])] = 1
        return {"ids": ids, "mask": mask}

    def build(self) -> Any:
        import torch
        from torch import Tensor, nn

        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embed = nn.Embedding(64, 16)
                self.out = nn.Linear(16, 6)

            def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
                there = mask.unsqueeze(-1).float()
                mean = (self.embed(ids) * there).sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp(min=1)
                values: Tensor = self.out(mean)
                return values

        torch.manual_seed(0)
        return Module()


class Pixels(ModuleEncoder):
    """A tiny convolution over a picture that a text's hash paints."""

    batch_size = 8

    def __init__(self) -> None:
        super().__init__(Settings())

    @property
    def width(self) -> int:
        return 4

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("pixels",)

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        painter = np.random.default_rng(int.from_bytes(hash_bytes(cell.encode())[:4], "little"))
        return {"pixels": painter.integers(0, 255, (3, 12, 12)).astype(np.uint8)}

    def build(self) -> Any:
        import torch
        from torch import nn

        class Module(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                return torch.relu(self.conv(pixels.float() / 255)).mean((2, 3)).unsqueeze(1)

        torch.manual_seed(0)
        return Module()


class Noted:
    """Progress that remembers what was said and counted."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.total = self.done = 0

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Noted]:
        self.total += total
        yield self

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def fakes() -> SimpleNamespace:
    return SimpleNamespace(cells=cells, Hashing=Hashing, Company=Company, Letters=Letters, Pixels=Pixels, Noted=Noted)
