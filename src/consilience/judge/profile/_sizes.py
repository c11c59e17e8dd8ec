"""How large a model is: numbers in it, and bytes on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from consilience.core.state import State
from consilience.encoders import Encoder, FittedEncoder, ModuleEncoder, TrainedEncoder
from consilience.pipeline.fitted import Pipeline

__all__ = ["EncoderSize", "MemberSize", "encoder_sizes", "folder_bytes", "member_sizes"]

_TREE_NUMBERS = ("leaf_value=", "threshold=")


@dataclass(frozen=True)
class EncoderSize:
    """An encoder that the model uses.

    Args:
        slot: ``column:encoder``.
        encoder: Its key, such as ``image/hog``.
        modality: The modality it serves.
        sort: frozen, fitted (statistics, a vocabulary) or trained (with the network, where its parameters are counted once a seed).
        parameters: Weights of a network, or numbers that were learned; 0 where it computes without either.
        num_bytes: What these take in memory.
    """

    slot: str
    encoder: str
    modality: str
    sort: str
    parameters: int
    num_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class MemberSize:
    """A learner of the chosen model.

    Args:
        name: As in the leaderboard.
        weight: Its share in the ensemble; 1 where it stands alone.
        parameters: Weights of its networks without trained encoders; coefficients, or leaves and thresholds of trees.
    """

    name: str
    weight: float
    parameters: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def encoder_sizes(pipeline: Pipeline) -> list[EncoderSize]:
    """Each encoder that a prediction needs, in the order of its slot."""
    features = pipeline.needed_features()
    trained = _trained_encoders(pipeline)
    made = []
    for slot in features.slots:
        encoder = features.encoders[slot.name]
        sort, parameters, size = _encoder(encoder, trained.get(slot.name, (0, 0)))
        made.append(EncoderSize(slot.name, slot.encoder, slot.modality, sort, parameters, size))
    return made


def member_sizes(pipeline: Pipeline) -> list[MemberSize]:
    """Each learner of the model, the heaviest first."""
    made = []
    for name, (fitted, _) in pipeline.model.members.items():
        networks = getattr(fitted, "networks", ())
        if networks:
            count = sum(_module(part)[0] for network in networks for part in (network.projections, network.fusion, network.head))
        else:
            count = _numbers(fitted.state())
        made.append(MemberSize(name, float(pipeline.model.weights[name]), count))
    return sorted(made, key=lambda one: -one.weight)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a model folder; weights of frozen encoders are not in it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _encoder(encoder: Encoder, trained: tuple[int, int]) -> tuple[str, int, int]:
    if isinstance(encoder, TrainedEncoder):
        return "trained", *trained
    if isinstance(encoder, FittedEncoder):
        state = encoder.state()
        return "fitted", _numbers(state), sum(array.nbytes for array in state.arrays.values()) + sum(len(text) for text in state.texts.values())
    return ("frozen", *_module(encoder.module)) if isinstance(encoder, ModuleEncoder) else ("frozen", 0, 0)


def _trained_encoders(pipeline: Pipeline) -> Mapping[str, tuple[int, int]]:
    """Slot name to parameters and bytes of the encoders inside the members' networks."""
    found: dict[str, tuple[int, int]] = {}
    for fitted, _ in pipeline.model.members.values():
        for network in getattr(fitted, "networks", ()):
            for name, encoder in zip(network.names, network.encoders, strict=True):
                count, size = _module(encoder)
                before = found.get(name, (0, 0))
                found[name] = before[0] + count, before[1] + size
    return found


def _module(module: Any) -> tuple[int, int]:
    """Parameters of a torch module and their bytes; shared ones count once."""
    parameters = list(module.parameters())
    return sum(one.numel() for one in parameters), sum(one.numel() * one.element_size() for one in parameters)


def _numbers(state: State) -> int:
    """Numbers in what was learned; of trees in LightGBM's format their leaves and thresholds."""
    count = sum(int(array.size) for array in state.arrays.values())
    for text in state.texts.values():
        count += sum(len(line.partition("=")[2].split()) for line in text.splitlines() if line.startswith(_TREE_NUMBERS))
    return count
