"""What learners that are one network share: how it is built, run over rows, averaged over seeds, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.core.settings import Settings, parse_settings
from consilience.core.state import State
from consilience.encoders._base import SteeredEncoder
from consilience.features._examples import Examples
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP
from consilience.learn.learners._base import Fitted, Situation
from consilience.learn.learners._feed import Feed, SlotSpec
from consilience.learn.learners._gradient import Scale
from consilience.learn.learners._reduce import Reducer
from consilience.learn.learners._standard import StandardFeatures
from consilience.learn.spaces import from_mean_space, to_mean_space
from consilience.learn.training.loop import one_thread
from consilience.model import CachedFeatures, Network, Slot

__all__ = ["BuiltSettings", "FittedNetworks", "build", "run", "run_all"]

ROWS, RAW_ROWS = 512, 64
"""Rows that are run at once: of kept features, and of cells that an encoder has to work on."""


class BuiltSettings(Settings):
    """What decides how a network is built.

    Args:
        fusion: A key of the registry of fusions.
        fusion_settings: Its own settings.
        width: Of all tokens.
        components: Principal components of a sparse block.
        dropout: Share of a token's values that is zeroed in training.
        absence: Chance that a modality is hidden in training.
        steer: Modality to the one that steers its encoders.
        standardise: Kept features that are no embeddings are put on a common scale.
    """

    fusion: str = "concat"
    fusion_settings: dict[str, Any] = Field(default_factory=dict)
    width: int = Field(default=64, ge=8, le=4096)
    components: int = Field(default=64, ge=2, le=4096)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    absence: float = Field(default=0.1, ge=0, lt=1)
    steer: dict[str, str] = Field(default_factory=dict)
    standardise: bool = False


class FittedNetworks(Fitted):
    """Networks that differ by their seed alone, and the slots they were built for; their probabilities (or numbers) are averaged."""

    Settings: ClassVar[type[BuiltSettings]] = BuiltSettings

    def __init__(
        self, networks: Sequence[Network], reducer: Reducer, slots: list[SlotSpec], scale: Scale, settings: BuiltSettings, situation: Situation
    ) -> None:
        self.networks, self.reducer, self.slots = list(networks), reducer, slots
        self.scale, self.settings, self.situation = scale, settings, situation

    def predict(self, examples: Examples) -> np.ndarray:
        feed, task = self._feed(examples), self.situation.task
        scores = [self.scale.undo(run(network, feed, lambda output: output.scores)) for network in self.networks]
        return scores[0] if len(scores) == 1 else from_mean_space(np.mean([to_mean_space(one, task) for one in scores], axis=0), task)

    def embed(self, examples: Examples) -> np.ndarray:
        """The fused vectors of all networks side by side ``[N, width * S]``."""
        feed = self._feed(examples)
        return np.concatenate([run(network, feed, lambda output: output.fused.vector) for network in self.networks], axis=1)

    def _feed(self, examples: Examples) -> Feed:
        return Feed(self.reducer.densify(examples), self.slots, self.situation.device)

    def state(self) -> State:
        networks = {
            f"network{index}": State({}, {name: value.cpu().numpy() for name, value in network.state_dict().items()})
            for index, network in enumerate(self.networks)
        }
        config = {
            "settings": self.settings.model_dump(mode="json"),
            "slots": [list(slot) for slot in self.slots],
            "scale": [self.scale.mean, self.scale.deviation],
            "networks": len(self.networks),
        }
        return State.pack({**networks, "reducer": self.reducer.state()}, config)

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedNetworks:
        # What was kept before there was this setting has no scales.
        settings = cls.Settings(**{"standardise": False, **state.config["settings"]})
        slots = [SlotSpec(*slot) for slot in state.config["slots"]]
        networks = []
        if state.config["networks"] < 1:
            raise ValueError("there is no network")
        for index in range(state.config["networks"]):
            network = build(slots, settings, situation)
            network.load_state_dict({name: torch.from_numpy(value) for name, value in state.part(f"network{index}").arrays.items()})
            networks.append(network.eval())
        return cls(networks, Reducer.restore(state.part("reducer")), slots, Scale(*state.config["scale"]), settings, situation)


def build(slots: Sequence[SlotSpec], settings: BuiltSettings, situation: Situation) -> Network:
    """A network with fresh weights; its parts have no order but that of the slots' names.

    Raises:
        UsageError: No encoder of a modality that is to be steered can be.
    """
    made = []
    modalities = sorted({slot.modality for slot in slots})
    steer = {asked: asker for asked, asker in settings.steer.items() if asked in modalities and asker in modalities}
    for slot in slots:
        asker = steer.get(slot.modality)
        if slot.width is not None:
            kept = StandardFeatures(slot.width) if settings.standardise else CachedFeatures()
            made.append(Slot(slot.name, slot.modality, kept, slot.width))
            continue
        encoder = situation.encoders[slot.name]
        steered = asker is not None and isinstance(encoder, SteeredEncoder)
        module: nn.Module = encoder.build_steered(settings.width) if steered else encoder.build()  # type: ignore[attr-defined]
        made.append(Slot(slot.name, slot.modality, module, int(module.width), asker if steered else None))  # type: ignore[arg-type]
    lost = set(steer) - {slot.modality for slot in made if slot.asked_by}
    if lost:
        raise UsageError(f"No encoder of the modality {min(lost)!r} can be steered by another.", hint="For pictures, name the encoder film.")
    cls: Any = FUSIONS.get(settings.fusion)
    chosen = parse_settings(cls.Settings, settings.fusion_settings, f"The fusion {settings.fusion!r}")
    fusion: Fusion = cls(modalities, settings.width, chosen)
    # A perceptron after a sum of modalities would bring back the interaction that an additive fusion promises to be without.
    hidden = () if fusion.additive else settings.width
    head = MLP(settings.width, situation.task.num_outputs, hidden=hidden, dropout=settings.dropout)
    return Network(made, fusion, head, settings.dropout).to(situation.device)


def run(network: nn.Module, feed: Feed, pick: Callable[[Any], Tensor]) -> np.ndarray:
    """One part of the output for all rows, as numpy."""
    return run_all(network, feed, {"it": pick})["it"]


def run_all(network: nn.Module, feed: Feed, picks: Mapping[str, Callable[[Any], Tensor]]) -> dict[str, np.ndarray]:
    """Several parts of the output for all rows, from one pass."""
    made: dict[str, list[Tensor]] = {name: [] for name in picks}
    size = RAW_ROWS if feed.prepared else ROWS
    with one_thread(len(feed) <= ROWS and not feed.prepared), torch.inference_mode():
        for start in range(0, max(1, len(feed)), size):
            output = network(feed.batch(np.arange(start, min(start + size, len(feed)))))
            for name, pick in picks.items():
                made[name].append(pick(output).float().cpu())
    return {name: np.asarray(torch.cat(parts).numpy()) for name, parts in made.items()}
