"""What a network can learn without labels: to rebuild a cell or its hidden parts, to guess hidden words, to tell which cells belong together.

Each objective is a module with the networks that it teaches inside, and a loss for a batch of rows; ``judge`` says how well it does on rows that were
held out, beside what would be reached by knowing nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from consilience.layers.tokens import Tokens
from consilience.learn.training._decoders import Batch, Decoder, Form, form_of

__all__ = ["Contrast", "Objective", "Rebuild", "Rows", "Words"]

HIDDEN_WORDS = 0.15
MASK_WORD = 1
"""Stands for a hidden word: the number of a text without a word, which no other text has."""
FIRST_WORD = 2
TOGETHER = 64
"""Cells among which the right one is to be found when held-out rows are judged."""


@dataclass(frozen=True)
class Rows:
    """Prepared rows, all present.

    Args:
        arrays: For each column, name to array of N rows.
        same: For each column ``[N]``: equal numbers mark equal cells.
        made: What an objective made of them, once.
    """

    arrays: tuple[Mapping[str, np.ndarray], ...]
    same: tuple[np.ndarray, ...]
    made: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.same[0])

    def batch(self, rows: Tensor, device: str, side: int = 0) -> Batch:
        """Some rows of one column as tensors."""
        at = rows.numpy()
        return {name: torch.from_numpy(array[at]).to(device) for name, array in self.arrays[side].items()}


class Objective(nn.Module):
    """The networks and what they are asked.

    Args:
        networks: One for each column.
    """

    def __init__(self, networks: Sequence[nn.Module], device: str) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.device = device

    @abstractmethod
    def loss(self, data: Rows, rows: Tensor) -> Tensor:
        """The mean loss of these rows, in training."""

    @abstractmethod
    def judge(self, data: Rows) -> dict[str, float]:
        """Loss, and what it is called that a person understands, of held-out rows."""

    @abstractmethod
    def baseline(self, data: Rows) -> dict[str, float]:
        """The same of one who knows nothing of a row."""

    def tokens(self, side: int, batch: Batch) -> Tokens:
        made = self.networks[side](batch)
        assert isinstance(made, Tokens)
        return made


class Rebuild(Objective):
    """Mean squared error of a small picture of the cell, each number in units of its spread. Source: Hinton and Salakhutdinov (2006); of hidden
    parts: He et al. (2022), Masked autoencoders.

    Args:
        form: What the prepared arrays are.
        train: Rows that are learned from; they say what is usual.
        masked: Parts are hidden, and only those count.
    """

    def __init__(self, network: nn.Module, form: Form, train: Rows, masked: bool, device: str) -> None:
        super().__init__([network], device)
        self.form = form
        self.masked = masked
        goals = self.form.goals(train.arrays[0])
        # What hardly ever differs is not blown up to what does.
        spread = goals.std(axis=0)
        self.usual = (goals.mean(axis=0), np.maximum(spread, 0.1 * max(float(np.sqrt((spread**2).mean())), 1e-6)))
        train.made["goals"] = self.standard(goals)
        self.decode = Decoder(width_of(network), *goals.shape[1:])

    def standard(self, goals: np.ndarray) -> np.ndarray:
        made: np.ndarray = ((goals - self.usual[0]) / self.usual[1]).astype(np.float16)
        return made

    def goals(self, data: Rows) -> np.ndarray:
        """``[N, P, K] float16``, made once."""
        if "goals" not in data.made:
            data.made["goals"] = self.standard(self.form.goals(data.arrays[0]))
        return data.made["goals"]

    def loss(self, data: Rows, rows: Tensor) -> Tensor:
        return self.error(data, rows)[0]

    def error(self, data: Rows, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The mean squared error, and that of one who says what is usual."""
        batch = data.batch(rows, self.device)
        goal = torch.from_numpy(self.goals(data)[rows.numpy()]).to(self.device).float()
        counted = torch.ones(goal.shape[:2], dtype=torch.bool, device=goal.device)
        if self.masked:
            order = torch.rand(goal.shape[:2]).argsort(dim=1).argsort(dim=1)
            counted = (order < max(1, round(self.form.hidden * self.form.blocks))).to(self.device)
            batch = self.form.hide(batch, counted)
        made = self.decode(self.tokens(0, batch).pooled())
        return (made - goal).square()[counted].mean(), goal.square()[counted].mean()

    def judge(self, data: Rows) -> dict[str, float]:
        return {"loss": self.over(data, 0)}

    def baseline(self, data: Rows) -> dict[str, float]:
        return {"loss": self.over(data, 1)}

    def over(self, data: Rows, which: int) -> float:
        parts = torch.split(torch.arange(len(data)), 128)
        return sum(float(self.error(data, rows)[which]) * len(rows) for rows in parts) / max(1, len(data))


class Words(Objective):
    """Hidden words are guessed from the others. Source: Devlin et al. (2019), BERT: of the words asked for 8 of 10 are hidden, one is another one,
    one is left as it is."""

    def __init__(self, network: nn.Module, train: Rows, numbers: int, device: str) -> None:
        super().__init__([network], device)
        self.numbers = numbers
        self.guess = nn.Linear(width_of(network), numbers)
        counts = np.ones(numbers)
        np.add.at(counts, train.arrays[0]["ids"][train.arrays[0]["mask"]], 1)
        self.register_buffer("often", torch.from_numpy(np.log(counts / counts.sum())).float(), persistent=False)
        with torch.no_grad():  # it begins with how often each word stands anywhere
            self.guess.bias.copy_(self.often)

    often: Tensor

    def asked(self, data: Rows, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of all words ``[H, V]`` and the right one ``[H]``, for each word that is asked for."""
        batch = data.batch(rows, self.device)
        ids, mask = batch["ids"].long(), batch["mask"]
        draw = torch.rand(2, *ids.shape).to(self.device)
        asked = mask & ((draw[0] < HIDDEN_WORDS) | (draw[0] == draw[0].masked_fill(~mask, 2.0).amin(dim=1, keepdim=True)))  # at least one a text
        other = torch.randint(FIRST_WORD, max(FIRST_WORD + 1, self.numbers), ids.shape).to(self.device)
        shown = torch.where(asked & (draw[1] < 0.8), torch.full_like(ids, MASK_WORD), torch.where(asked & (draw[1] > 0.9), other, ids))
        tokens = self.tokens(0, {**batch, "ids": shown})
        length = tokens.values.shape[1]
        asked, ids = asked[:, :length], ids[:, :length]
        return self.guess(tokens.values[asked]), ids[asked]

    def loss(self, data: Rows, rows: Tensor) -> Tensor:
        return functional.cross_entropy(*self.asked(data, rows))

    def judge(self, data: Rows) -> dict[str, float]:
        return self.over(data, known=True)

    def baseline(self, data: Rows) -> dict[str, float]:
        return self.over(data, known=False)

    def over(self, data: Rows, known: bool) -> dict[str, float]:
        lost, right, count = 0.0, 0.0, 0
        for rows in torch.split(torch.arange(len(data)), 128):
            scores, wanted = self.asked(data, rows)
            scores = scores if known else self.often.expand_as(scores)
            lost += float(functional.cross_entropy(scores, wanted, reduction="sum"))
            right += float((scores.argmax(dim=1) == wanted).sum())
            count += len(wanted)
        return {"loss": lost / max(1, count), "accuracy": right / max(1, count)}


class Contrast(Objective):
    """Which cells of a batch belong together is told from their vectors, both ways. Source: Radford et al. (2021), CLIP; of two views of one cell:
    Chen et al. (2020), SimCLR; the views of a text by dropout: Gao et al. (2021), SimCSE.

    Cells that are equal are never told apart.

    Args:
        networks: Two, for the two columns; or one, for two views of its cells.
    """

    def __init__(self, networks: Sequence[nn.Module], train: Rows, device: str) -> None:
        super().__init__(networks, device)
        self.forms = [form_of(arrays) for arrays in train.arrays]
        self.project = nn.ModuleList(nn.Sequential(nn.Linear(width_of(network), 128), nn.ReLU(), nn.Linear(128, 64)) for network in networks)
        self.sharpness = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))

    def scores(self, data: Rows, rows: Tensor) -> Tensor:
        """``[B, B]``: how well each first cell goes with each second one; what is equal to the right one is out of the question."""
        sides = range(len(self.networks)) if len(self.networks) > 1 else (0, 0)
        vectors = [functional.normalize(self.project[side](self.tokens(side, self.seen(data, rows, side)).pooled()), dim=1) for side in sides]
        same = [torch.from_numpy(number[rows.numpy()]).to(self.device) for number in data.same]
        equal = torch.stack([number[:, None] == number[None] for number in same]).any(dim=0)
        equal.fill_diagonal_(False)
        scores = vectors[0] @ vectors[1].T * self.sharpness.clamp(max=np.log(100.0)).exp()
        return scores.masked_fill(equal, torch.finfo(scores.dtype).min)

    def seen(self, data: Rows, rows: Tensor, side: int) -> Batch:
        batch = data.batch(rows, self.device, side)
        if len(self.networks) > 1:
            return batch
        form = self.forms[side]
        if form is not None:
            return form.view(batch)
        if "ids" in batch:
            gone = (torch.rand(batch["ids"].shape).to(self.device) < HIDDEN_WORDS) & batch["mask"]
            return {**batch, "ids": batch["ids"].masked_fill(gone, MASK_WORD)}
        return batch

    def loss(self, data: Rows, rows: Tensor) -> Tensor:
        scores = self.scores(data, rows)
        right = torch.arange(len(rows), device=scores.device)
        return (functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)) / 2

    def judge(self, data: Rows) -> dict[str, float]:
        # One column is judged on changed views too: on equal ones anybody would be right.
        self.networks.train(len(self.networks) == 1)
        for part in self.networks.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        found = []
        with torch.no_grad():
            for rows in self.groups(data):
                scores = self.scores(data, rows)
                right = torch.arange(len(rows), device=scores.device)
                lost = (functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)) / 2
                hit = torch.cat([scores.argmax(dim=axis) == right for axis in (0, 1)]).float().mean()
                found.append((float(lost), float(hit)))
        loss, accuracy = np.mean(found, axis=0)
        return {"loss": float(loss), "accuracy": float(accuracy)}

    def baseline(self, data: Rows) -> dict[str, float]:
        found = []
        for rows in self.groups(data):
            at = rows.numpy()
            equal = np.any([number[at][:, None] == number[at][None] for number in data.same], axis=0)
            choice = len(at) - equal.sum(axis=1) + 1
            found.append((float(np.log(choice).mean()), float((1 / choice).mean())))
        loss, accuracy = np.mean(found, axis=0)
        return {"loss": float(loss), "accuracy": float(accuracy)}

    def groups(self, data: Rows) -> list[Tensor]:
        """Rows in groups of one size, so that chance is the same in all."""
        size = min(TOGETHER, len(data))
        return [rows for rows in torch.split(torch.arange(len(data)), size) if len(rows) == size]


def width_of(network: nn.Module) -> int:
    """D of the tokens that an encoder's network gives."""
    width = network.width
    assert isinstance(width, int)
    return width
