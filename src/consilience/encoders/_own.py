"""An encoder that was pretrained on a table without labels: the inner encoder's network with its weights, frozen, by its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from consilience.core.errors import CellError, FolderError, UsageError
from consilience.core.extras import missing_packages
from consilience.core.settings import parse_settings
from consilience.data.kinds import Cells, Evidence, Kind, Parsed, Profile
from consilience.encoders._base import ModuleEncoder, TrainedEncoder
from consilience.encoders._own_folder import OwnFolder, read_own

__all__ = ["THERE", "OwnEncoder", "inner_encoder"]

THERE = "there"
"""The inner encoder's ``mask``, under a name that nobody takes for the mask of what is given out."""


class OwnEncoder(ModuleEncoder):
    """One token a cell: the mean of the tokens that the pretrained network gives.

    Shape:
        - prepare: what the inner encoder prepares, one row without its first axis; its mask is called ``there``.
        - encode: ``[B, 1, D]``.

    Args:
        argument: The folder that ``consilience pretrain`` wrote.

    Raises:
        UsageError: No folder is named, it is damaged, or holds an encoder of another modality.
    """

    modality: ClassVar[str] = ""

    @cached_property
    def kept(self) -> OwnFolder:
        """What the folder holds, after it was checked."""
        if not self.argument:
            raise UsageError(
                f"The encoder '{self.modality}/own' needs the folder of a pretrained encoder.", hint=f"Write it as {self.modality}=own:FOLDER."
            )
        try:
            kept = read_own(self.argument)
        except FolderError as error:
            raise UsageError(error.what, hint=error.hint) from error
        if kept.key.partition("/")[0] != self.modality:
            raise UsageError(
                f"The folder {self.argument!r} holds an encoder of {kept.key.partition('/')[0]} ({kept.key}), not of {self.modality}.",
                hint="Name it for a column of its own kind.",
            )
        return kept

    @cached_property
    def inner(self) -> TrainedEncoder:
        """The encoder that was pretrained, with what its ``fit`` learned."""
        made = inner_encoder(self.kept.key, self.kept.settings)
        try:
            made.restore(self.kept.state)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise UsageError(f"The encoder in {self.argument!r} cannot be read: its state is not one of {self.kept.key}.") from error
        return made

    def identity(self) -> dict[str, Any]:
        """The folder's content; where it lies does not matter."""
        return {**super().identity(), "argument": "", "content": self.kept.digest, "inner": [self.inner.version, self.kept.key]}

    def origin(self) -> str:
        about = self.kept.about
        return f"{self.kept.key}, pretrained ({about.get('objective', '?')}) on {about.get('rows', '?')} cells, from the folder {self.argument}"

    @property
    def width(self) -> int:
        return self.kept.width

    @property
    def image_size(self) -> int | None:
        # As in the pretraining: a quarter more than the picture is brought to.
        shapes = self.kept.inputs
        side = max(shapes["pixels"][-2:]) if "pixels" in shapes else shapes["frames"][1] if "frames" in shapes else 0
        return side + side // 4 if side else None

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(sorted(THERE if name == "mask" else name for name in self.kept.inputs))

    @property
    def dynamic(self) -> bool:
        return self.modality in ("text", "graph")

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        present = np.ones(1, dtype=bool)
        try:
            arrays = self.inner.prepare({"cell": Cells("cell", Held(cell), np.zeros(1, dtype=object), present)})
        except CellError as error:
            error.row = error.column = None  # its place in this little column is nobody's business
            raise
        return {THERE if name == "mask" else name: np.asarray(array[0]) for name, array in arrays.items()}

    def collate(self, items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: padded([item[name] for item in items]) for name in items[0]}

    def length(self, item: dict[str, np.ndarray]) -> int:
        return sum(array.size for array in item.values()) if self.dynamic else 0

    def build(self) -> nn.Module:
        network = self.inner.build()
        weights = {name: torch.from_numpy(np.array(array)) for name, array in self.kept.weights.items()}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(f"The weights in {self.argument!r} are not those of {self.kept.key} in this version.", hint="Pretrain again.") from error
        return OwnModule(network, self.inputs).eval()


class OwnModule(nn.Module):
    """The pretrained network with its inputs one by one; ``[B, 1, D]``."""

    def __init__(self, network: nn.Module, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.inputs = network, inputs

    def forward(self, *arrays: Tensor) -> Tensor:
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            # A trace would keep the lengths and the rows of the example, and be wrong for others.
            raise TypeError("what it computes depends on what is there")
        batch: Mapping[str, Tensor] = {"mask" if name == THERE else name: array for name, array in zip(self.inputs, arrays, strict=True)}
        pooled: Tensor = self.network(batch).pooled()
        return pooled.unsqueeze(1)


class Held(Kind):
    """A kind whose one cell is already decoded."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def read(self, value: Any) -> Any:
        return self.cell

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "it is no column")

    def parse(self, column: pl.Series, base: Any = None) -> Parsed:
        raise NotImplementedError("A decoded cell is not parsed.")

    def thumbnail(self, value: Any) -> str:
        return ""


def inner_encoder(key: str, settings: Mapping[str, Any]) -> TrainedEncoder:
    """The encoder of that key, with nothing learned yet.

    Raises:
        UsageError: There is none, it does not know a setting, or it is not one that learns with a network.
        MissingExtra: It needs a package that is not installed.
    """
    from consilience.encoders import ENCODERS

    cls = ENCODERS.get(key)
    if not issubclass(cls, TrainedEncoder):
        raise UsageError(
            f"The encoder {key!r} is not trained, so that it cannot be pretrained.", hint=f"There are: {trainable(key.partition('/')[0])}."
        )
    return cls(parse_settings(cls.Settings, dict(settings), f"The encoder {key!r}"))


def trainable(modality: str) -> str:
    """The encoders of a modality that can be trained, in words."""
    from consilience.encoders import ENCODERS

    keys = [key for key in ENCODERS if key.startswith(f"{modality}/")]
    names = [key for key in keys if "trained" in ENCODERS.card(key).claims and not missing_packages(ENCODERS.card(key).extra)]
    return ", ".join(names) or "none"


def padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays as one, zeros behind those that are shorter along some axis: no encoder looks behind what its mask or count says."""
    shapes = {array.shape for array in arrays}
    if len(shapes) == 1:
        return np.stack(arrays)
    shape = tuple(max(sides) for sides in zip(*shapes, strict=True))
    made = np.zeros((len(arrays), *shape), dtype=arrays[0].dtype)
    for row, array in enumerate(arrays):
        made[row][tuple(slice(0, side) for side in array.shape)] = array
    return made
