"""Changes of whole batches of pictures in training. Source: Krizhevsky et al. (2012); DeVries and Taylor (2017); mixup: Zhang et al. (2018);
cutmix: Yun et al. (2019).

Everything is drawn from torch's global generator, and how much is drawn depends only on the size of the batch: what one row shows never changes what
is done to another.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PixelAugment", "cutmix", "mixup"]

LUMA = (0.299, 0.587, 0.114)


class PixelAugment(nn.Module):
    """Moves, turns, scales, colours and covers pictures a little, each by its own draw; changes nothing in eval mode.

    Shape:
        - input and output: ``[B, 3, S, S]`` float, 0 to 1.

    Args:
        flip: Left and right are changed in half of the draws. Off, because they may matter.
        shift: Moved by up to this share of the side in both directions; what comes in is the picture reflected.
        rotate: Turned by up to so many degrees.
        scale: Larger or smaller by up to this share.
        colour: Brightness, contrast and saturation change by up to this share.
        erase: Chance that a rectangle of 2 to 20 % of the picture is covered with its mean colour.

    >>> augment = PixelAugment(flip=True)
    >>> picture = torch.rand(2, 3, 8, 8)
    >>> augment(picture).shape, augment.eval()(picture) is picture
    (torch.Size([2, 3, 8, 8]), True)
    """

    def __init__(
        self, flip: bool = False, shift: float = 0.08, rotate: float = 8.0, scale: float = 0.1, colour: float = 0.2, erase: float = 0.0
    ) -> None:
        super().__init__()
        shares = {"shift": shift, "scale": scale, "colour": colour, "erase": erase}
        wrong = next((f"{name} is {share}" for name, share in shares.items() if not 0 <= share <= (1 if name == "erase" else 0.9)), None)
        if wrong is not None or not 0 <= rotate <= 180:
            raise ValueError(f"Shares must be from 0 to 0.9 (erase to 1) and degrees from 0 to 180, but {wrong or f'rotate is {rotate}'}.")
        self.flip, self.shift, self.rotate, self.scale, self.colour, self.erase = flip, shift, rotate, scale, colour, erase

    def extra_repr(self) -> str:
        return f"flip={self.flip}, shift={self.shift}, rotate={self.rotate}, scale={self.scale}, colour={self.colour}, erase={self.erase}"

    def forward(self, pixels: Tensor) -> Tensor:
        if not self.training or not len(pixels):
            return pixels
        if self.flip or self.shift or self.rotate or self.scale:
            pixels = self.placed(pixels)
        if self.colour:
            pixels = self.coloured(pixels)
        return self.erased(pixels) if self.erase else pixels

    def placed(self, pixels: Tensor) -> Tensor:
        """Flip, turn, scale and shift by one grid, so that pixels are mixed only once."""
        draw = torch.rand(len(pixels), 5, device=pixels.device)
        sway = 2 * draw[:, :4] - 1  # [B, 4] in -1 .. 1
        angle = sway[:, 0] * math.radians(self.rotate)
        size = torch.exp(sway[:, 1] * math.log1p(self.scale))
        mirror = torch.where(draw[:, 4] < 0.5, -1.0, 1.0) if self.flip else torch.ones_like(angle)
        cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
        across, down = 2 * self.shift * sway[:, 2], 2 * self.shift * sway[:, 3]
        matrix = torch.stack([torch.stack([cos * mirror, -sin, across], dim=1), torch.stack([sin * mirror, cos, down], dim=1)], dim=1)  # [B, 2, 3]
        grid = F.affine_grid(matrix.to(pixels.dtype), list(pixels.shape), align_corners=False)
        return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def coloured(self, pixels: Tensor) -> Tensor:
        factor = 1 + self.colour * (2 * torch.rand(len(pixels), 3, 1, 1, device=pixels.device, dtype=pixels.dtype) - 1)
        bright, contrast, colourful = factor.unbind(dim=1)  # [B, 1, 1] each
        bright, contrast, colourful = bright.unsqueeze(1), contrast.unsqueeze(1), colourful.unsqueeze(1)
        pixels = pixels * bright
        grey = (pixels * pixels.new_tensor(LUMA).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        middle = grey.mean(dim=(2, 3), keepdim=True)
        # Saturation moves away from each pixel's grey, contrast from the picture's mean: one weighted sum of the three.
        return (contrast * (colourful * pixels + (1 - colourful) * grey) + (1 - contrast) * middle).clamp(0, 1)

    def erased(self, pixels: Tensor) -> Tensor:
        draw = torch.rand(len(pixels), 5, device=pixels.device)
        area, tall = 0.02 + 0.18 * draw[:, 0], torch.exp(2 * draw[:, 1] - 1)
        inside = covered(draw[:, 2], (area * tall).sqrt(), pixels.shape[2]).unsqueeze(2) & covered(
            draw[:, 3], (area / tall).sqrt(), pixels.shape[3]
        ).unsqueeze(1)
        inside = inside & (draw[:, 4] < self.erase).reshape(-1, 1, 1)  # [B, S, S]
        return torch.where(inside.unsqueeze(1), pixels.mean(dim=(2, 3), keepdim=True), pixels)


def covered(place: Tensor, share: Tensor, length: int) -> Tensor:
    """``[B, length]`` bool: a stretch of that share of the side, beginning at a place from 0 (first) to 1 (as far along as it fits)."""
    share = share.clamp(max=1.0)
    start = (place * (1 - share)).unsqueeze(1)
    where = (torch.arange(length, device=place.device) + 0.5) / length
    return (where >= start) & (where < start + share.unsqueeze(1))


def mixup(pixels: Tensor, alpha: float = 0.2) -> tuple[Tensor, Tensor, Tensor]:
    """Each picture mixed with another one of the batch. Source: Zhang et al. (2018).

    The loss is ``weight * loss(output, target) + (1 - weight) * loss(output, target[index])``, row by row.

    Shape:
        - pixels: ``[B, ...]`` float.
        - output: mixed ``[B, ...]``, index ``[B]`` int64 of the other picture, weight ``[B]`` of the first one.

    Args:
        alpha: Of the Beta distribution of the weights; larger mixes more evenly.
    """
    index, weight = partners(pixels, alpha)
    shaped = weight.reshape(-1, *[1] * (pixels.ndim - 1)).to(pixels.dtype)
    return shaped * pixels + (1 - shaped) * pixels[index], index, weight


def cutmix(pixels: Tensor, alpha: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """A rectangle of each picture taken from another one of the batch. Source: Yun et al. (2019). The loss is that of ``mixup``.

    Shape:
        - pixels: ``[B, C, H, W]``.
        - output: as for ``mixup``; the weight is the share of pixels that are the picture's own.

    >>> mixed, index, weight = cutmix(torch.rand(4, 3, 8, 8))
    >>> mixed.shape, index.shape, bool(((weight >= 0) & (weight <= 1)).all())
    (torch.Size([4, 3, 8, 8]), torch.Size([4]), True)
    """
    index, weight = partners(pixels, alpha)
    place = torch.rand(len(pixels), 2, device=pixels.device)
    side = (1 - weight).clamp(min=0).sqrt()
    inside = covered(place[:, 0], side, pixels.shape[2]).unsqueeze(2) & covered(place[:, 1], side, pixels.shape[3]).unsqueeze(1)  # [B, H, W]
    own = 1 - inside.float().mean(dim=(1, 2))
    return torch.where(inside.unsqueeze(1), pixels[index], pixels), index, own


def partners(pixels: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, not {alpha}.")
    shape = torch.full((len(pixels),), float(alpha), device=pixels.device)
    weight = torch.distributions.Beta(shape, shape).sample() if len(pixels) else shape
    return torch.randperm(len(pixels), device=pixels.device), weight
