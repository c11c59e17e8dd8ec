"""The module of ``pointnet``: neighbourhoods, then each point for itself, then the maximum and the mean over all points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from consilience.encoders.points._settings import LOGS, PLACES, WHOLE, PointNetSettings
from consilience.layers.tokens import Tokens

__all__ = ["Network"]


class Network(nn.Module):
    """Takes ``points [B, S, 3 + F]``, ``count [B, 1]``, ``whole [B, W]`` and ``mask [B, 1]``, gives Tokens ``[B, 1, width]``."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: PointNetSettings, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.settings, self.width = settings, settings.width
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        columns, filters = 3 + settings.extra, settings.filters
        self.near = Neighbours(columns, filters) if settings.neighbours else None
        if self.near is None:
            self.alone: nn.Module | None = nn.Sequential(*layer(columns, filters), *layer(filters, filters))
        else:
            self.alone = None
        self.each = nn.Sequential(*layer(filters, 2 * filters), *layer(2 * filters, 4 * filters))
        self.project = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(8 * filters + WHOLE, settings.width))

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.mean.new_zeros(len(present), 1, self.width), present.unsqueeze(1))
        x = batch["points"].index_select(0, rows).to(self.mean.dtype)  # [P, S, C]
        count = batch["count"].index_select(0, rows).long()  # [P, 1]
        whole = (batch["whole"].index_select(0, rows).to(self.mean.dtype) - self.mean[:WHOLE]) / self.std[:WHOLE]
        x, alive = self.sampled(x, count)  # [P, K, C], [P, K]
        x = torch.cat([x[..., :3] / PLACES, ((x[..., 3:] / LOGS - self.mean[WHOLE:]) / self.std[WHOLE:]).clamp(-5, 5)], dim=2)
        if self.training:
            x, alive = self.augmented(x, alive)
        y = self.near(x, alive, self.settings.neighbours) if self.near is not None else per_point(self.alone, x)  # [P, K, F]
        y = per_point(self.each, y)  # [P, K, 4 F]
        there = alive.unsqueeze(-1)
        top = torch.where(there, y, y.new_full((), -1e4)).amax(dim=1)
        mean = torch.where(there, y, 0.0).sum(dim=1) / alive.sum(dim=1, keepdim=True)
        vectors = self.project(torch.cat([top, mean, whole.clamp(-5, 5)], dim=1))  # [P, width]
        return Tokens.single(vectors.new_zeros(len(present), self.width).index_copy(0, rows, vectors), present)

    def sampled(self, x: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """The points that are looked at, and which of them are there: in training drawn, else those that lie farthest apart, which come first."""
        stored, kept = x.shape[1], min(x.shape[1], self.settings.points)
        if self.training and kept < stored:
            drawn = torch.rand(x.shape[:2], device=x.device)
            drawn = drawn + (torch.arange(stored, device=x.device) >= count)  # places without a point come last
            order = drawn.argsort(dim=1)[:, :kept]
            x = x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[2]))
        return x[:, :kept], torch.arange(kept, device=x.device) < count.clamp(max=kept)

    def augmented(self, x: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
        """Turned, longer or shorter, shaken, with fewer points; each cloud in its own way. Columns beyond x, y, z stay as they are."""
        settings, (count, points, _) = self.settings, x.shape
        places = x[..., :3]
        if settings.turn != "none":
            places = places @ turns(torch.randn(count, 4, device=x.device, dtype=x.dtype), settings.turn == "up")
        if settings.scale:
            places = places * (1 + (torch.rand(count, 1, 3, device=x.device, dtype=x.dtype) * 2 - 1) * settings.scale)
        if settings.jitter:
            places = places + torch.randn_like(places) * settings.jitter
        if settings.lose:
            lost = torch.rand(count, points, device=x.device) < torch.rand(count, 1, device=x.device) * settings.lose
            lost[:, 0] = False  # a cloud keeps a point
            alive = alive & ~lost
        return torch.cat([places, x[..., 3:]], dim=2), alive


class Neighbours(nn.Module):
    """For each point the maximum over what its neighbours are to it (the edge convolution of DGCNN, once, in space)."""

    def __init__(self, columns: int, filters: int) -> None:
        super().__init__()
        self.there, self.here = nn.Linear(columns, filters, bias=False), nn.Linear(columns, filters, bias=False)
        self.norm = nn.BatchNorm1d(filters)
        self.mix = nn.Sequential(nn.Linear(filters, filters, bias=False), nn.BatchNorm1d(filters), nn.ReLU())

    def forward(self, x: Tensor, alive: Tensor, neighbours: int) -> Tensor:
        """``[P, K, C]`` to ``[P, K, F]``."""
        count, points, _ = x.shape
        with torch.no_grad():
            apart = torch.cdist(x[..., :3].float(), x[..., :3].float(), compute_mode="donot_use_mm_for_euclid_dist")
            apart = apart.masked_fill(~alive.unsqueeze(1), torch.inf)
            near = apart.topk(min(neighbours, points), dim=2, largest=False).indices  # [P, K, k]
            known = alive.gather(1, near.flatten(1)).reshape(near.shape).unsqueeze(-1)
        there = self.there(x)  # the layer of a difference is the difference of layers: once a point and not once an edge
        edges = there.gather(1, near.reshape(count, -1, 1).expand(-1, -1, there.shape[2])).reshape(*near.shape, -1)
        edges = edges + (self.here(x) - there).unsqueeze(2)  # [P, K, k, F]
        edges = torch.relu(self.norm(edges.flatten(0, 2))).reshape(edges.shape)
        return per_point(self.mix, torch.where(known, edges, 0.0).amax(dim=2))  # nothing is below 0 here


def layer(columns: int, filters: int) -> list[nn.Module]:
    return [nn.Linear(columns, filters, bias=False), nn.BatchNorm1d(filters), nn.ReLU()]


def per_point(module: nn.Module | None, x: Tensor) -> Tensor:
    """A module of rows on ``[P, K, C]``."""
    assert module is not None
    out: Tensor = module(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
    return out


def turns(drawn: Tensor, upright: bool) -> Tensor:
    """``[P, 4]`` normal numbers to ``[P, 3, 3]`` turns: any (a quaternion), or about the last axis only."""
    if upright:
        drawn = drawn * drawn.new_tensor([1.0, 0.0, 0.0, 1.0])
    w, x, y, z = (drawn / drawn.norm(dim=1, keepdim=True).clamp(min=1e-6)).unbind(1)
    rows = (
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    )  # fmt: skip
    return torch.stack(rows, dim=1).reshape(-1, 3, 3)
