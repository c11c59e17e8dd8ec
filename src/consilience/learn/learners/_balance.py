"""How far each modality is by itself within a network, and a brake for the one that is ahead. Source: Peng et al. (2022), OGM-GE.

Balanced Multimodal Learning via On-the-fly Gradient Modulation; without its added noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from consilience.model import Network, Output

__all__ = ["Whole", "slow_down"]

STRENGTH = 0.3
"""How strongly a lead is braked; the paper uses 0.1 to 0.8."""


class Whole(nn.Module):
    """A network, and beside it a line for each modality that reads the answer off its vector alone. The lines teach the network nothing.

    Args:
        network: The network.
        outputs: K, scores of a row.
        width: Of the fused vectors.
    """

    def __init__(self, network: Network, outputs: int, width: int) -> None:
        super().__init__()
        self.network = network
        names = network.fusion.names
        self.lines = nn.ModuleDict({name: nn.Linear(width, outputs) for name in names} if len(names) > 1 else {})
        self.losses: dict[str, float] = {}

    def forward(self, batch: Mapping[str, Mapping[str, Tensor]], keep: Mapping[str, Tensor] | None = None) -> Output:
        output: Output = self.network(batch, keep)
        return output

    def alone(self, output: Output, name: str) -> Tensor:
        """``[B, K]`` scores by one modality's vector."""
        place = self.network.fusion.names.index(name)
        scores: Tensor = self.lines[name](output.fused.vectors[:, place].detach())
        return scores

    def picks(self) -> dict[str, Callable[[Output], Tensor]]:
        """What is looked at after an epoch: the scores, and those of each modality."""

        def pick(name: str) -> Callable[[Output], Tensor]:
            return lambda output: self.alone(output, name)

        return {"scores": lambda output: output.scores, **{name: pick(name) for name in self.lines}}

    def watch(self, output: Output, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor | float:
        """The lines' own loss over the rows that have the modality; keeps each for ``slow_down``.

        Args:
            loss: (scores ``[P, K]``, places of these rows in the batch ``[P]``) -> mean loss.
        """
        total: Tensor | float = 0.0
        self.losses = {}
        for place, name in enumerate(self.network.fusion.names if self.lines else ()):
            rows = output.fused.vectors[:, place].detach().abs().sum(dim=1).nonzero().squeeze(1)
            if len(rows):
                own = loss(self.alone(output, name)[rows], rows)
                self.losses[name] = float(own.detach())
                total = total + own
        return total


def slow_down(whole: nn.Module) -> None:
    """Makes the gradients of the encoders of a modality smaller that is ahead of the others in this batch."""
    assert isinstance(whole, Whole)
    if len(whole.losses) < 2:
        return
    # exp(-loss) is the mean (geometric) probability of the right answer.
    sure = {name: torch.exp(torch.tensor(-loss)) for name, loss in whole.losses.items()}
    for modality, encoder in zip(whole.network.modalities, whole.network.encoders, strict=True):
        if modality not in sure:
            continue
        others = torch.stack([value for name, value in sure.items() if name != modality]).mean()
        lead = float(sure[modality] / others.clamp(min=1e-6))
        if lead > 1:
            brake = 1 - float(torch.tanh(torch.tensor(STRENGTH * lead)))
            gradients: list[Any] = [parameter.grad for parameter in encoder.parameters() if parameter.grad is not None]
            for gradient in gradients:
                gradient.mul_(brake)
