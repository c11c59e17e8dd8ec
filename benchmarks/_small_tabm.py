"""TabM on reduced features, as its own documentation trains it. Source: Gorishniy et al. (2025), TabM."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import tabm
import torch
from torch import nn

__all__ = ["fit_tabm"]

MEMBERS = 16
EPOCHS = 60
PATIENCE = 8
BATCH = 128

Predict = Callable[[np.ndarray], np.ndarray]


def fit_tabm(
    features: np.ndarray, y: np.ndarray, rows: np.ndarray, valid: np.ndarray | None, num_outputs: int, number: bool, epochs: int | None
) -> tuple[Predict, int]:
    """Learns from ``rows``; stops where ``valid`` says so, else after ``epochs``. Gives rows to outputs, and the number of epochs that was best."""
    torch.manual_seed(0)
    mean, deviation = features[rows].mean(axis=0), features[rows].std(axis=0)
    inputs = torch.from_numpy(((features - mean) / np.where(deviation > 1e-6, deviation, 1)).clip(-6, 6).astype(np.float32))
    centre, unit = (float(y[rows].mean()), float(y[rows].std()) or 1.0) if number else (0.0, 1.0)
    target = torch.from_numpy(((y - centre) / unit).astype(np.float32) if number else y)
    model = tabm.TabM.make(n_num_features=inputs.shape[1], d_out=num_outputs, k=MEMBERS, n_blocks=2, d_block=128, dropout=0.1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=3e-4)

    def loss(at: torch.Tensor) -> torch.Tensor:
        scores = model(inputs[at])  # [B, members, outputs]
        wanted = target[at].repeat_interleave(MEMBERS)
        return nn.functional.mse_loss(scores.flatten(), wanted) if number else nn.functional.cross_entropy(scores.flatten(0, 1), wanted)

    def predict(at: np.ndarray) -> np.ndarray:
        model.eval()
        with torch.inference_mode():
            scores = model(inputs[torch.from_numpy(at)])
            made = scores.mean(dim=1)[:, 0] * unit + centre if number else scores.softmax(dim=-1).mean(dim=1)
        return np.asarray(made.double())

    best, best_epoch, kept = np.inf, 0, copy.deepcopy(model.state_dict())
    for epoch in range(1, (epochs or EPOCHS) + 1):
        model.train()
        for at in torch.split(torch.from_numpy(rows)[torch.randperm(len(rows))], BATCH):
            optimiser.zero_grad()
            loss(at).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if valid is None:
            continue
        output = predict(valid)
        now = np.mean((output - y[valid]) ** 2) if number else -np.log(output[np.arange(len(valid)), y[valid]].clip(1e-15)).mean()
        if now < best:
            best, best_epoch, kept = now, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best_epoch >= PATIENCE:
            break
    if valid is not None:
        model.load_state_dict(kept)
    return predict, max(1, best_epoch if valid is not None else epochs or EPOCHS)
