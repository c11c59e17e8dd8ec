"""Text models of transformers, from tiny folders that are made here."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from consilience.core.errors import MissingExtra, OfflineError, UsageError
from consilience.core.settings import parse_settings
from consilience.encoders.text.hf import HuggingFaceSettings, HuggingFaceText

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

SENTENCES = ["the red cube is on the blue sphere", "a cat saw 63.80 dogs", "我来到北京清华大学", "low lower lowest new newer newest"] * 4
TEXTS = ["the red cube", "", "我来到北京", "👩‍🚀 63.80", "new lower cat " * 200, "\ud800"]


def wordpiece(folder: Path) -> None:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES, tokenizers.trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False))
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)


def bytelevel(folder: Path, **names: str) -> None:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=sorted(set(names.values())),
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)


SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def save(kind: str, folder: Path) -> Path:
    torch.manual_seed(0)
    if kind == "bert":
        wordpiece(folder)
        model = transformers.BertModel(transformers.BertConfig(vocab_size=120, max_position_embeddings=64, **SMALL))
    elif kind == "roberta":
        bytelevel(folder, pad_token="<pad>", bos_token="<s>")
        config = transformers.RobertaConfig(vocab_size=300, max_position_embeddings=34, pad_token_id=0, type_vocab_size=1, **SMALL)
        model = transformers.RobertaModel(config)
    elif kind == "gpt2":
        bytelevel(folder, eos_token="<|endoftext|>")
        config = transformers.GPT2Config(vocab_size=300, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
        model = transformers.GPT2LMHeadModel(config)
    else:
        bytelevel(folder, pad_token="<pad>", eos_token="</s>")
        config = transformers.T5Config(vocab_size=300, d_model=16, d_ff=32, d_kv=8, num_layers=2, num_heads=2, decoder_start_token_id=0)
        model = transformers.T5ForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {kind: save(kind, tmp_path_factory.mktemp(kind)) for kind in ("bert", "roberta", "gpt2", "t5")}


@pytest.fixture
def bert(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(folders["bert"], tmp_path / "bert"))


def made(argument: Path | str, **values: Any) -> HuggingFaceText:
    return HuggingFaceText(parse_settings(HuggingFaceSettings, values, "hf"), str(argument))


def encode(encoder: HuggingFaceText, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    return encoder.encode(encoder.collate([encoder.prepare(text) for text in texts]))


EVERY = pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2", "t5"])


@EVERY
@pytest.mark.parametrize("pool", ["mean", "cls", "last"])
def test_shape_and_batches(kind: str, pool: str, folders: dict[str, Path]) -> None:
    encoder = made(folders[kind], pool=pool)
    whole, mask = encode(encoder, TEXTS)
    assert whole.shape == (len(TEXTS), 1, 16)
    assert encoder.width == 16
    assert mask.all()
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(whole, np.concatenate([encode(encoder, [text])[0] for text in TEXTS]), atol=1e-5)
    assert len({row.tobytes() for row in np.round(whole, 4)}) >= (3 if (kind, pool) == ("gpt2", "cls") else 5)


@EVERY
def test_sequence(kind: str, folders: dict[str, Path]) -> None:
    encoder = made(folders[kind], tokens="sequence", max_tokens=9)
    values, mask = encode(encoder, TEXTS)
    assert values.shape == (len(TEXTS), 9, 16)
    assert mask.any(axis=1).all()
    assert not values[~mask].any()


@EVERY
def test_padding_has_no_influence(kind: str, folders: dict[str, Path]) -> None:
    encoder = made(folders[kind])
    batch = encoder.collate([encoder.prepare(text) for text in TEXTS])
    before = encoder.encode(batch)[0]
    wide = {name: np.pad(array[:4, :20], ((0, 0), (0, 3)), constant_values=encoder.padding if name == "ids" else 0) for name, array in batch.items()}
    np.testing.assert_allclose(encoder.encode(wide)[0], before[:4], atol=1e-5)


@EVERY
def test_openvino_takes_the_graph(kind: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    openvino = pytest.importorskip("openvino")
    encoder = made(folders[kind], pool="last" if kind == "gpt2" else "mean")
    batch = encoder.collate([encoder.prepare(text) for text in TEXTS[:3]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = openvino.convert_model(encoder.module, example_input=tuple(torch.from_numpy(batch[name]) for name in encoder.inputs))
    graph.reshape({port: openvino.PartialShape([-1, -1]) for port in graph.inputs})
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for texts in (TEXTS, TEXTS[:1]):
        batch = encoder.collate([encoder.prepare(text) for text in texts])
        (found,) = compiled([batch[name] for name in encoder.inputs]).values()
        np.testing.assert_allclose(found, encoder.encode(batch)[0], atol=1e-4)


def test_equals_transformers(folders: dict[str, Path]) -> None:
    texts = [text for text in TEXTS if text != "\ud800"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["bert"])
    model = transformers.AutoModel.from_pretrained(folders["bert"]).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    weight = batch["attention_mask"].unsqueeze(-1)
    np.testing.assert_allclose(encode(made(folders["bert"]), texts)[0][:, 0], ((hidden * weight).sum(1) / weight.sum(1)).numpy(), atol=1e-5)
    np.testing.assert_allclose(encode(made(folders["bert"], pool="cls"), texts)[0][:, 0], hidden[:, 0].numpy(), atol=1e-5)


def test_last_piece_of_gpt2(folders: dict[str, Path]) -> None:
    encoder = made(folders["gpt2"], pool="last")
    model = transformers.AutoModel.from_pretrained(folders["gpt2"]).eval()
    for text in ("the red cube", "a cat"):
        with torch.inference_mode():
            hidden = model(input_ids=torch.from_numpy(encoder.prepare(text)["ids"])[None]).last_hidden_state
        np.testing.assert_allclose(encode(encoder, [text, TEXTS[4]])[0][0, 0], hidden[0, -1].numpy(), atol=1e-5)


def test_only_as_many_pieces_as_the_model_has_places(folders: dict[str, Path]) -> None:
    long = "cat " * 500
    assert len(made(folders["bert"]).prepare(long)["ids"]) == 64
    assert len(made(folders["bert"], max_tokens=10).prepare(long)["ids"]) == 10
    roberta = made(folders["roberta"])
    assert len(roberta.prepare(long)["ids"]) == 33  # one place stands before the padding id
    encode(roberta, [long])
    assert len(made(folders["t5"]).prepare(long)["ids"]) == 256


def test_many_threads(folders: dict[str, Path]) -> None:
    encoder = made(folders["bert"])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: encoder.prepare(text)["ids"], TEXTS * 50))
    for text, ids in zip(TEXTS * 50, found, strict=True):
        np.testing.assert_array_equal(ids, encoder.prepare(text)["ids"])


def test_identity_is_the_content(bert: Path, folders: dict[str, Path]) -> None:
    first = made(folders["bert"]).fingerprint()
    assert made(bert).fingerprint() == first
    assert made(bert, pool="cls").fingerprint() != first
    vocabulary = bert / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert made(bert).fingerprint() != first
    changed = made(bert).fingerprint()
    weights = bert / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x01\x02\x03")
    assert made(bert).fingerprint() != changed


def test_saved_in_half_precision(folders: dict[str, Path], bert: Path) -> None:
    transformers.AutoModel.from_pretrained(folders["bert"]).to(torch.bfloat16).save_pretrained(bert)
    values, _ = encode(made(bert), TEXTS)
    assert values.dtype == np.float32
    assert next(made(bert).module.parameters()).dtype == torch.float32


def test_only_bin(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    uses: list[Callable[[HuggingFaceText], object]] = [lambda encoder: encoder.fingerprint(), lambda encoder: encoder.module]
    for use in uses:
        with pytest.raises(UsageError, match=r"pytorch_model\.bin.*save_pretrained"):
            use(made(bert))


def test_damaged_weights(bert: Path) -> None:
    (bert / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UsageError, match="cannot be read"):
        _ = made(bert).module


def test_weights_that_lack_a_part(bert: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(bert / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"encoder\.layer\.1\.output\.dense\.weight"):
        _ = made(bert).module


def test_code_that_comes_with_a_model_is_not_run(bert: Path, tmp_path: Path) -> None:
    (bert / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((bert / "config.json").read_text())
    config.update(model_type="evil", auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"})
    (bert / "config.json").write_text(json.dumps(config))
    uses: list[Callable[[HuggingFaceText], object]] = [lambda encoder: encoder.width, lambda encoder: encoder.module]
    for use in uses:
        with pytest.raises(UsageError, match="never run"):
            use(made(bert))
    assert not (tmp_path / "ran").exists()


def test_no_tokenizer(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="no tokenizer"):
        made(bert).prepare("text")


def test_a_model_that_reads_no_text(bert: Path) -> None:
    transformers.ViTConfig(**SMALL).save_pretrained(bert)
    uses: list[Callable[[HuggingFaceText], object]] = [lambda encoder: encoder.width, lambda encoder: encoder.prepare("text")]
    for use in uses:
        with pytest.raises(UsageError, match=r"'vit'\) reads no text"):
            use(made(bert))


def test_text_side_of_a_picture_and_text_model(tmp_path: Path) -> None:
    bytelevel(tmp_path, pad_token="<pad>", eos_token="</s>")
    text = {"vocab_size": 300, "max_position_embeddings": 20, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0, **SMALL}
    config = transformers.CLIPConfig(text_config=text, vision_config={"image_size": 16, "patch_size": 8, **SMALL}, projection_dim=8)
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    encoder = made(tmp_path)
    values, _ = encode(encoder, TEXTS)
    assert values.shape == (len(TEXTS), 1, 16)
    assert len(encoder.prepare(TEXTS[4])["ids"]) == 20


def test_tokenizer_of_another_model(bert: Path, folders: dict[str, Path]) -> None:
    shutil.copy(folders["gpt2"] / "tokenizer.json", bert)
    with pytest.raises(UsageError, match="another model"):
        made(bert).prepare("text 北京 zzz")


def test_names_that_are_no_folder(tmp_path: Path) -> None:
    for argument in ("", str(tmp_path / "none"), "./none", "a/b/c"):
        with pytest.raises(UsageError):
            made(argument).prepare("text")
    with pytest.raises(UsageError, match=r"config\.json"):
        made(tmp_path).prepare("text")


@pytest.mark.parametrize("word", ["HF_HUB_OFFLINE", "CONSILIENCE_OFFLINE"])
def test_offline(word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(word, "1")
    with pytest.raises(OfflineError, match=r"switched off.*hf download owner/model"):
        made("owner/model").prepare("text")


def test_fetch_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fail(*args: object, local_files_only: bool, **words: object) -> str:
        raise (huggingface_hub.errors.LocalEntryNotFoundError("not in the cache") if local_files_only else OSError("no route to host"))

    for word in ("HF_HUB_OFFLINE", "CONSILIENCE_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(word, raising=False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(OfflineError, match=r"no route to host.*hf download"):
        made("owner/model").prepare("text")


def test_a_name_that_is_in_the_cache_asks_no_network(monkeypatch: pytest.MonkeyPatch, folders: dict[str, Path]) -> None:
    import huggingface_hub

    asked = []

    def find(name: str, local_files_only: bool, **words: object) -> str:
        asked.append(local_files_only)
        return str(folders["bert"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", find)
    encoder = made("owner/model")
    assert encoder.prepare("text")["ids"].size
    assert asked == [True]
    assert "owner/model" in encoder.origin()


def test_without_transformers(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers.utils.logging", None)
    with pytest.raises(MissingExtra, match=r"transformers.*consilience\[hf\]"):
        made(folders["bert"]).prepare("text")


def test_settings_that_cannot_be() -> None:
    with pytest.raises(UsageError):
        made("x", pool="max")
