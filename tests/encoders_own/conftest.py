"""Folders of encoders as ``consilience pretrain`` writes them, with weights that learned nothing; one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from consilience.data.kinds import KINDS, Cells
from consilience.encoders._own import inner_encoder
from consilience.encoders._own_folder import OwnFolder, write_own
from consilience.testing._fake_audio import fake_audio_column
from consilience.testing._fake_graph import fake_graph_column
from consilience.testing._fake_points import fake_points_column
from consilience.testing._fake_series import fake_series_column
from consilience.testing._fake_video import fake_video_column
from consilience.testing.fakes import fake_columns

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "audio": ("audio/melcnn", {"width": 8, "channels": 8}),
    "graph": ("graph/gin", {"width": 8, "hidden": 8, "layers": 1}),
    "image": ("image/cnn", {"width": 8, "size": 16}),
    "points": ("points/pointnet", {"width": 8, "filters": 4}),
    "series": ("series/tcn", {"width": 8, "filters": 4, "blocks": 1}),
    "text": ("text/gru", {"width": 8, "tokens": "sequence"}),
    "video": ("video/cnn3d", {"width": 8, "size": 16, "frames": 4}),
}
"""Modality to a small encoder of it."""
COLUMNS = {
    "audio": fake_audio_column,
    "graph": fake_graph_column,
    "points": fake_points_column,
    "series": fake_series_column,
    "video": fake_video_column,
}


@pytest.fixture(scope="session", autouse=True)
def alone() -> Iterator[None]:
    """Tiny tensors do not wait for threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def cells_of() -> Callable[[str], dict[str, Cells]]:
    """Modality to a small column of it."""

    def make(modality: str) -> dict[str, Cells]:
        if modality not in COLUMNS:
            return fake_columns(modality)
        if modality == "audio":
            pytest.importorskip("soundfile")
        if modality == "video":
            pytest.importorskip("av")
        kind = KINDS.get(modality)()
        parsed = kind.parse(COLUMNS[modality]())
        return {modality: Cells(modality, kind, parsed.values, parsed.present)}

    return make


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory, cells_of: Callable[[str], dict[str, Cells]]) -> Callable[..., Path]:
    """Modality to the folder of an encoder of it, made once; another seed gives other weights."""
    made: dict[tuple[str, int], Path] = {}

    def make(modality: str, seed: int = 0) -> Path:
        if (modality, seed) not in made:
            columns = cells_of(modality)
            key, settings = SMALL[modality]
            encoder = inner_encoder(key, settings)
            encoder.fit(columns)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                network = encoder.build()
            weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
            shapes = {name: list(array.shape[1:]) for name, array in encoder.prepare(columns).items()}
            path = tmp_path_factory.mktemp(f"own-{modality}")
            about = {"objective": "autoencoder", "rows": 20}
            write_own(path, OwnFolder(key, encoder.settings.model_dump(mode="json"), encoder.state(), weights, 8, shapes, about))
            made[modality, seed] = path
        return made[modality, seed]

    return make
