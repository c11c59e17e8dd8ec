"""Sound models of transformers, from tiny folders that are made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import OfflineError, UsageError
from consilience.core.settings import parse_settings
from consilience.data.kinds import Cells
from consilience.data.kinds._sound import Sound
from consilience.encoders.audio.hf import HuggingFaceAudio, HuggingFaceAudioSettings
from consilience.testing.encoder_checks import check_encoder

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
CONVOLUTIONS = {
    "conv_dim": (8, 8, 8),
    "conv_stride": (5, 4, 4),
    "conv_kernel": (10, 8, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def save(name: str, folder: Path) -> Path:
    torch.manual_seed(0)
    if name == "whisper":
        config = transformers.WhisperConfig(
            d_model=16, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=24,
            decoder_ffn_dim=24, num_mel_bins=16, max_source_positions=100, vocab_size=32, pad_token_id=0, bos_token_id=1, eos_token_id=2,
            decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None,
        )  # fmt: skip
        transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=2).save_pretrained(folder)
        model = transformers.WhisperModel(config)
    else:
        norm = "layer" if name == "wav2vec2-layer" else "group"
        cls = transformers.HubertModel if name == "hubert" else transformers.Wav2Vec2Model
        model = cls(cls.config_class(**SMALL, **CONVOLUTIONS, feat_extract_norm=norm, vocab_size=32))
        transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=norm == "layer").save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = save(name, tmp_path_factory.mktemp(name))
        return made[name]

    return get


def encoder(folder: Path, **values: Any) -> HuggingFaceAudio:
    return HuggingFaceAudio(parse_settings(HuggingFaceAudioSettings, values, "hf"), str(folder))


def sounds(*lengths: float) -> list[Sound]:
    random = np.random.default_rng(0)
    return [Sound((0.1 * random.standard_normal(max(1, int(16_000 * length)))).astype(np.float32)) for length in lengths]


def run(made: HuggingFaceAudio, cells: list[Sound]) -> tuple[np.ndarray, np.ndarray]:
    return made.encode(made.collate([made.prepare(cell) for cell in cells]))


EVERY = pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-layer", "hubert", "whisper"])


@EVERY
@pytest.mark.parametrize("tokens", ["pooled", "sequence"])
def test_contract(folder: Callable[[str], Path], audio_cells: dict[str, Cells], name: str, tokens: str) -> None:
    check_encoder(lambda: encoder(folder(name), tokens=tokens), audio_cells)


@EVERY
def test_odd_lengths_in_any_company(folder: Callable[[str], Path], name: str) -> None:
    made = encoder(folder(name), seconds=1.0, tokens="sequence", max_tokens=40)
    cells = sounds(0, 0.02, 0.3, 1.0, 2.55, 3.0001)
    values, mask = run(made, cells)
    assert values.shape[0] == 6
    assert values.shape[2] == made.width == 16
    assert mask.any(axis=1).all()
    assert mask.sum(axis=1).max() <= 40
    assert np.isfinite(values).all()
    assert not values[~mask].any()
    for row, cell in enumerate(cells):
        alone, there = run(made, [cell])
        np.testing.assert_allclose(alone[0][there[0]], values[row][mask[row]], atol=1e-4)


def test_the_hidden_states_are_those_of_the_model(folder: Callable[[str], Path]) -> None:
    model = transformers.AutoModel.from_pretrained(folder("wav2vec2")).eval()
    (sound,) = sounds(0.7)
    wave = (sound.samples - sound.samples.mean()) / np.sqrt(sound.samples.var() + 1e-7)
    with torch.no_grad():
        out = model(torch.from_numpy(wave)[None], output_hidden_states=True)
    values, _ = run(encoder(folder("wav2vec2")), [sound])
    np.testing.assert_allclose(values[0, 0], out.last_hidden_state[0].mean(dim=0), atol=1e-4)
    values, _ = run(encoder(folder("wav2vec2"), layers="mean"), [sound])
    np.testing.assert_allclose(values[0, 0], torch.stack(out.hidden_states).mean(dim=0)[0].mean(dim=0), atol=1e-4)


def test_whisper_leaves_the_silence_behind_the_end_out(folder: Callable[[str], Path]) -> None:
    made = encoder(folder("whisper"), tokens="sequence", max_tokens=3000)
    _, mask = run(made, sounds(0.5, 2.0))
    assert mask.sum(axis=1).tolist() == [25, 100]


def test_a_long_sound_has_bounded_windows(folder: Callable[[str], Path]) -> None:
    made = encoder(folder("hubert"), seconds=0.5, windows=4)
    assert len(made.prepare(sounds(20)[0])["heard"]) == 4
    assert len(made.prepare(sounds(1.6)[0])["heard"]) == 4
    assert len(made.prepare(sounds(1.51)[0])["heard"]) == 3, "a rest that is too short to hear"


def test_threads_give_the_same(folder: Callable[[str], Path]) -> None:
    made, cells = encoder(folder("whisper")), sounds(0.3, 0.9)
    wanted = [made.prepare(cell)["values"] for cell in cells]
    with ThreadPoolExecutor(4) as pool:
        for row, item in enumerate(pool.map(made.prepare, cells * 6)):
            np.testing.assert_array_equal(item["values"], wanted[row % 2])


def test_the_folder_does_not_count_but_the_weights_do(folder: Callable[[str], Path], tmp_path: Path) -> None:
    import shutil

    moved = Path(shutil.copytree(folder("wav2vec2"), tmp_path / "moved"))
    assert encoder(moved).fingerprint() == encoder(folder("wav2vec2")).fingerprint()
    assert encoder(folder("wav2vec2-layer")).fingerprint() != encoder(folder("wav2vec2")).fingerprint()
    assert str(moved) in encoder(moved).origin()


def test_what_cannot_be_read_says_why(folder: Callable[[str], Path], tmp_path: Path) -> None:
    import shutil

    with pytest.raises(UsageError, match="needs a folder or a name"):
        _ = HuggingFaceAudio(HuggingFaceAudioSettings()).folder
    with pytest.raises(OfflineError, match="nobody/nothing"):
        _ = HuggingFaceAudio(HuggingFaceAudioSettings(), "nobody/nothing").folder
    bare = Path(shutil.copytree(folder("wav2vec2"), tmp_path / "bare"))
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(UsageError, match=r"feature extractor in .* cannot be read"):
        encoder(bare).prepare(sounds(0.1)[0])
    (bare / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"no weights as \.safetensors"):
        _ = encoder(bare).model
    sees = tmp_path / "sees"
    transformers.ViTImageProcessor().save_pretrained(sees)
    (sees / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(UsageError):
        encoder(sees).prepare(sounds(0.1)[0])


def test_weights_of_which_parts_lack_are_refused(folder: Callable[[str], Path], tmp_path: Path) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    part = Path(shutil.copytree(folder("hubert"), tmp_path / "part"))
    tensors = load_file(part / "model.safetensors")
    save_file({name: values for name, values in tensors.items() if "layers.1" not in name}, part / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"lack .* parts of the model"):
        _ = encoder(part).model
