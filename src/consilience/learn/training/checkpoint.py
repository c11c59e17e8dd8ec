"""A training that was killed goes on after its last whole epoch, and ends with the weights it would have had."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from consilience.core.files import new_file
from consilience.learn.training.average import Average

__all__ = ["Checkpoint", "Progress"]


@dataclass
class Progress:
    """How far a training is.

    Args:
        planned: Epochs at which its schedule ends.
        epoch: Whole epochs that are done.
    """

    planned: int
    epoch: int = 0


class Checkpoint:
    """One file, written anew after each epoch: weights, their average, the optimiser, all randomness, and what the caller wants to keep.

    safetensors and JSON, no pickle. A file that is damaged, or of another training, counts as none.

    Args:
        path: The file.
        random: The numpy generators that the training draws from.
        keep: What else belongs to it, as JSON values and arrays.
        take: Takes back what ``keep`` gave.
        wanted: False writes, but does not go on from an older file.
    """

    def __init__(
        self,
        path: Path,
        random: list[np.random.Generator],
        keep: Callable[[], tuple[dict[str, Any], dict[str, np.ndarray]]],
        take: Callable[[dict[str, Any], dict[str, np.ndarray]], None],
        wanted: bool = True,
    ) -> None:
        self.path, self.random, self.keep, self.take, self.wanted = path, random, keep, take, wanted

    def save(
        self,
        progress: Progress,
        going: bool,
        model: nn.Module,
        average: Average,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        """Writes the file anew; the old one stays whole until then."""
        values, arrays = self.keep()
        tensors: dict[str, Tensor] = {f"model|{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"average|{name}": tensor for name, tensor in average.model.state_dict().items()}
        tensors |= {
            f"optimiser|{place}|{name}": tensor
            for place, state in optimiser.state_dict()["state"].items()
            for name, tensor in state.items()
            if isinstance(tensor, Tensor)
        }
        tensors |= {f"kept|{name}": torch.from_numpy(array) for name, array in arrays.items()}
        tensors["random"] = torch.get_rng_state()
        about = {
            "progress": asdict(progress),
            "going": going,
            "begun": average.begun,
            "step": schedule.last_epoch,
            "random": [draw.bit_generator.state for draw in self.random],
            "values": values,
        }
        # A tensor in channels_last order is written in the plain one; its values are the same.
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        # A full disk ends what is written here, not the training.
        with suppress(OSError, SafetensorError), new_file(self.path) as beside:
            save_file(plain, beside, metadata={"about": json.dumps(about)})

    def restore(
        self,
        progress: Progress,
        model: nn.Module,
        average: Average,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> bool:
        """Puts everything as it was after the last whole epoch, if there is a file; False where that training had come to its end."""
        if not self.wanted or not self.path.is_file():
            return True
        try:
            with safe_open(self.path, framework="pt") as file:
                about = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            model.load_state_dict(_part(tensors, "model"))
            average.model.load_state_dict(_part(tensors, "average"))
        except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError):
            return True
        average.begun = about["begun"]
        saved: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimiser").items():
            place, _, what = name.partition("|")
            saved.setdefault(int(place), {})[what] = tensor
        optimiser.load_state_dict({**optimiser.state_dict(), "state": saved})
        progress.planned, progress.epoch = about["progress"]["planned"], about["progress"]["epoch"]
        schedule.last_epoch = about["step"]
        for group, base, factor in zip(optimiser.param_groups, schedule.base_lrs, schedule.lr_lambdas, strict=True):  # type: ignore[attr-defined]
            group["lr"] = base * factor(schedule.last_epoch)
        for draw, state in zip(self.random, about["random"], strict=True):
            draw.bit_generator.state = state
        self.take(about["values"], {name: tensor.numpy() for name, tensor in _part(tensors, "kept").items()})
        torch.set_rng_state(tensors["random"])
        return bool(about["going"])


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    head = f"{name}|"
    return {key[len(head) :]: tensor for key, tensor in tensors.items() if key.startswith(head)}
