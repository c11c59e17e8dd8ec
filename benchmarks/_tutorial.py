"""What introductions to multimodal learning show: a CNN for the pictures, a GRU for the texts, their vectors side by side, trained from scratch.

Plain PyTorch: pictures of 64 px, two blocks of 64 and 128 filters, words by frequency, one dense layer for the table, Adam, early stopping on a
tenth of the rows. A cap on the seconds keeps it within what a laptop's owner would wait.
"""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from _bench import Bench, Split
from _blocks import table_block

__all__ = ["learn_tutorial"]

PIXELS = 64
WORDS = 5000
LENGTH = 64
EPOCHS = 15
PATIENCE = 3
BATCH = 32


def learn_tutorial(bench: Bench, split: Split, seconds: float) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Output on the test rows, and how far it came. The best epoch on the held tenth is used as it is."""
    began = time.monotonic()
    torch.manual_seed(0)
    fit, valid = bench.tenth(split.pool, 0)
    inputs = _inputs(bench, fit)
    truth = np.log(bench.truth) if bench.log else bench.truth
    centre, unit = (float(truth[fit].mean()), float(truth[fit].std()) or 1.0) if bench.number else (0.0, 1.0)
    target = torch.from_numpy(((truth - centre) / unit).astype(np.float32) if bench.number else truth)
    network = Network(inputs, 1 if bench.number else len(bench.classes))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def loss(scores: Tensor, rows: Tensor) -> Tensor:
        return nn.functional.mse_loss(scores[:, 0], target[rows]) if bench.number else nn.functional.cross_entropy(scores, target[rows])

    def scores_of(rows: np.ndarray) -> Tensor:
        network.eval()
        with torch.inference_mode():
            return torch.cat([network(inputs, at) for at in torch.split(torch.from_numpy(rows), 256)])

    best, best_epoch, kept, epoch = np.inf, 0, copy.deepcopy(network.state_dict()), 0
    while epoch < EPOCHS and epoch - best_epoch < PATIENCE and time.monotonic() - began < seconds:
        epoch += 1
        network.train()
        for at in torch.split(torch.from_numpy(fit)[torch.randperm(len(fit))], BATCH):
            if time.monotonic() - began >= seconds:
                break
            optimiser.zero_grad()
            loss(network(inputs, at), at).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        now = float(loss(scores_of(valid), torch.from_numpy(valid)))
        if now < best:
            best, best_epoch, kept = now, epoch, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    scores = scores_of(split.test)
    if bench.number:
        made = scores[:, 0].double().numpy() * unit + centre
        output = np.exp(made) if bench.log else made
    else:
        output = scores.double().softmax(dim=1).numpy()
    return {"tutorial": output}, {"seconds": {"learn": round(time.monotonic() - began, 3)}, "epochs": epoch, "best_epoch": best_epoch}


class Inputs:
    """All rows as tensors.

    Args:
        pictures: Column to ``[N, 3, 64, 64]`` uint8; grey where absent.
        words: Column to ``[N, T]`` word numbers, 0 where the sentence has ended.
        table: ``[N, D]``, or None.
        num_words: Size of the vocabulary.
    """

    def __init__(self, pictures: dict[str, Tensor], words: dict[str, Tensor], table: Tensor | None, num_words: int) -> None:
        self.pictures, self.words, self.table, self.num_words = pictures, words, table, num_words


class Network(nn.Module):
    """One CNN for all picture columns, one GRU for all text columns; concatenation; one hidden layer."""

    def __init__(self, inputs: Inputs, num_outputs: int) -> None:
        super().__init__()
        width = 0
        if inputs.pictures:
            self.cnn = nn.Sequential(
                *(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4)),
                *(nn.Flatten(), nn.Linear(128 * 8 * 8, 128), nn.ReLU()),
            )
            width += 128 * len(inputs.pictures)
        if inputs.words:
            self.embedding = nn.Embedding(inputs.num_words, 100, padding_idx=0)
            self.gru = nn.GRU(100, 128, batch_first=True)
            width += 128 * len(inputs.words)
        if inputs.table is not None:
            self.dense = nn.Sequential(nn.Linear(inputs.table.shape[1], 64), nn.ReLU())
            width += 64
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, num_outputs))

    def forward(self, inputs: Inputs, rows: Tensor) -> Tensor:
        parts = [self.cnn(pictures[rows].float() / 255) for pictures in inputs.pictures.values()]  # [B, 128] each
        for words in inputs.words.values():
            steps, _ = self.gru(self.embedding(words[rows]))  # [B, T, 128]
            last = (words[rows] > 0).sum(dim=1).clamp(min=1) - 1
            parts.append(steps[torch.arange(len(rows)), last])
        if inputs.table is not None:
            parts.append(self.dense(inputs.table[rows]))
        return self.head(torch.cat(parts, dim=1))  # type: ignore[no-any-return]


def _inputs(bench: Bench, fit: np.ndarray) -> Inputs:
    pictures = {column: _pictures(bench, column) for column in bench.columns("image")}
    texts = {column: [_words(cell or "") for cell in bench.table.frame[column]] for column in bench.columns("text")}
    counts = Counter(word for cells in texts.values() for row in fit for word in cells[row])
    numbers = {word: number for number, (word, count) in enumerate(counts.most_common(WORDS), start=2) if count > 1}
    words = {}
    for column, cells in texts.items():
        found = np.zeros((len(cells), min(LENGTH, max(1, *map(len, cells)))), dtype=np.int64)
        for row, cell in enumerate(cells):
            codes = [numbers.get(word, 1) for word in cell[: found.shape[1]]]
            found[row, : len(codes)] = codes
        words[column] = torch.from_numpy(found)
    table = table_block(bench, fit)
    return Inputs(pictures, words, None if table is None else torch.from_numpy(np.asarray(table.values)), len(numbers) + 2)


def _words(text: str) -> list[str]:
    """Lower case; each Chinese character is a word."""
    return re.findall(r"[一-鿿]|[^\W一-鿿]+|[^\w\s]", text.lower())


def _pictures(bench: Bench, column: str) -> Tensor:
    """Each distinct file is read once."""
    base, known = bench.table.bases[column], {}
    found = np.full((len(bench.table), PIXELS, PIXELS, 3), 128, dtype=np.uint8)
    for row, cell in enumerate(bench.table.frame[column]):
        if cell is None:
            continue
        if cell not in known:
            with Image.open(base / cell) as image:
                image.draft("RGB", (2 * PIXELS, 2 * PIXELS))
                known[cell] = np.asarray(image.convert("RGB").resize((PIXELS, PIXELS)))
        found[row] = known[cell]
    return torch.from_numpy(found).permute(0, 3, 1, 2).contiguous()
