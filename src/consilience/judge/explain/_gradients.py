"""What one row's cells add, by the slope of a network: Grad-CAM for convolutions, integrated gradients for the rest.

Sources: Selvaraju et al. (2017), Grad-CAM; Sundararajan et al. (2017), integrated gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.judge.explain._game import CellGame
from consilience.judge.explain._maps import Canvas, feature_maps, map_layer
from consilience.judge.explain._tokens import Words, table_of, takes_place
from consilience.learn.learners._built import FittedNetworks
from consilience.learn.learners._feed import Feed
from consilience.pipeline.fitted import Pipeline

__all__ = ["Sloped", "explain_by_slope", "sloped_slots"]

STEPS, MOST_STEPS = 32, 256
"""Points on the way from the baseline: as many at first, doubled while what the parts add is not what the whole adds."""

GAP = 0.02
"""The difference between the two, as a part of what the whole adds, at which it is enough."""

HINT = "Use --method occlusion, which works for every model; or fit one with --learner end_to_end and, say, --train image=scratch."

NOTHING = 1e-6
"""Weights below it are none."""

AT_ONCE = 16
"""Points that run at once."""


@dataclass(frozen=True)
class Sloped:
    """What the atoms of a cell add.

    Args:
        method: ``grad-cam``, whose weights are shares of 1 and never negative, or ``integrated gradients``.
        weights: ``[A]``.
        whole: What they sum to: 1 for Grad-CAM (0 where nothing speaks for it); else about the member's value less that of the baseline.
        baseline: What the cell is compared with.
        evaluations: Passes through the network.
    """

    method: Literal["grad-cam", "integrated gradients"]
    weights: np.ndarray
    whole: float
    baseline: str
    evaluations: int


def sloped_slots(pipeline: Pipeline) -> dict[str, str]:
    """Columns of pictures and texts whose encoder the heaviest candidate learned itself, to the slot's name.

    Raises:
        UsageError: There are none.
    """
    who, fitted, modalities = _heaviest(pipeline)
    learned = {slot.name for slot in fitted.slots if slot.width is None}
    slots = [slot for slot in pipeline.features.slots if slot.modality in modalities and len(slot.columns) == 1]
    found = {slot.columns[0]: slot.name for slot in slots if slot.name in learned and slot.modality in ("image", "text")}
    if not found:
        others = ", ".join(sorted(slot.name for slot in fitted.slots)) or "nothing"
        what = f"There are no gradients to explain with: {who} learned no encoder of pictures or text itself; it sees {others}."
        raise UsageError(what, hint=HINT)
    return found


def _heaviest(pipeline: Pipeline) -> tuple[str, FittedNetworks, tuple[str, ...]]:
    """What to call the candidate with the largest weight, the candidate, and its modalities.

    Raises:
        UsageError: It is no network.
    """
    weights = pipeline.model.weights
    name = max(weights, key=lambda one: (weights[one], one))
    fitted, modalities = pipeline.model.members[name]
    who = f"the candidate {name!r}" + (f", which has the largest weight of {len(weights)} ({weights[name]:.2f})," if len(weights) > 1 else "")
    if not isinstance(fitted, FittedNetworks):
        raise UsageError(f"There are no gradients to explain with: {who} is no network.", hint=HINT)
    return who, fitted, modalities


def explain_by_slope(game: CellGame, slot: str) -> Sloped:
    """Weights of the cell's atoms, averaged over which other modalities are there, of what the heaviest candidate says.

    Args:
        game: The cell, of a picture or a text.
        slot: What ``sloped_slots`` gave for its column.
    """
    row = _Row(game, slot)
    with _still(row.fitted.networks), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        return row.picture() if game.modality == "image" else row.text()


class _Row:
    """The row in each of its contexts, as the networks are fed with it."""

    def __init__(self, game: CellGame, slot: str) -> None:
        _, fitted, modalities = _heaviest(game.pipeline)
        self.game, self.slot, self.fitted = game, slot, fitted
        self.device = fitted.situation.device
        seen = game.scored.examples.only(modalities, fitted.whole)
        self.encoder = next(part for part in seen.prepared if part.name == slot).encoder
        self.feeds = [(Feed(fitted.reducer.densify(seen.without(gone)), fitted.slots, self.device), share) for gone, share in game.around]
        self.modules: list[nn.Module] = [network.encoders[network.names.index(slot)] for network in fitted.networks]

    def value(self, size: int = 1, name: str = "", given: Tensor | None = None) -> Tensor:
        """``[size]`` what the networks say, as log-odds or number, averaged over contexts.

        Args:
            given: ``[size, ...]`` in the place of the slot's array ``name``.
        """
        total = torch.zeros(size, device=self.device)
        for feed, share in self.feeds:
            batch = dict(feed.batch(np.zeros(size, dtype=np.int64)))
            if given is not None:
                batch[self.slot] = {**batch[self.slot], name: given}
            total = total + share * self._outcome([network(batch).scores.float() for network in self.fitted.networks])
        return total

    def _outcome(self, scores: list[Tensor]) -> Tensor:
        """``[size]`` of the networks' mean the log-odds of the class, or the number.

        Before calibration: the doubt in the model's own log-odds would make them flat where the networks are sure, so that nothing had a slope.
        """
        place, scale = self.game.outcome.place, self.fitted.scale
        stacked = torch.stack(scores)  # [networks, size, K]
        if place < 0:
            return stacked.mean(dim=0).reshape(-1) * scale.deviation + scale.mean
        if self.fitted.situation.task.target.task == "multilabel":
            ahead, back = (torch.logsumexp(nn.functional.logsigmoid(sign * stacked[:, :, place]), dim=0) for sign in (1, -1))
            return ahead - back
        logs = torch.logsumexp(nn.functional.log_softmax(stacked, dim=2), dim=0)
        # The others are added up: one less a probability near one would be rounded away.
        return logs[:, place] - torch.logsumexp(torch.cat([logs[:, :place], logs[:, place + 1 :]], dim=1), dim=1)

    def picture(self) -> Sloped:
        canvas = Canvas(self.game, self.encoder)
        feed = self.feeds[0][0]
        pixels = feed.batch(np.zeros(1, dtype=np.int64))[self.slot][canvas.name].float()
        layer = map_layer(self.modules[0], lambda: self.value(1, canvas.name, pixels))
        if layer is None:
            start = torch.from_numpy(canvas.plain).float().to(self.device)
            parts, runs = self._integrate([start], [pixels[0]], lambda given: self.value(len(given[0]), canvas.name, given[0]))
            weights = _rounded(canvas.by_atom(parts[0].sum(dim=0).cpu().numpy()))
            return Sloped("integrated gradients", weights, float(weights.sum()), "an even picture in its median colour", runs)
        with feature_maps(self.modules, layer) as maps:
            value = self.value(1, canvas.name, pixels.requires_grad_())
        slopes = torch.autograd.grad(value.sum(), maps)
        seen = torch.stack([(slope.mean(dim=(2, 3), keepdim=True) * one).sum(dim=1).detach() for slope, one in zip(slopes, maps, strict=True)])
        heat = nn.functional.interpolate(torch.relu(seen.sum(dim=0))[None], size=pixels.shape[2:], mode="bilinear", align_corners=False)
        weights = canvas.by_atom(heat[0, 0].cpu().numpy())
        whole = float(weights.sum())
        return Sloped("grad-cam", weights / whole if whole > 0 else weights, float(whole > 0), "", 1)

    def text(self) -> Sloped:
        words = Words(self.game, self.encoder)
        tables = [table_of(module) for module in self.modules]
        ends = [torch.zeros(0)] * len(tables)
        with takes_place(tables, [None] * len(tables), ends):
            self.value()
        owner = torch.from_numpy(words.owner(ends[0].shape[1])).to(self.device)
        starts = []
        for table, end in zip(tables, ends, strict=True):
            nothing = table.weight.new_zeros(table.embedding_dim) if table.padding_idx is None else table.weight[table.padding_idx]
            # What a tokenizer puts around every text stays: a text without it would be none at all.
            starts.append(torch.where((owner >= 0)[:, None], nothing, end[0]).detach())

        def ask(given: Sequence[Tensor]) -> Tensor:
            with takes_place(tables, given, None):
                return self.value(len(given[0]))

        parts, runs = self._integrate(starts, [end[0] for end in ends], ask)
        by_token = torch.stack([part.sum(dim=1) for part in parts]).sum(dim=0).cpu().numpy()
        there = owner.cpu().numpy() >= 0
        weights = _rounded(np.bincount(owner.cpu().numpy()[there], weights=by_token[there].astype(np.float64), minlength=self.game.atoms))
        return Sloped("integrated gradients", weights, float(weights.sum()), "no word at its place", runs)

    def _integrate(self, starts: Sequence[Tensor], ends: Sequence[Tensor], ask: Callable[[Sequence[Tensor]], Tensor]) -> tuple[list[Tensor], int]:
        """What each number adds on the straight way from the starts to the ends, which all move together; and how many points were asked."""
        ways = [end.detach() - start for start, end in zip(starts, ends, strict=True)]
        with torch.no_grad():
            last, first = (float(ask([one[None] for one in side])) for side in (ends, starts))
        steps, asked = STEPS, 2
        while True:
            slopes = [torch.zeros_like(way) for way in ways]
            middles = (torch.arange(steps, device=self.device) + 0.5) / steps
            for first_of_part in range(0, steps, AT_ONCE):
                part = middles[first_of_part : first_of_part + AT_ONCE]
                points = [start + part.reshape(-1, *[1] * way.ndim) * way for start, way in zip(starts, ways, strict=True)]
                points = [point.detach().requires_grad_() for point in points]
                for slope, found in zip(slopes, torch.autograd.grad(ask(points).sum(), points), strict=True):
                    slope += found.sum(dim=0)
            asked += steps
            parts = [way * slope / steps for way, slope in zip(ways, slopes, strict=True)]
            gap = abs(sum(float(part.sum()) for part in parts) - (last - first))
            if gap <= max(GAP * abs(last - first), 1e-3) or steps >= MOST_STEPS:
                return parts, asked
            steps *= 2


def _rounded(weights: np.ndarray) -> np.ndarray:
    """Where nothing changes on the way from the baseline, only rounding would be left to draw."""
    return np.where(np.abs(weights) < NOTHING, 0.0, weights)


@contextmanager
def _still(networks: Sequence[nn.Module]) -> Iterator[None]:
    """No gradient is kept for any weight inside the block."""
    moving = [weight for network in networks for weight in network.parameters() if weight.requires_grad]
    try:
        for weight in moving:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in moving:
            weight.requires_grad_(True)
