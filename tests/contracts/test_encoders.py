"""Every encoder keeps the contract of its sort, and the checks can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from consilience.core.extras import missing_packages
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders import ENCODERS, FittedEncoder
from consilience.testing import HashingText, check_encoder, fake_columns

UNSAID = "What it learned is not in its identity. Nothing reads it: features of encoders that learn are not kept in the store."
KNOWN = {
    "text/bow": {"learned": UNSAID},
    "text/gru": {"learned": UNSAID},
    "text/lstm": {"learned": UNSAID},
    "text/rnn": {"learned": UNSAID},
    "text/transformer": {"learned": UNSAID},
    "text/word2vec": {"learned": UNSAID},
}
# Small and without weights that would have to be fetched.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "image/cnn": [{"size": 16, "width": 8}, {"size": 16, "width": 8, "tokens": "grid"}],
    "image/efficientnet_lite0": [{"pretrained": False, "size": 32}],
    "image/hf": [{"size": 32}],
    "image/hog": [{}, {"grey": True, "size": 32}],
    "table/ft_transformer": [{"width": 16, "depth": 1}, {"width": 16, "depth": 1, "output": "columns"}],
    "text/bow": [{}, {"chars": None, "stop_words": "english"}],
    "text/hf": [{}, {"tokens": "sequence"}],
    "text/word2vec": [{"width": 8}, {"width": 8, "weighting": "mean"}],
    **{f"text/{key}": [{"width": 16}, {"width": 16, "tokens": "sequence"}] for key in ("gru", "lstm", "rnn", "transformer")},
    **{f"image/{key}": [{"pretrained": False, "size": 32}] for key in ("mobilenet_v2", "resnet18", "resnet50", "vgg16", "vit_small")},
    "image/timm": [{"pretrained": False, "size": 32}],
    "image/film": [{"size": 16, "channels": 8, "width": 8}],
    "image/gcn": [{"size": 32, "width": 8}],
    "points/pointnet": [{"filters": 8, "width": 8, "points": 32}],
    "video/cnn3d": [{"size": 16, "frames": 4, "width": 8}],
    "video/frames": [{"image": "hog", "frames": 4}],
    "video/temporal": [{"image": "hog", "frames": 4, "width": 8}],
    "volume/cnn3d": [{"size": 16, "filters": 4, "width": 8}],
    "volume/slices": [{"encoder": "hog"}],
}
# They need a folder, and are checked with one beside their other tests.
ELSEWHERE = {"audio/hf", *(key for key in ENCODERS if key.endswith("/own"))}
CASES = [(key, settings) for key in ENCODERS if key not in ELSEWHERE for settings in SETTINGS.get(key, [{}])]


@pytest.mark.parametrize(("key", "settings"), CASES, ids=[f"{key}-{'-'.join(map(str, settings.values()))}" for key, settings in CASES])
def test_encoder(key: str, settings: dict[str, Any], request: pytest.FixtureRequest) -> None:
    card, modality = ENCODERS.card(key), key.partition("/")[0]
    if missing := missing_packages(card.extra):
        pytest.skip(f"{', '.join(missing)} is not installed")
    argument = ""
    if "argument" in card.claims:
        argument = "resnet18" if key == "image/timm" else str(request.getfixturevalue(f"{modality}_folder"))
    cls: Any = ENCODERS.get(key)
    check_encoder(lambda: cls(cls.Settings(**settings), argument), fake_columns(modality), KNOWN.get(key), card)


@pytest.mark.parametrize("key", [key for key in ENCODERS if key.startswith("table/")])
@pytest.mark.parametrize("column", ["size", "shape", "day", "tags"])
def test_a_table_of_one_column(key: str, column: str) -> None:
    cls: Any = ENCODERS.get(key)
    small = {"width": 16} if "width" in cls.Settings.model_fields else {}
    check_encoder(lambda: cls(cls.Settings(**small)), {column: fake_columns("table")[column]}, KNOWN.get(key))


class BatchMean(HashingText):
    """What a cell gives depends on its company."""

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return batch["vectors"] - batch["vectors"].mean(axis=0), batch["mask"]


class Narrow(HashingText):
    """The width is not what is said."""

    @property
    def width(self) -> int:
        return self.settings.width + 1

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        return {"vectors": super().prepare(cell)["vectors"][:, :-2]}

    def collate(self, items: Any) -> dict[str, np.ndarray]:
        return {"vectors": np.stack([item["vectors"] for item in items]), "mask": np.ones((len(items), 1), dtype=bool)}


class Restless(HashingText):
    """Other numbers every time."""

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return batch["vectors"] + np.random.default_rng().normal(size=batch["vectors"].shape).astype(np.float32), batch["mask"]


class Forgetful(HashingText):
    """The fingerprint does not know the settings."""

    def identity(self) -> dict[str, Any]:
        return {"encoder": "forgetful"}


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (BatchMean, "company: Cell"),
        (Narrow, "tokens: .* wide"),
        (Restless, "again: .* the second time"),
        (Forgetful, "setting 'width' does not change"),
    ],
)
def test_the_frozen_checks_can_fail(cls: type[HashingText], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_encoder(cls, fake_columns("text"))


class Lengths(FittedEncoder):
    """Two numbers a text: its length over the mean one, and 1. Subclasses break one promise each."""

    mean = 1.0

    def __init__(self) -> None:
        super().__init__(Settings())

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        lengths = [len(text) for text, there in self.rows(columns) if there]
        self.mean = float(np.mean(lengths)) if lengths else 1.0

    def rows(self, columns: Mapping[str, Cells]) -> list[tuple[str, bool]]:
        (cells,) = columns.values()
        return list(zip(cells.values, cells.present, strict=True))

    def encode(self, columns: Mapping[str, Cells]) -> np.ndarray:
        made = [(len(text) / self.mean, 1.0) if there else (0.0, 0.0) for text, there in self.rows(columns)]
        return np.array(made, dtype=np.float32).reshape(-1, 2)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean}

    def state(self) -> State:
        return State({"mean": self.mean})

    def restore(self, state: State) -> None:
        self.mean = state.config["mean"]


def counts_absent(self: Any, columns: Mapping[str, Cells], seed: int = 0) -> None:
    self.mean = float(np.mean([len(text or "") for text, _ in Lengths.rows(self, columns)]))


def remembers(self: Any, columns: Mapping[str, Cells], seed: int = 0) -> None:
    before = self.mean
    Lengths.fit(self, columns, seed)
    self.mean += before


def of_the_table(self: Any, columns: Mapping[str, Cells]) -> np.ndarray:
    values = Lengths.encode(self, columns)
    there = values[:, 1] > 0
    values[there, 0] /= values[:, 0].sum()
    return values


def test_a_right_fitted_encoder_passes() -> None:
    check_encoder(Lengths, fake_columns("text"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fit": counts_absent}, "absence: The content of absent cells changes what is learned"),
        ({"fit": remembers}, "seed: A second fit does not forget"),
        ({"encode": of_the_table}, "rows_alone"),
        ({"encode": lambda self, columns: Lengths.encode(self, columns) + np.float32(1)}, "vectors: A row without any cell is not all zeros"),
        ({"encode": lambda self, columns: Lengths.encode(self, columns).astype(np.float64)}, "vectors: The vectors are float64"),
        ({"state": lambda self: State({"mean": round(self.mean)})}, "state: The restored encoder gives other vectors"),
        ({"identity": lambda self: {"encoder": "lengths"}}, "learned: Two encoders"),
        ({"sparse": True}, "sparse = True"),
    ],
)
def test_the_fitted_checks_can_fail(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_encoder(type("Broken", (Lengths,), changes), fake_columns("text"))
