"""What encoders that were learned alone bring along when all is learned together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from consilience.learn.learners._balance import Whole
from consilience.model import Network

__all__ = ["Starts", "rates", "take_over"]

Starts = Mapping[str, Mapping[str, Tensor]]
"""Slot name to the weights that its encoder learned alone."""

STARTED = 0.1
"""Factor of the learning rate of what was learned alone."""


def take_over(network: Network, starts: Starts, fixed: bool) -> list[nn.Module]:
    """Gives encoders the weights that they learned alone.

    Args:
        fixed: These weights stay as they are from here on.

    Returns:
        The encoders that stay: they have to be in eval mode while the rest is trained, or batches would move the statistics they normalise by.
    """
    still: list[nn.Module] = []
    for name, encoder in zip(network.names, network.encoders, strict=True):
        if name not in starts:
            continue
        # What steers an encoder is new; all else was learned alone.
        known = encoder.state_dict()
        same = {key: value for key, value in starts[name].items() if key in known and known[key].shape == value.shape}
        encoder.load_state_dict(known | same)
        if fixed:
            still.append(encoder)
            for own, parameter in encoder.named_parameters():
                parameter.requires_grad_(parameter.requires_grad and own not in same)
    return still


def rates(whole: Whole, starts: Starts) -> Callable[[str], float]:
    """Parameter to factor of the learning rate: encoders that begin from something learned move less, their lower layers least."""

    def rate(name: str) -> float:
        if not name.startswith("network.encoders."):
            return 1.0
        place, _, rest = name.removeprefix("network.encoders.").partition(".")
        own: Any = getattr(whole.network.encoders[int(place)], "rate_of", None)
        if own is not None:
            return float(own(rest))
        return STARTED if rest in starts.get(whole.network.names[int(place)], {}) else 1.0

    return rate
