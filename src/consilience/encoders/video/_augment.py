"""Small changes of films while a network learns from them. Drawn from torch's own generator, as many numbers whatever the films show."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Augment"]


class Augment:
    """Each film is moved and scaled a little, made lighter or darker, played a little faster or slower, and maybe mirrored.

    Args:
        shift: Share of the side by which a film is moved at most.
        light: Share of the range by which a film is made lighter or darker at most; its contrast changes as much.
        jitter: Share of the film that is left out at its beginning and its end at most.
        flip: Half of the films are mirrored; only where left and right mean the same.
    """

    def __init__(self, shift: float, light: float, jitter: float, flip: bool) -> None:
        self.shift, self.light, self.jitter, self.flip = shift, light, jitter, flip

    def draw(self, frames: Tensor) -> dict[str, Tensor]:
        """What happens to each of ``B`` films, absent ones too, so that these have no influence on the others' draws.

        Shape:
            - frames: ``[B, ...]``.
            - output: ``[B, n]`` each.
        """
        number, device = len(frames), frames.device
        return {
            "place": torch.rand(number, 3, device=device) * 2 - 1,
            "light": torch.rand(number, 2, device=device) * 2 - 1,
            "time": torch.rand(number, 2, device=device),
            "flip": torch.rand(number, 1, device=device),
        }

    def __call__(self, x: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """``[P, T, 3, S, S]`` float around 0, changed."""
        length, side = x.shape[1], x.shape[-1]
        if self.jitter > 0:
            begin, end = (self.jitter * drawn["time"]).to(x.dtype).unbind(1)
            share = torch.linspace(0, 1, length, device=x.device, dtype=x.dtype)
            places = ((begin[:, None] + share * (1 - begin - end)[:, None]) * (length - 1)).round().long()  # [P, T]
            x = x.gather(1, places[:, :, None, None, None].expand(-1, -1, *x.shape[2:]))
        if self.shift > 0:
            place = drawn["place"].to(x.dtype)
            scale = 1 + self.shift * place[:, 2]
            x = self.placed(x, side, place[:, :2] * self.shift * 2, scale)
        if self.flip:
            x = torch.where((drawn["flip"] < 0.5)[:, :, None, None, None], x.flip(-1), x)
        if self.light > 0:
            brighter, contrast = (self.light * drawn["light"]).to(x.dtype)[:, :, None, None, None].unbind(1)
            x = x * (1 + contrast.unsqueeze(1)) + 2 * brighter.unsqueeze(1)
        return x

    def placed(self, x: Tensor, side: int, moved: Tensor, scale: Tensor) -> Tensor:
        """Each film moved and scaled, by two products of matrices: moving and scaling do not mix rows with columns. The edge goes on outside."""
        middles = (torch.arange(side, device=x.device, dtype=x.dtype) + 0.5) * (2 / side) - 1
        mixes = []
        for axis in range(2):
            wanted = middles * scale[:, None] + moved[:, axis : axis + 1]  # [P, S] where each pixel comes from
            wanted = ((wanted + 1) * (side / 2) - 0.5).clamp(0, side - 1)
            mixes.append((1 - (wanted[:, :, None] - torch.arange(side, device=x.device, dtype=x.dtype)).abs()).clamp(min=0))  # [P, S, S]
        down, right = mixes
        return down[:, None, None] @ x @ right[:, None, None].transpose(-1, -2)
