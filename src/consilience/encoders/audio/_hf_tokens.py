"""Windows of sounds through a model of transformers, and what becomes of its hidden states."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["listen", "pooled", "shortened"]

TOGETHER = 8
"""Windows of one shape that run at a time."""


def listen(model: Any, batch: dict[str, np.ndarray], mean: bool) -> list[np.ndarray]:
    """Hidden states of each window, ``[T, D] float32``, those behind its end left out.

    Windows of one shape run together, and none is padded: padding would change what models with normalisation over time hear.

    Args:
        batch: ``values`` (all windows one after another), ``shapes [W, axes]``, ``heard [W]`` (share of the window that is sound).
        mean: Of all layers, not the last.
    """
    import torch

    ends = np.cumsum(batch["shapes"].prod(axis=1))
    windows = [batch["values"][end - shape.prod() : end].reshape(shape.tolist()) for end, shape in zip(ends.tolist(), batch["shapes"], strict=True)]
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, window in enumerate(windows):
        groups.setdefault(window.shape, []).append(place)
    found: list[np.ndarray] = [np.zeros(0, dtype=np.float32)] * len(windows)
    for places in groups.values():
        for start in range(0, len(places), TOGETHER):
            part = places[start : start + TOGETHER]
            with torch.inference_mode():
                out = model(torch.from_numpy(np.stack([windows[place] for place in part])), output_hidden_states=mean)
                states = torch.stack(list(out.hidden_states)).mean(dim=0) if mean else out.last_hidden_state  # [b, T, D]
            for place, state in zip(part, states.float().numpy(), strict=True):
                found[place] = state[: max(1, int(np.ceil(len(state) * float(batch["heard"][place]))))]
    return found


def pooled(windows: list[np.ndarray]) -> np.ndarray:
    """The mean over all tokens of all windows, ``[D]``."""
    total: np.ndarray = sum((window.sum(axis=0, dtype=np.float64) for window in windows), np.zeros(windows[0].shape[1]))
    mean: np.ndarray = (total / sum(map(len, windows))).astype(np.float32)
    return mean


def shortened(tokens: np.ndarray, most: int) -> np.ndarray:
    """``[T, D]`` to at most ``most`` tokens, each the mean of its stretch."""
    if len(tokens) <= most:
        return tokens
    borders = np.linspace(0, len(tokens), most + 1).astype(int)
    means: np.ndarray = np.add.reduceat(tokens, borders[:-1], axis=0) / np.diff(borders)[:, None]
    return means.astype(np.float32)
