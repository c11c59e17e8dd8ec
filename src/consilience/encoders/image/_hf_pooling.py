"""The output of a vision model of transformers as tokens."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.encoders.image._from_pixels import as_tokens
from consilience.encoders.image._pretrained import Pool

__all__ = ["Pooled"]


class Pooled(nn.Module):
    """Runs the model and pools as the setting says.

    Args:
        model: A vision model of transformers.
        pool: ``auto`` is ``pooler`` where the model has one that was trained, else ``mean``.
        trained_pooler: False if the pooler's weights are a random start.
        size: Side of the pictures, pixels.
        who: The encoder, for messages.

    Shape:
        - pixels: ``[B, 3, S, S]`` float, normalised.
        - output: ``[B, 1, D]``; ``[B, T, D]`` for ``pool="tokens"``.
    """

    def __init__(self, model: nn.Module, pool: Pool, trained_pooler: bool, size: int, who: str) -> None:
        super().__init__()
        self.model, self.pool, self.trained_pooler, self.who = model, pool, trained_pooler, who
        takes = inspect.signature(model.forward).parameters
        if "pixel_values" not in takes:
            raise UsageError(f"{who}: {type(model).__name__} does not take pictures.", hint="Name a vision model.")
        side = getattr(model.config, "image_size", size)
        own = side if isinstance(side, int) else side[0]
        self.options: dict[str, Any] = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes and own != size else {}
        if pool == "pooler" and not trained_pooler:
            raise UsageError(f"{who}: the weights hold no trained pooler.", hint="Use pool=mean or pool=first.")

    def forward(self, pixels: Tensor) -> Tensor:
        out = self.model(pixel_values=pixels, **self.options)
        pooled: Tensor | None = getattr(out, "pooler_output", None) if self.trained_pooler else None
        if self.pool == "pooler" and pooled is None:
            raise ValueError(f"{type(self.model).__name__} has no pooler; use pool=mean")
        if self.pool in ("auto", "pooler") and pooled is not None:
            return pooled.flatten(1).unsqueeze(1)  # [B, 1, D]; convolutional networks give [B, D, 1, 1]
        tokens = as_tokens(out.last_hidden_state)  # [B, T, D]
        if self.pool == "tokens":
            return tokens
        return tokens[:, :1] if self.pool == "first" else tokens.mean(dim=1, keepdim=True)
