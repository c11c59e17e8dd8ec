"""An encoder of one's own is the network that was trained, frozen, from a folder that is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from consilience.core.errors import UsageError
from consilience.core.progress import Silent
from consilience.data.kinds import KINDS, Cells
from consilience.data.schema import infer_schema
from consilience.data.table import Table
from consilience.encoders import ENCODERS, FrozenEncoder
from consilience.encoders._own import inner_encoder
from consilience.encoders._own_folder import read_own
from consilience.encoders._tuned import tuned
from consilience.features.extract import extract
from consilience.features.slots import EncoderChoice, plan_slots
from consilience.testing import check_encoder

MODALITIES = ["audio", "graph", "image", "points", "series", "text", "video"]
Folder = Callable[..., Path]
Columns = Callable[[str], dict[str, Cells]]


def own(modality: str, folder: Path | str) -> Any:
    cls: Any = ENCODERS.get(f"{modality}/own")
    return cls(cls.Settings(), str(folder))


def tokens(encoder: Any, cells: Cells) -> np.ndarray:
    """``[P, D]`` of the rows that are present."""
    read_at, size = getattr(cells.kind, "read_at", None), encoder.image_size
    read = cells.kind.read if read_at is None or size is None else lambda value: read_at(value, size)  # as the extraction reads
    items = [encoder.prepare(read(value)) for value in cells.values[cells.present]]
    return encoder.encode(encoder.collate(items))[0][:, 0]


@pytest.mark.parametrize("modality", MODALITIES)
def test_it_keeps_the_contract_of_frozen_encoders(modality: str, folder_of: Folder, cells_of: Columns) -> None:
    check_encoder(lambda: own(modality, folder_of(modality)), cells_of(modality), card=ENCODERS.card(f"{modality}/own"))


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_cell_gives_what_the_trained_network_gives(modality: str, folder_of: Folder, cells_of: Columns) -> None:
    (cells,) = cells_of(modality).values()
    kept = read_own(folder_of(modality))
    inner = inner_encoder(kept.key, kept.settings)
    inner.restore(kept.state)
    network = inner.build().eval()
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in kept.weights.items()})
    arrays = inner.prepare({cells.name: cells})
    with torch.no_grad():
        expected = network({name: torch.from_numpy(array) for name, array in arrays.items()}).pooled().numpy()[cells.present]
    assert np.allclose(tokens(own(modality, folder_of(modality)), cells), expected, atol=1e-4)
    assert np.abs(expected).max() > 0


@pytest.mark.parametrize("modality", ["image", "text", "graph", "series"])
def test_it_can_be_learned_on(modality: str, folder_of: Folder, cells_of: Columns) -> None:
    columns = cells_of(modality)
    (cells,) = columns.values()
    frozen = own(modality, folder_of(modality))
    encoder = tuned(frozen, "full")
    module = encoder.build()
    batch = {name: torch.from_numpy(array) for name, array in encoder.prepare(columns).items()}
    with torch.no_grad():
        made = module.eval()(batch)
    assert made.present.tolist() == cells.present.tolist()
    assert np.allclose(made.pooled().numpy()[cells.present], tokens(frozen, cells), atol=1e-4)
    module.train()(batch).pooled().square().sum().backward()
    moved = [name for name, weight in module.named_parameters() if weight.grad is not None and float(weight.grad.abs().max()) > 0]
    assert len(moved) > len(list(module.parameters())) // 2


@pytest.mark.parametrize("modality", ["text", "image"])
def test_the_runtime_runs_it(modality: str, folder_of: Folder, cells_of: Columns) -> None:
    (cells,) = cells_of(modality).values()
    encoder = own(modality, folder_of(modality))
    found = extract(cells, encoder, None, progress=Silent(), label="own")
    assert not found.failures
    assert found.mask.tolist() == cells.present.tolist()
    assert np.allclose(found.values[cells.present], tokens(encoder, cells), atol=2e-3)  # rounded to 16 bits, as the store keeps it


def test_the_fingerprint_follows_the_weights_and_not_the_place(folder_of: Folder, tmp_path: Path) -> None:
    first, other = own("text", folder_of("text")), own("text", folder_of("text", seed=1))
    moved = shutil.copytree(folder_of("text"), tmp_path / "elsewhere")
    assert own("text", moved).fingerprint() == first.fingerprint() != other.fingerprint()


def damaged(folder: Path, place: Path, change: Callable[[Path], None]) -> Path:
    copied = shutil.copytree(folder, place)
    change(copied)
    return copied


def spoil(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[-2] ^= 1
        (folder / name).write_bytes(bytes(content))

    return change


def rewrite(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "MANIFEST.json").read_text())
        (folder / "MANIFEST.json").write_text(json.dumps({**manifest, **values}))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("weights.safetensors"), "weights.safetensors .* not as it was written"),
        (spoil("encoder.json"), "encoder.json .* not as it was written"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "no weights.safetensors"),
        (lambda folder: (folder / "MANIFEST.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "MANIFEST.json").unlink(), "no pretrained encoder"),
        (rewrite(format=99), "format 99"),
        (rewrite(files={"../weights.pkl": "0"}), "not the folder of a pretrained encoder"),
        (shutil.rmtree, "no folder"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_refused(change: Any, said: str, folder_of: Folder, tmp_path: Path) -> None:
    path = damaged(folder_of("text"), tmp_path / "encoder", change)
    with pytest.raises(UsageError, match=said):
        own("text", path).fingerprint()


def test_a_folder_of_another_modality_is_refused(folder_of: Folder) -> None:
    with pytest.raises(UsageError, match=r"encoder of text .*not of image"):
        _ = own("image", folder_of("text")).width
    with pytest.raises(UsageError, match="needs the folder"):
        _ = own("image", "").width


def test_a_path_alone_names_it(folder_of: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = Table(pl.DataFrame({"note": ["a word or two", "some more words here", "and others still", "the last of them"] * 5}))
    schema = infer_schema(table, kinds={"note": "text"})
    place = shutil.copytree(folder_of("text"), tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for name in (str(place), "mine", "mine/", "./mine", "own:mine"):
        (slot,) = plan_slots(schema, {"note": [EncoderChoice(name=name)]})
        assert slot.encoder == "text/own"
        made = slot.make()
        assert isinstance(made, FrozenEncoder)
        assert made.width == 8
    (slot,) = plan_slots(schema, {"note": [EncoderChoice(name="text/bow")]})
    assert slot.encoder == "text/bow"
    with pytest.raises(UsageError, match="no encoder 'text/bowl'"):
        plan_slots(schema, {"note": [EncoderChoice(name="text/bowl")]})
    (slot,) = plan_slots(schema, {"note": [EncoderChoice(name="hf:owner/name")]})
    assert (slot.encoder, slot.argument) == ("text/hf", "owner/name")


def test_every_kind_that_has_one_says_so_on_its_card() -> None:
    for modality in MODALITIES:
        assert ENCODERS.card(f"{modality}/own").claims == ("frozen", "argument")
        assert modality in {KINDS.get(key).modality for key in KINDS}
