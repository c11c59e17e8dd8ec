"""The network of ``cnn3d``: convolutions over place, and a small one over time in each channel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from consilience.encoders.video._augment import Augment
from consilience.layers.tokens import Tokens

__all__ = ["Network3d"]

WIDTHS = (24, 48, 96)
MOMENTS, SIDE = 4, 2
"""The last feature map is averaged to MOMENTS x SIDE x SIDE times and places."""


class Network3d(nn.Module):
    """Takes ``frames [B, T, S, S, 3] uint8`` and ``mask [B, 1]``, gives one token.

    Each frame enters with its change to the frame before, as six channels.
    """

    def __init__(self, width: int, moments: int, augment: Augment | None, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.augment = augment
        first, second, third = WIDTHS
        self.stem = nn.Sequential(nn.Conv2d(6, first, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(first), nn.ReLU())
        self.blocks = nn.ModuleList([Block(first, second, 2), Block(second, third, 2)])
        self.pool = nn.AdaptiveAvgPool2d(SIDE)
        self.moments = min(MOMENTS, moments)
        self.drop = nn.Dropout(dropout)
        # Flattened, and not averaged: where and when something is counts as much as that it is.
        self.project = nn.Linear(third * self.moments * SIDE * SIDE, width)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        mask = batch["mask"].any(dim=1, keepdim=True)  # [B, 1]
        frames = batch["frames"]
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = mask[:, 0].nonzero().squeeze(1)
        plan = self.augment.draw(frames) if self.augment is not None and self.training else None
        if not len(rows):
            return Tokens(self.project.weight.new_zeros(len(mask), 1, self.width), mask)
        x = frames.index_select(0, rows).permute(0, 1, 4, 2, 3)  # [P, T, 3, S, S]
        x = (x.to(self.project.weight.dtype) - 127.5) / 64
        if self.augment is not None and plan is not None:
            x = self.augment(x, {name: part.index_select(0, rows) for name, part in plan.items()})
        change = torch.cat([torch.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]], dim=1)
        present, length = x.shape[:2]
        x = torch.cat([x, change], dim=2).flatten(0, 1).contiguous(memory_format=torch.channels_last)  # [P * T, 6, S, S]
        x = self.stem(x)
        for block in self.blocks:
            x = block(x, length)
        x = self.pool(x).reshape(present, length, -1)  # [P, T, C * SIDE * SIDE]
        x = nn.functional.adaptive_avg_pool1d(x.transpose(1, 2), self.moments).flatten(1)
        token = self.project(self.drop(x)).unsqueeze(1)  # [P, 1, width]
        values = token.new_zeros(len(mask), 1, self.width)
        return Tokens(values.index_copy(0, rows, token), mask)


class Block(nn.Module):
    """Place, time, place, with a shortcut around. Source: Tran et al., Video Classification with Channel-Separated Convolutional Networks (2019).

    Shape:
        - x: ``[P * T, C, H, W]``, channels last.
        - output: ``[P * T, C', H / stride, W / stride]``.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU())
        self.time = TimeMix(filters)
        self.second = nn.Sequential(nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters))
        self.short: nn.Module = nn.Identity()
        if stride > 1 or channels != filters:
            self.short = nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: Tensor, length: int) -> Tensor:
        return nn.functional.relu(self.second(self.time(self.first(x), length)) + self.short(x))


class TimeMix(nn.Module):
    """Each channel mixed with itself a frame before and after; begins as a shift of some channels, as in Lin et al., TSM (2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        weight = torch.zeros(3, channels)
        part = max(1, channels // 4)
        weight[0, :part], weight[2, part : 2 * part], weight[1, 2 * part :] = 1, 1, 1
        self.weight = nn.Parameter(weight + 0.02 * torch.randn(3, channels))

    def forward(self, x: Tensor, length: int) -> Tensor:
        before, now, after = self.weight[:, None, :, None, None]
        frames = x.reshape(-1, length, *x.shape[1:])
        mixed: Tensor = frames * now
        mixed = mixed + nn.functional.pad(frames[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0)) * before
        mixed = mixed + nn.functional.pad(frames[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1)) * after
        return mixed.flatten(0, 1).contiguous(memory_format=torch.channels_last)
