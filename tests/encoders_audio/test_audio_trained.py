"""The encoders of sounds that learn with the network, and the ear that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from consilience.core.errors import CellError, UsageError
from consilience.core.settings import parse_settings
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._sound import Sound
from consilience.encoders import ENCODERS
from consilience.encoders.audio._mel_torch import Ear, mel_at
from consilience.encoders.audio._waves import WaveEncoder, at_rate, loudest
from consilience.testing._fake_audio import fake_audio_column
from consilience.testing.encoder_checks import check_encoder

EVERY = pytest.mark.parametrize("name", ["melcnn", "gru"])
BOTH = pytest.mark.parametrize("tokens", ["pooled", "sequence"])


class Sounds(KINDS.get("audio")):  # type: ignore[misc]
    """Values are decoded sounds; the text "broken" cannot be decoded."""

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            raise CellError("It is no sound.", found=value)
        return value


def column(*sounds: Any) -> dict[str, Cells]:
    values = np.empty(len(sounds), dtype=object)
    values[:] = list(sounds)
    return {"call": Cells("call", Sounds(), values, np.array([part is not None for part in sounds], dtype=bool))}


def sound(seconds: float, pitch: float = 440.0, loudness: float = 0.3) -> Sound:
    samples = loudness * np.sin(2 * np.pi * pitch * np.arange(max(1, round(16_000 * seconds))) / 16_000)
    return Sound(samples.astype(np.float32))


def made(name: str, **values: Any) -> WaveEncoder:
    cls = ENCODERS.get(f"audio/{name}")
    encoder = cls(parse_settings(cls.Settings, values, name))
    assert isinstance(encoder, WaveEncoder)
    return encoder


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@EVERY
@BOTH
def test_contract(audio_cells: dict[str, Cells], name: str, tokens: str) -> None:
    check_encoder(lambda: made(name, tokens=tokens, width=16), audio_cells)


def test_exactly_one_is_taken_for_learning() -> None:
    learned = [key for key in ENCODERS if key.startswith("audio/") and "learned" in ENCODERS.card(key).claims]
    assert learned == ["audio/melcnn"]
    default = [key for key in ENCODERS if key.startswith("audio/") and "default" in ENCODERS.card(key).claims]
    assert default == ["audio/rocket", "audio/stats", "audio/voice"]


@EVERY
@BOTH
def test_odd_lengths(name: str, tokens: str) -> None:
    encoder = made(name, tokens=tokens, width=16, max_seconds=0.7)
    columns = column(None, sound(0), sound(0.001), sound(0.3, 300), sound(5), Sound(np.zeros(3000, dtype=np.float32)), sound(0.7, 99, 1e-6))
    encoder.fit(columns)
    arrays = encoder.prepare(columns)
    assert encoder.seconds == 0.7
    assert arrays["waves"].dtype == np.int16
    assert arrays["waves"].shape == (7, encoder.samples)
    assert arrays["length"][:, 0].tolist()[0] == 0
    assert arrays["length"].max() == encoder.samples
    for training in (False, True):
        torch.manual_seed(0)
        out = encoder.build().train(training)(tensors(arrays))
        assert torch.isfinite(out.values).all()
        assert out.present.tolist() == [False] + [True] * 6
        if tokens == "sequence" and not training:
            assert out.mask.sum(dim=1)[4] > out.mask.sum(dim=1)[3] > out.mask.sum(dim=1)[2] == 1


@EVERY
def test_loudness_and_what_lies_behind_the_end_do_not_count(name: str) -> None:
    encoder = made(name, width=16)
    columns = column(sound(0.4), sound(0.4, loudness=0.01), sound(1.0))
    encoder.fit(columns)
    module = encoder.build().eval()
    arrays = encoder.prepare(columns)
    with torch.no_grad():
        first, second, third = module(tensors(arrays)).pooled()
    torch.testing.assert_close(first, second, atol=1e-2, rtol=1e-2)
    assert (first - third).abs().max() > 0


@pytest.mark.parametrize(("pitches", "rate"), [((500, 1000, 3000), 8000), ((500, 6000, 6000), 16_000)])
def test_the_rate_is_that_of_what_is_heard(pitches: tuple[int, ...], rate: int) -> None:
    encoder = made("melcnn")
    encoder.fit(column(*(sound(0.5, pitch) for pitch in pitches), None))
    assert encoder.rate == rate
    assert made("melcnn", rate=8000).rate == 8000


def test_the_length_is_learned_and_bounded() -> None:
    encoder = made("melcnn")
    encoder.fit(column(*(sound(0.5) for _ in range(200)), sound(3), None))
    assert encoder.seconds == 0.5, "one long sound in 201 does not stretch all"
    encoder.fit(column(sound(9)))
    assert encoder.seconds == 4.0
    encoder.fit(column(None))
    assert encoder.seconds == 4.0
    encoder.fit(column(sound(0)))
    assert encoder.seconds == 0.1
    assert made("gru").fingerprint() != encoder.fingerprint()


def test_the_loudest_part() -> None:
    wave = np.concatenate([np.zeros(500), np.ones(100), np.zeros(700)]).astype(np.float32)
    assert loudest(wave, 150).sum() == 100
    assert loudest(wave, 2000) is wave
    assert len(loudest(wave, 1)) == 1
    assert loudest(np.append(np.zeros(999), 1).astype(np.float32), 100)[-1] == 1, "the very end is looked at too"


def test_another_rate_keeps_the_pitch() -> None:
    half = at_rate(sound(1.0, 440).samples, 16_000, 8000)
    assert len(half) == 8000
    assert np.abs(np.fft.rfft(half)).argmax() == 440


def test_a_cell_that_cannot_be_decoded_names_its_row() -> None:
    for act in (made("melcnn").fit, made("gru").prepare):
        with pytest.raises(CellError) as caught:
            act(column(sound(0.1), None, "broken"))
        assert (caught.value.row, caught.value.column) == (2, "call")
    with pytest.raises(UsageError, match="one audio column, found 2"):
        made("melcnn").prepare({**column(sound(0.1)), "b": column(sound(0.1))["call"]})


def ear(**values: Any) -> Ear:
    return Ear(mel_at(8000, 10, 40), **{"augment": True, "speed": 0.15, "masks": 2, **values})


def waves(*sounds: Sound, length: int = 8000) -> dict[str, Tensor]:
    encoder = made("melcnn", rate=8000)
    encoder.seconds = length / 8000
    return tensors(encoder.prepare(column(*sounds)))


def test_the_ear_changes_sounds_in_training_only() -> None:
    batch, rows, hear = waves(sound(0.8), sound(0.5, 900)), torch.tensor([0, 1]), ear()
    hear.eval()
    still, there = hear(batch, rows)
    torch.testing.assert_close(still, hear(batch, rows)[0], rtol=0, atol=0)
    assert there.sum(dim=1).tolist() == [81, 51]
    assert not still[1, :, 51:].any(), "nothing is heard behind the end"
    hear.train()
    torch.manual_seed(0)
    one, two = hear(batch, rows)[0], hear(batch, rows)[0]
    assert (one - still).abs().mean() > 0.05
    assert (one - two).abs().mean() > 0.05
    torch.testing.assert_close(ear(augment=False).train()(batch, rows)[0], still, rtol=0, atol=0)


def test_draws_do_not_depend_on_what_is_in_the_batch() -> None:
    batch, hear = waves(sound(0.8), sound(0.5, 900), sound(0.3)), ear().train()
    torch.manual_seed(1)
    some = hear(batch, torch.tensor([2]))[0]
    after = torch.rand(1)
    torch.manual_seed(1)
    every = hear(batch, torch.tensor([0, 1, 2]))[0]
    assert torch.equal(after, torch.rand(1))
    torch.testing.assert_close(some[0], every[2])


def test_speed_changes_pitch_and_length() -> None:
    batch, hear = waves(sound(0.5, 1000)), ear(speed=0.5, masks=0).train()
    torch.manual_seed(0)
    bands, lengths = [], []
    for _ in range(40):
        features, there = hear(batch, torch.tensor([0]))
        bands.append(int(features[0, 0][there[0]].mean(dim=0).argmax()))
        lengths.append(int(there.sum()))
    assert max(bands) - min(bands) >= 6
    assert max(lengths) > 60
    assert min(lengths) < 42
    assert np.corrcoef(bands, lengths)[0, 1] < -0.7, "what is faster is higher and shorter"


def test_spec_augment_hides_stripes() -> None:
    batch = waves(sound(1.0, 700))
    torch.manual_seed(0)
    hidden = [ear(masks=masks).train()(batch, torch.tensor([0]))[0][0, 0] == 0 for masks in (0, 3)]
    assert hidden[0].all(dim=0).sum() == 0
    assert hidden[1].all(dim=0).any() or hidden[1].all(dim=1)[:70].any()
    share = float(hidden[1].float().mean())
    assert 0.02 < share < 0.9


@EVERY
def test_it_learns_the_fakes(name: str) -> None:
    kind = KINDS.get("audio")()
    column_of = fake_audio_column(60, 3)
    parsed = kind.parse(column_of)
    columns = {"sound": Cells("sound", kind, parsed.values, parsed.present)}
    encoder = made(name, width=32, dropout=0.0, masks=1)
    encoder.fit(columns)
    torch.manual_seed(0)
    module, head = encoder.build(), torch.nn.Linear(32, 5)
    steps = torch.optim.Adam([*module.parameters(), *head.parameters()], lr=3e-3)
    batch, target = tensors(encoder.prepare(columns)), torch.arange(60) % 5
    there = batch["mask"][:, 0]
    for _ in range(30):
        steps.zero_grad()
        loss: Any = torch.nn.functional.cross_entropy(head(module(batch).pooled())[there], target[there])
        loss.backward()
        steps.step()
    with torch.no_grad():
        right = head(module.eval()(batch).pooled()).argmax(dim=1) == target
    assert right[there].float().mean() > 0.9


@EVERY
@pytest.mark.parametrize("kind", ["float64", "bfloat16"])
def test_other_precisions(name: str, kind: str) -> None:
    encoder = made(name, width=16)
    columns = column(sound(0.4), None)
    encoder.fit(columns)
    batch = tensors(encoder.prepare(columns))
    module = encoder.build()
    if kind == "bfloat16":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = module(batch)
    else:
        out = module.eval()(batch)
    assert torch.isfinite(out.values).all()
    out.values.float().sum().backward()
    assert all(torch.isfinite(part.grad).all() for part in module.parameters() if part.grad is not None)


@pytest.mark.slow
def test_real_recordings_are_prepared(real_data: Path) -> None:
    folder, kind = real_data / "fsdd", KINDS.get("audio")()
    parsed = kind.parse(pl.read_csv(folder / "train.csv").head(200)["audio"], folder)
    columns = {"audio": Cells("audio", kind, parsed.values, parsed.present)}
    encoder = made("melcnn")
    encoder.fit(columns)
    assert encoder.rate == 8000
    assert 0.4 < encoder.seconds < 1.2
    assert encoder.prepare(columns)["waves"].nbytes < 200 * 8000 * 2 * 1.2
