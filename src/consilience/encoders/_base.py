"""The contracts of an encoder. Torch is imported only by those that need it, when they are built.

Three sorts, by what they learn:

``FrozenEncoder``   learns nothing: a cell always gives the same vectors, which the store keeps
``FittedEncoder``   learns statistics or a vocabulary from the training rows of a fold, then is fixed
``TrainedEncoder``  learns together with the network, by gradient

An encoder of text or images sees one column; an encoder of the modality ``table`` sees all its columns at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from consilience.core.hashing import hash_json
from consilience.core.settings import Settings as AnySettings
from consilience.core.state import State
from consilience.data.kinds import Cells

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Encoder", "FittedEncoder", "FrozenEncoder", "ModuleEncoder", "SteeredEncoder", "TrainedEncoder"]


class Encoder(ABC):  # noqa: B024 - what must be given is said by the three sorts below
    """What all encoders share.

    Args:
        settings: An object of the class's own ``Settings``.
        argument: What stood after the colon of the name, such as the folder in ``hf:folder``; empty for most.
    """

    Settings: ClassVar[type[AnySettings]] = AnySettings
    version: ClassVar[int] = 1
    """Counts up whenever the same cell gives different vectors than before."""

    def __init__(self, settings: AnySettings, argument: str = "") -> None:
        self.settings = settings
        self.argument = argument

    def identity(self) -> dict[str, Any]:
        """What tells this encoder's output from another's: class, version, settings, argument; subclasses add weights."""
        return {
            "encoder": type(self).__qualname__,
            "version": self.version,
            "argument": self.argument,
            "settings": self.settings.model_dump(mode="json"),
        }

    def fingerprint(self) -> str:
        """Hex hash of ``identity``."""
        return hash_json(self.identity())

    def origin(self) -> str:
        """Where its weights come from, in words, for reports; empty where it has none."""
        return ""


class FrozenEncoder(Encoder):
    """A cell's vectors never change: computed once, kept in the store.

    ``prepare`` runs in many threads, one cell at a time, beside ``encode``, which gets whole batches.
    """

    batch_size: ClassVar[int] = 32

    @property
    def image_size(self) -> int | None:
        """Pixels that the short side of a picture has to have, so that a large one may be decoded smaller; None for the whole picture."""
        return None

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the width of a token."""

    @abstractmethod
    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        """One decoded cell (text: ``str``; image: ``[H, W, 3] uint8``) as arrays without a batch axis: resized pixels, token ids."""

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Prepared cells as one batch; the default stacks arrays of equal shape."""
        return {name: np.stack([item[name] for item in items]) for name in items[0]}

    def length(self, item: dict[str, np.ndarray]) -> int:
        """Cost of a prepared cell, so that batches can be made of cells of like length; 0 where all cost the same."""
        return 0

    @abstractmethod
    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """A collated batch as tokens: values ``[B, T, D] float32`` and mask ``[B, T] bool``; T is 1 for a pooled encoder."""


class ModuleEncoder(FrozenEncoder):
    """A frozen encoder that is a torch module, so that a compiled runtime can run its graph instead."""

    _module: nn.Module | None = None

    @abstractmethod
    def build(self) -> nn.Module:
        """The module, in eval mode, with its weights.

        Forward takes the tensors of a collated batch as positional arguments in the order of ``inputs`` and gives values ``[B, T, D]``
        (a pooled encoder gives T = 1).
        """

    @property
    @abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """Names of a batch's arrays that the module takes, in order; axis 0 is the batch."""

    @property
    def dynamic(self) -> bool:
        """True if axis 1 of the inputs changes between batches (text length)."""
        return False

    def token_mask(self, batch: dict[str, np.ndarray], length: int) -> np.ndarray:
        """Mask ``[B, T]`` of the module's output; all True unless overridden."""
        return np.ones((len(next(iter(batch.values()))), length), dtype=bool)

    @property
    def module(self) -> nn.Module:
        """The module, built when first asked for."""
        if self._module is None:
            self._module = self.build().eval()
        return self._module

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        import torch

        with torch.inference_mode():
            values = self.module(*(torch.from_numpy(batch[name]) for name in self.inputs)).float().numpy()
        return values, self.token_mask(batch, values.shape[1])


class FittedEncoder(Encoder):
    """Learns statistics or a vocabulary from training rows; then every row gives one vector, dense or sparse."""

    sparse: ClassVar[bool] = False

    @abstractmethod
    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        """Learns from the rows given, absent cells left out. Text and image encoders get one column."""

    @abstractmethod
    def encode(self, columns: Mapping[str, Cells]) -> np.ndarray | csr_matrix:
        """``[N, D]`` float32, or CSR of that shape; a row without any cell present is all zeros."""

    @abstractmethod
    def state(self) -> State:
        """What was learned."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Takes back what ``state`` gave; the encoder then gives the same vectors to the bit."""


class TrainedEncoder(Encoder):
    """Learns with the network. ``fit`` learns only what must be known before (a vocabulary, means); weights belong to the network."""

    prepares_alike: ClassVar[bool] = False
    """True if ``prepare`` gives the same arrays whatever ``fit`` learned (pixels), so that folds can share them."""

    @abstractmethod
    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        """Learns vocabulary or statistics from training rows."""

    @abstractmethod
    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        """Arrays of N rows each, which are then cut into batches.

        Absent cells give any finite content; ``"mask"`` (``[N, T]`` bool) says what is there.

        Raises:
            CellError: A cell cannot be decoded; ``row`` is set.
        """

    @abstractmethod
    def build(self) -> nn.Module:
        """A module with fresh weights: from the dict of tensors that ``prepare`` gives for a batch to ``Tokens``; it has an int ``width``."""

    @abstractmethod
    def state(self) -> State:
        """What ``fit`` learned."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Takes back what ``state`` gave."""


class SteeredEncoder(TrainedEncoder):
    """Can be steered by another modality: by the question that is asked about a picture."""

    @abstractmethod
    def build_steered(self, width: int) -> nn.Module:
        """As ``build``, for a module that also takes the other modality's Tokens ``[B, T, width]``; without any a row is seen as if unasked."""
